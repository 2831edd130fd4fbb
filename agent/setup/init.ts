import { randomBytes, X509Certificate } from 'node:crypto'
import path from 'node:path'
import type { Config } from '../../src/model'
import { tlsPlaces } from '../api/certificates'
import { witnessName } from '../../src/wire/witness'
import { DEFAULT_WITNESS_DIRECTORY, newClusterDirectory } from '../witness/places'
import { setupFailure } from './failure'
import { type KeyFile, refuseExisting, writeKeyFiles } from './keyFiles'
import { checkNode, DEFAULT_CONFIG_FILE, DEFAULT_STATE_DIRECTORY, type Output, readConfig, readOptions } from './options'
import { type Authority, makeAuthority, makeKeyPair, nodeAddresses, signNode, witnessAddresses } from './x509'

export const HEARTBEAT_KEY_BYTES = 32
export const WITNESS_FOLDER = 'witness'
const USAGE = 'mirrorpair-agent init [--config FILE] [--state DIR] [--node NAME] [--force], or mirrorpair-agent init --all --out DIR [--config FILE] [--force]'

const OPTIONS = {
  config: { type: 'string', default: DEFAULT_CONFIG_FILE },
  state: { type: 'string', default: DEFAULT_STATE_DIRECTORY },
  node: { type: 'string' },
  all: { type: 'boolean', default: false },
  out: { type: 'string' },
  force: { type: 'boolean', default: false }
} as const

/** Makes the cluster's authority and keys: on the first node of a pair, or for all nodes at once (`--all`). */
export async function init(argv: string[], { print }: Output): Promise<void> {
  const { values, positionals } = readOptions(argv, OPTIONS, USAGE)
  if (positionals.length > 0) throw setupFailure('E_SETUP_USAGE', { what: `${positionals[0]} is not known here`, usage: USAGE })
  if (values.all !== (values.out !== undefined)) throw setupFailure('E_SETUP_USAGE', { what: '--all and --out DIR belong together', usage: USAGE })
  const config = readConfig(values.config)
  if (values.out !== undefined) return initAll(config, values.out, values.force, print)
  await initNode(config, checkNode(config, values.node), values.state, values.force, print)
}

async function initNode(config: Config, node: string, stateDirectory: string, force: boolean, print: Output['print']): Promise<void> {
  refuseExisting(nodeFileNames(stateDirectory), force)
  const { authority, keyPem } = await makeAuthority(config.cluster)
  const files = await nodeFiles(config, node, stateDirectory, authority, randomBytes(HEARTBEAT_KEY_BYTES))
  writeKeyFiles([{ file: tlsPlaces(stateDirectory).caKeyFile, content: keyPem, secret: true }, ...files], force)
  const other = Object.keys(config.nodes).find((name) => name !== node)
  print(`Made the keys of cluster ${config.cluster} and of node ${node} in ${stateDirectory}.`)
  print(`Next: start the agent here, run "mirrorpair-agent invite", and on ${other} run the join command that it prints.`)
}

async function initAll(config: Config, out: string, force: boolean, print: Output['print']): Promise<void> {
  const nodes = Object.keys(config.nodes)
  const caFiles = { key: path.join(out, 'ca', 'ca.key'), certificate: path.join(out, 'ca', 'ca.crt') }
  refuseExisting([...Object.values(caFiles), ...nodes.flatMap((node) => nodeFileNames(path.join(out, node)))], force)
  const { authority, keyPem } = await makeAuthority(config.cluster)
  const heartbeatKey = randomBytes(HEARTBEAT_KEY_BYTES)
  const files: KeyFile[] = [
    { file: caFiles.key, content: keyPem, secret: true },
    { file: caFiles.certificate, content: authority.certificatePem, secret: false }
  ]
  for (const node of nodes) files.push(...(await nodeFiles(config, node, path.join(out, node), authority, heartbeatKey)))
  if (hasProgram(config)) files.push(...(await witnessFiles(config, path.join(out, WITNESS_FOLDER), authority)))
  writeKeyFiles(files, force)
  for (const node of nodes) print(`Copy ${path.join(out, node)}/* into the state directory of ${node} (${DEFAULT_STATE_DIRECTORY}).`)
  if (hasProgram(config)) print(`Copy ${path.join(out, WITNESS_FOLDER)}/* into the state directory of the witness (${DEFAULT_WITNESS_DIRECTORY}).`)
  print(`Keep ${caFiles.key} away from the nodes: who has it can speak for every node.`)
}

const nodeFileNames = (stateDirectory: string): string[] => {
  const { caFile, caKeyFile, certFile, keyFile } = tlsPlaces(stateDirectory)
  return [caFile, caKeyFile, certFile, keyFile, heartbeatKeyFile(stateDirectory)]
}

export const heartbeatKeyFile = (stateDirectory: string): string => path.join(stateDirectory, 'heartbeat.key')

async function nodeFiles(config: Config, node: string, stateDirectory: string, authority: Authority, heartbeatKey: Buffer): Promise<KeyFile[]> {
  const { caFile, certFile, keyFile } = tlsPlaces(stateDirectory)
  const { keys, keyPem } = await makeKeyPair()
  const certificate = await signNode(authority, keys.publicKey, node, nodeAddresses(config, node))
  return [
    { file: caFile, content: authority.certificatePem, secret: false },
    { file: certFile, content: certificate, secret: false },
    { file: keyFile, content: keyPem, secret: true },
    { file: heartbeatKeyFile(stateDirectory), content: heartbeatKey, secret: true }
  ]
}

/** What `mirrorpair-agent witness join` would leave there. */
async function witnessFiles(config: Config, stateDirectory: string, authority: Authority): Promise<KeyFile[]> {
  const { keys, keyPem } = await makeKeyPair()
  const certificate = await signNode(authority, keys.publicKey, witnessName(WITNESS_FOLDER), witnessAddresses(config))
  const { caFile, certFile, keyFile } = tlsPlaces(newClusterDirectory(stateDirectory, new X509Certificate(authority.certificatePem).raw))
  return [
    { file: caFile, content: authority.certificatePem, secret: false },
    { file: certFile, content: certificate, secret: false },
    { file: keyFile, content: keyPem, secret: true }
  ]
}

/** An etcd cluster has certificates of its own. */
const hasProgram = ({ witness }: Config): boolean => Boolean(witness && !witness.etcd)
