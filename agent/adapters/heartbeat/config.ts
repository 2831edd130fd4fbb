import path from 'node:path'
import * as z from 'zod'
import { type Config, type LinkConfig, watchdogTimeoutMs } from '../../../src/model'
import type { Places } from '../../ports'

export const heartbeatLinkSchema = z.strictObject({
  name: z.string(),
  local: z.string(),
  remote: z.string(),
  /** Of a serial line 0: its ends are devices. */
  port: z.int().min(0).max(65_535),
  intervalMs: z.number().min(1),
  maxMiss: z.int().min(1),
  /** A serial line, at this speed; absent: datagrams. */
  baud: z.int().min(1).optional()
})

/** What the heartbeat program is started with (`heartbeat.json` in the run directory). A program with another one is ended and started anew. */
export const heartbeatConfigSchema = z.strictObject({
  protocol: z.literal(2),
  cluster: z.string(),
  node: z.string(),
  peerNode: z.string(),
  keyFile: z.string(),
  socketFile: z.string(),
  runDirectory: z.string(),
  /** Resets the machine when what is served without a lease does not end; null: there is none. */
  watchdog: z.object({ file: z.string(), timeoutMs: z.number() }).nullable(),
  links: z.array(heartbeatLinkSchema)
})

export type HeartbeatConfig = z.infer<typeof heartbeatConfigSchema>
export type HeartbeatLinkConfig = HeartbeatConfig['links'][number]

export function heartbeatConfig(places: Places): HeartbeatConfig {
  const { config, node } = places
  const peerNode = Object.keys(config.nodes).find((name) => name !== node) ?? ''
  const links = config.links.flatMap((link) => linkConfig(link, node, peerNode))
  const keyFile = path.join(places.stateDirectory, 'heartbeat.key')
  const socketFile = path.join(places.runDirectory, 'heartbeat.sock')
  const { runDirectory } = places
  return { protocol: 2, cluster: config.cluster, node, peerNode, keyFile, socketFile, runDirectory, watchdog: watchdogOf(config), links }
}

/** None: it carries no heartbeat. */
function linkConfig({ name, serial, addresses, heartbeatPort, intervalMs, maxMiss }: LinkConfig, node: string, peerNode: string): HeartbeatLinkConfig[] {
  const ends = serial?.devices ?? addresses
  const [local, remote] = [ends[node], ends[peerNode]]
  const port = serial ? 0 : heartbeatPort
  if (port === null || local === undefined || remote === undefined) return []
  return [{ name, local, remote, port, intervalMs, maxMiss, ...(serial ? { baud: serial.baud } : {}) }]
}

function watchdogOf({ watchdog, quorum }: Config): HeartbeatConfig['watchdog'] {
  return watchdog && quorum ? { file: watchdog, timeoutMs: watchdogTimeoutMs(quorum) } : null
}

/** So long after the last packet a link is down. */
export const silenceMs = (link: Pick<HeartbeatLinkConfig, 'intervalMs' | 'maxMiss'>): number => link.intervalMs * link.maxMiss
