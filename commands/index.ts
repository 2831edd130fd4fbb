import { Allstate } from './allstate'
import type { CommandClass } from './base'
import { Bringin } from './bringin'
import { Bringout } from './bringout'
import { Clearerr } from './clearerr'
import { ConfigCheck } from './config'
import { Exit } from './exit'
import { Hbtstate } from './hbtstate'
import { Help } from './help'
import { Jobstate } from './jobstate'
import { List } from './list'
import { Login } from './login'
import { Logout } from './logout'
import { Mirror } from './mirror'
import { Open } from './open'
import { Run } from './run'
import { Switch } from './switch'
import { Use } from './use'
import { Version } from './version'
import { Wait } from './wait'
import { Watch } from './watch'

/** The whole grammar: one word, one class. Usage, options and completion come from the classes. */
export const COMMANDS: Record<string, CommandClass> = {
  allstate: Allstate,
  bringin: Bringin,
  bringout: Bringout,
  clearerr: Clearerr,
  config: ConfigCheck,
  exit: Exit,
  hbtstate: Hbtstate,
  help: Help,
  jobstate: Jobstate,
  list: List,
  login: Login,
  logout: Logout,
  mirror: Mirror,
  open: Open,
  run: Run,
  switch: Switch,
  use: Use,
  version: Version,
  wait: Wait,
  watch: Watch
}
