import type { Config } from '../config'
import type { Section } from './section'

/** Shorter, and two machines that boot together would miss each other. */
const WAIT_FOR_PEER_MS = { min: 30_000, max: 86_400_000 }
const EXAMPLE = 'waitForPeer: 10m'

/** `boot: { waitForPeer: 10m }`; absent: for ever. */
export function readBoot(top: Section): Pick<Config, 'boot'> {
  if (top.valueNode('boot') === null) return {}
  const section = top.section('boot', 'boot', ['waitForPeer'])
  if (!section.require('waitForPeer', EXAMPLE)) return {}
  return { boot: { waitForPeerMs: section.durationMs('waitForPeer', WAIT_FOR_PEER_MS.min, WAIT_FOR_PEER_MS) } }
}
