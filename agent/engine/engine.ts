import type { JobName } from '../../src/model'
import type { Licensing } from './licensing'
import type { Monitoring } from './monitoring'
import type {
  CommandAnswer,
  CommandRequest,
  ConfigChangeAnswer,
  ConfigRequest,
  ConfigView,
  HistoryAnswer,
  JobCommand,
  StatusAnswer,
  TicketAnswer,
  VerifyAnswer,
  WhyAnswer
} from '../../src/wire'
import type { LeaveView } from './leaving'

/** What the HTTPS door needs of the engine. Every refusal is a rejected ReportError. */
export interface Engine {
  status(): StatusAnswer
  /** Answers when the status has another digest than the known one, or after `waitMs` (at most STATUS_WAIT_MS_MAX). */
  statusNews(known: string, waitMs: number): Promise<StatusAnswer>
  /** Carried out here or, for a job the other node owns, there. `account` is who typed it. */
  command(job: JobName, command: JobCommand, request: CommandRequest, account: string): Promise<CommandAnswer>
  /** Answers when there are steps after `since`, when the ticket has ended, or after `waitMs` (at most TICKET_WAIT_MS_MAX). */
  ticket(id: string, since: number, waitMs: number): Promise<TicketAnswer>
  /** What the job's comparison has found, asked of its owner's mirrord: differences from this place in the list on, at most VERIFY_PAGE_MAX. */
  verifyReport(job: JobName, from: number, max: number): Promise<VerifyAnswer>
  /** What this node would decide about the job now, condition by condition, and what the other one says when it is asked. */
  why(job: JobName): Promise<WhyAnswer>
  /** A drill: why this node must not stand still now; empty: nothing is in the way. */
  whyNotStill(job: JobName): string[]
  /** The changes of owner that both nodes have kept. */
  history(job: JobName): Promise<HistoryAnswer>
  /** The system resource monitor of one of the nodes. */
  readonly monitoring: Pick<Monitoring, 'test' | 'history'>
  /** This node's licence. */
  readonly licensing: Pick<Licensing, 'judged' | 'show' | 'change'>
  /** The configuration in force, the one before it, and so on. */
  config(): ConfigView
  /** Agreed on with the other node, or refused with nothing changed. */
  changeConfig(request: ConfigRequest, account: string): Promise<ConfigChangeAnswer>
  /** The machine shuts down: what this node serves stops here in order. Asked again until `left`. */
  leave(): LeaveView
  /** The engine goes away. Jobs, mirrord and the heartbeat program stay as they are. */
  stop(): Promise<void>
}
