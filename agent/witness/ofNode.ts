import { readCertificates } from '../api/certificates'
import type { LogPort, Places } from '../ports'
import { createWitnessClient, type WitnessClient } from './client'

/** How this node asks the witness of its configuration; null: there is none. */
export function witnessOf({ config, node, stateDirectory }: Places, log: LogPort): WitnessClient | null {
  const { witness, quorum } = config
  if (!witness || !quorum) return null
  const { address, port, since } = witness
  return createWitnessClient({
    address,
    port,
    certificates: () => readCertificates(stateDirectory, node),
    times: () => quorum,
    since: () => since ?? 0,
    troubled: (why) =>
      why === null ? log.event('info', `The witness ${address} answers`) : log.event('warning', `The witness ${address} has not answered: ${why}`)
  })
}
