import type { HostIdAnswer, LicenceAnswer, LicenceChangeAnswer } from '../../src/wire'
import { licenceRequestSchema } from '../../src/wire/licenceSchemas'
import { plainReason } from '../adapters/failure'
import type { Door } from './door'
import { type Exchange, readBody } from './exchange'
import { apiFailure } from './failure'
import type { Route } from './route'
import type { Session } from './sessions'

type WithSession = (handle: (exchange: Exchange, session: Session) => Promise<unknown>) => Route['handle']
type Audited = <T>(entry: { who: string; from: string; what: string }, act: () => Promise<T>) => Promise<T>

/** What this machine is known by to who issues licences, and its licence. */
export function licenceRoutes(door: Door, withSession: WithSession, audited: Audited): Route[] {
  const { licensing } = door.engine
  const change = async (exchange: Exchange, { account }: Session): Promise<LicenceChangeAnswer> => {
    const request = await readBody(exchange, licenceRequestSchema)
    const act = () => licensing.change(request, account)
    if (request.dryRun) return await act()
    const what = `license ${request.text === null ? 'remove' : 'install'}${request.reason ? ` (${request.reason})` : ''}`
    return await audited({ who: account, from: exchange.from, what }, act)
  }
  return [
    { method: 'GET', path: '/v1/hostid', handle: withSession(() => hostId(door)) },
    { method: 'GET', path: '/v1/license', handle: withSession((): Promise<LicenceAnswer> => licensing.show()) },
    { method: 'POST', path: '/v1/license', handle: withSession(change) }
  ]
}

async function hostId({ places: { node }, licence }: Door): Promise<HostIdAnswer> {
  try {
    return { node, ...(await licence.hostId()) }
  } catch (error) {
    throw apiFailure('E_HOST_ID', { node, why: plainReason(error) })
  }
}
