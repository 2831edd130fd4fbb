import type { PeerMessage, PeerReply } from '../../src/wire'
import type { Engine } from '../engine/engine'
import type { EventHistory } from '../adapters/eventHistory'
import type { AgentsPort, ClockPort, LicencePort, LogPort, Places } from '../ports'
import type { DrillDoor } from '../drill/drills'
import type { AuditLog } from './auditLog'
import type { Login } from './login'
import type { Sessions } from './sessions'

/** What the routes work with. */
export interface Door {
  places: Places
  engine: Engine
  log: LogPort
  /** What the log has told. */
  events: Pick<EventHistory, 'find'>
  agents: AgentsPort
  licence: LicencePort
  clock: Pick<ClockPort, 'nowMs' | 'wallMs'>
  version: string
  peer: { receive(message: PeerMessage): Promise<PeerReply> }
  login: Pick<Login, 'check' | 'mayStill'>
  sessions: Pick<Sessions, 'open' | 'find' | 'end'>
  drills: DrillDoor
  audit: Pick<AuditLog, 'write'>
}
