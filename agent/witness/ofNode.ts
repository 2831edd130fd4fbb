import type { QuorumConfig, WitnessConfig } from '../../src/model'
import { readCertificates } from '../api/certificates'
import type { LogPort, Places } from '../ports'
import { createWitnessClient, type WitnessClient } from './client'

/** How this node asks the witness of its configuration, whichever that is when it asks. */
export function witnessOf(places: Places, log: LogPort): WitnessClient {
  let open: { key: string; client: WitnessClient } | null = null
  const client = (): WitnessClient | null => {
    const { witness, quorum } = places.config
    const key = JSON.stringify([witness?.address, witness?.port])
    if (open !== null && (open.key !== key || !witness || !quorum)) {
      open.client.close()
      open = null
    }
    if (!witness || !quorum) return null
    open ??= { key, client: openWitness(places, log, witness) }
    return open.client
  }
  return { ask: async (message, timeoutMs) => (await client()?.ask(message, timeoutMs)) ?? null, close: () => open?.client.close() }
}

function openWitness(places: Places, log: LogPort, { address, port }: WitnessConfig): WitnessClient {
  const { node, stateDirectory } = places
  let times = places.config.quorum as QuorumConfig
  return createWitnessClient({
    address,
    port,
    certificates: () => readCertificates(stateDirectory, node),
    times: () => {
      times = places.config.quorum ?? times
      return times
    },
    since: () => places.config.witness?.since ?? 0,
    troubled: (why) =>
      why === null ? log.event('info', `The witness ${address} answers`) : log.event('warning', `The witness ${address} has not answered: ${why}`)
  })
}
