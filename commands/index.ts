import { Agents } from './agents'
import { Allstate } from './allstate'
import type { CommandClass } from './base'
import { Bandwidth } from './bandwidth'
import { Bringin } from './bringin'
import { Bringout } from './bringout'
import { Clearerr } from './clearerr'
import { Config } from './config'
import { Detach } from './detach'
import { Drill } from './drill'
import { Encode } from './encode'
import { Exit } from './exit'
import { Forcetake } from './forcetake'
import { Hbtstate } from './hbtstate'
import { Help } from './help'
import { History } from './history'
import { Hostid } from './hostid'
import { Job } from './job'
import { Jobstate } from './jobstate'
import { License } from './license'
import { Link } from './link'
import { List } from './list'
import { Log } from './log'
import { Login } from './login'
import { Logout } from './logout'
import { Mirror } from './mirror'
import { Mode } from './mode'
import { Monitor } from './monitor'
import { Open } from './open'
import { Ready } from './ready'
import { Resource } from './resource'
import { Run } from './run'
import { Safety } from './safety'
import { Selectsrc } from './selectsrc'
import { Sim } from './sim'
import { Status } from './status'
import { Switch } from './switch'
import { Takeover } from './takeover'
import { Transmit } from './transmit'
import { Upgrade } from './upgrade'
import { Use } from './use'
import { Verify } from './verify'
import { Version } from './version'
import { Vip } from './vip'
import { Wait } from './wait'
import { Watch } from './watch'
import { Why } from './why'
import { Witness } from './witness'

/** The whole grammar: one word, one class. Usage, options and completion come from the classes. */
export const COMMANDS: Record<string, CommandClass> = {
  agents: Agents,
  allstate: Allstate,
  bandwidth: Bandwidth,
  bringin: Bringin,
  bringout: Bringout,
  clearerr: Clearerr,
  config: Config,
  detach: Detach,
  drill: Drill,
  encode: Encode,
  exit: Exit,
  forcetake: Forcetake,
  hbtstate: Hbtstate,
  help: Help,
  history: History,
  hostid: Hostid,
  job: Job,
  jobstate: Jobstate,
  license: License,
  link: Link,
  list: List,
  log: Log,
  login: Login,
  logout: Logout,
  mirror: Mirror,
  mode: Mode,
  monitor: Monitor,
  open: Open,
  ready: Ready,
  resource: Resource,
  run: Run,
  safety: Safety,
  selectsrc: Selectsrc,
  sim: Sim,
  status: Status,
  switch: Switch,
  takeover: Takeover,
  transmit: Transmit,
  upgrade: Upgrade,
  use: Use,
  verify: Verify,
  version: Version,
  vip: Vip,
  wait: Wait,
  watch: Watch,
  why: Why,
  witness: Witness
}
