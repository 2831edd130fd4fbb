import { X509Certificate } from 'node:crypto'
import type { QuorumConfig, WitnessConfig } from '../../src/model'
import type { VoteMessage } from '../../src/wire'
import { readCertificates } from '../api/certificates'
import type { ClockPort, LogPort, Places } from '../ports'
import { caWord } from '../setup/invitation'
import { createWitnessClient, type WitnessClient } from './client'
import { createEtcdWitness } from './etcd'

type Clock = Pick<ClockPort, 'nowMs'>

/** How this node asks the witness of its configuration, whichever that is when it asks. */
export function witnessOf(places: Places, log: LogPort, clock: Clock): WitnessClient {
  let open: { key: string; client: WitnessClient } | null = null
  const client = (): WitnessClient | null => {
    const { witness, quorum } = places.config
    const key = JSON.stringify([witness?.address, witness?.port, witness?.etcd])
    if (open !== null && (open.key !== key || !witness || !quorum)) {
      open.client.close()
      open = null
    }
    if (!witness || !quorum) return null
    open ??= { key, client: openWitness(places, log, clock, witness) }
    return open.client
  }
  // It was decided on by other times than those that would go with it now, and is decided on anew in a moment.
  const isOfNow = ({ ballot }: VoteMessage): boolean => ballot.configVersion === places.config.quorum?.configVersion
  const ask: WitnessClient['ask'] = async (message, timeoutMs) => (isOfNow(message) ? ((await client()?.ask(message, timeoutMs)) ?? null) : null)
  return { ask, close: () => open?.client.close() }
}

function openWitness(places: Places, log: LogPort, clock: Clock, { address, port, etcd }: WitnessConfig): WitnessClient {
  const { node, stateDirectory, config } = places
  const name = etcd ? `etcd (${etcd.endpoints.join(', ')})` : `The witness ${address}`
  let times = config.quorum as QuorumConfig
  const asked = {
    times: () => {
      times = places.config.quorum ?? times
      return times
    },
    since: (job: string) => Math.max(places.config.witness?.since ?? 0, places.config.jobs[job]?.since ?? 0),
    troubled: (why: string | null) => (why === null ? log.event('info', `${name} answers`) : log.event('warning', `${name} has not answered: ${why}`))
  }
  if (!etcd) return createWitnessClient({ address, port, certificates: () => readCertificates(stateDirectory, node), ...asked })
  const word = caWord(new X509Certificate(readCertificates(stateDirectory, node).ca).raw)
  return createEtcdWitness({ etcd, prefix: `mirrorpair/${config.cluster}.${word}`, clock, ...asked })
}
