import type { DrillsAnswer, ProbeAnswer, ProbeSeen } from '../../src/wire'
import { crashRequestSchema, drillEntrySchema, holdRequestSchema, probeRequestSchema, stillRequestSchema } from '../../src/wire/drillSchemas'
import type { Door } from './door'
import { type Exchange, readBody } from './exchange'
import { apiFailure } from './failure'
import type { Route } from './route'
import type { Session } from './sessions'

type WithSession = (handle: (exchange: Exchange, session: Session) => Promise<unknown>) => Route['handle']
type Audited = <T>(entry: { who: string; from: string; what: string }, act: () => Promise<T>) => Promise<T>

/** What the shell asks of a node when it leads a drill. Before the routes of the commands, whose pattern fits these too. */
export function drillRoutes({ drills, places }: Door, withSession: WithSession, audited: Audited): Route[] {
  const jobOf = ({ parameters }: Exchange): string => parameters['job'] ?? ''
  const by = ({ from }: Exchange, { account: who }: Session, what: string): { who: string; from: string; what: string } => ({ who, from, what })
  return [
    { method: 'GET', path: '/v1/jobs/:job/drills', handle: withSession((exchange): Promise<DrillsAnswer> => drills.list(jobOf(exchange))) },
    {
      method: 'POST',
      path: '/v1/jobs/:job/drills',
      handle: withSession(async (exchange, session) => {
        const entry = await readBody(exchange, drillEntrySchema)
        if (entry.job !== jobOf(exchange)) throw apiFailure('E_API_REQUEST', { node: places.node, what: 'the drill is one of another job' })
        await audited(by(exchange, session, `drill ${entry.kind} ${entry.job}`), () => drills.add(entry))
        return {}
      })
    },
    {
      method: 'POST',
      path: '/v1/jobs/:job/probe',
      handle: withSession(async (exchange): Promise<ProbeAnswer> => {
        const request = await readBody(exchange, probeRequestSchema)
        return drills.probe(jobOf(exchange), request.drill, 'sequence' in request ? request.sequence : null)
      })
    },
    { method: 'GET', path: '/v1/jobs/:job/probe', handle: withSession((exchange): Promise<ProbeSeen> => drills.look(jobOf(exchange))) },
    {
      method: 'POST',
      path: '/v1/jobs/:job/still',
      handle: withSession(async (exchange, session) => {
        const { forMs, dryRun } = await readBody(exchange, stillRequestSchema)
        const job = jobOf(exchange)
        drills.mayStill(job)
        if (!dryRun) await audited(by(exchange, session, `drill: ${places.node} stands still for ${forMs} ms (${job})`), () => drills.still(job, forMs))
        return {}
      })
    },
    {
      method: 'POST',
      path: '/v1/jobs/:job/crash',
      handle: withSession(async (exchange, session) => {
        const { application } = await readBody(exchange, crashRequestSchema)
        await audited(by(exchange, session, `drill: kill ${application} of ${jobOf(exchange)}`), () => drills.crash(jobOf(exchange), application))
        return {}
      })
    },
    {
      method: 'POST',
      path: '/v1/links/:link/hold',
      handle: withSession(async (exchange, session) => {
        const { forMs } = await readBody(exchange, holdRequestSchema)
        const link = exchange.parameters['link'] ?? ''
        await audited(by(exchange, session, `drill: hold ${link} for ${forMs} ms`), () => drills.hold(link, forMs))
        return {}
      })
    }
  ]
}
