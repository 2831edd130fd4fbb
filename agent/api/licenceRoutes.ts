import type { HostIdAnswer } from '../../src/wire'
import { plainReason } from '../adapters/failure'
import type { Door } from './door'
import type { Exchange } from './exchange'
import { apiFailure } from './failure'
import type { Route } from './route'
import type { Session } from './sessions'

type WithSession = (handle: (exchange: Exchange, session: Session) => Promise<unknown>) => Route['handle']

/** What this machine is known by to who issues licences. */
export function licenceRoutes(door: Door, withSession: WithSession): Route[] {
  return [{ method: 'GET', path: '/v1/hostid', handle: withSession(() => hostId(door)) }]
}

async function hostId({ places: { node }, licence }: Door): Promise<HostIdAnswer> {
  try {
    return { node, ...(await licence.hostId()) }
  } catch (error) {
    throw apiFailure('E_HOST_ID', { node, why: plainReason(error) })
  }
}
