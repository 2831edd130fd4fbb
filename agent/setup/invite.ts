import { X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import { tlsPlaces } from '../api/certificates'
import { plainReason } from '../adapters/failure'
import { setupFailure } from './failure'
import { INVITATION_MS, invitationFile, makeInvitation } from './invitation'
import { checkNode, DEFAULT_CONFIG_FILE, DEFAULT_STATE_DIRECTORY, type Output, readConfig, readOptions } from './options'

const USAGE = 'mirrorpair-agent invite [--witness] [--config FILE] [--state DIR] [--node NAME]'

const OPTIONS = {
  config: { type: 'string', default: DEFAULT_CONFIG_FILE },
  state: { type: 'string', default: DEFAULT_STATE_DIRECTORY },
  node: { type: 'string' },
  witness: { type: 'boolean', default: false }
} as const

/** Prints a one-time code; the agent that runs here lets the other node in with it, or a witness. */
export async function invite(argv: string[], { print }: Output): Promise<void> {
  const { values } = readOptions(argv, OPTIONS, USAGE)
  const config = readConfig(values.config)
  const node = checkNode(config, values.node)
  const code = makeInvitation(invitationFile(values.state, values.witness ? 'witness' : 'node'), readAuthority(values.state), Date.now())
  const other = Object.keys(config.nodes).find((name) => name !== node)
  print(`On ${values.witness ? 'the witness' : other}, within ${INVITATION_MS / 60_000} minutes, while the agent runs here:`)
  print(`  mirrorpair-agent ${values.witness ? 'witness ' : ''}join ${config.nodes[node]?.address}:${config.api.port} ${code}`)
}

/** The CA's certificate (DER); refuses where its key is not. */
function readAuthority(stateDirectory: string): Uint8Array {
  const { caFile, caKeyFile } = tlsPlaces(stateDirectory)
  for (const file of [caKeyFile, caFile]) {
    try {
      fs.accessSync(file, fs.constants.R_OK)
    } catch (error) {
      throw setupFailure('E_SETUP_NO_AUTHORITY', { file, why: plainReason(error) })
    }
  }
  return new X509Certificate(fs.readFileSync(caFile)).raw
}
