import { setTimeout as pause } from 'node:timers/promises'
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, openPacketSocket } from '../../native/socketPacket'
import { monotonicMs } from '../clock'
import { hardwareText } from './address'
import { arpClaim, arpProbe, gratuitousArps, neighbourClaim, neighbourProbe, unsolicitedAdvertisement } from './frames'
import type { Nic } from './nics'

/** Probes go out at 0, 50 and 100 ms, and answers are awaited until 150 ms: a takeover waits for this. RFC 5227's seconds are for machines that boot. */
const PROBE_COUNT = 3
const PROBE_GAP_MS = 50
const LISTEN_GAP_MS = 5
/** Frames looked at in one turn of the event loop; a busy network must not hold it. */
const FRAMES_A_TURN_MAX = 200
/** The announcement is made at once, and again for neighbours that lost the first or do not change an entry twice in a second (Linux). */
const ANNOUNCE_AGAIN_AT_MS = [200, 1_000, 2_000]

interface Family {
  etherType: number
  probe: (address: string, ownHardware: string) => Buffer
  claim: (frame: Buffer, address: string) => Buffer | null
  announce: (address: string, ownHardware: string) => Buffer[]
}

const FAMILIES: Record<4 | 6, Family> = {
  4: { etherType: ETHERTYPE_ARP, probe: arpProbe, claim: arpClaim, announce: gratuitousArps },
  6: { etherType: ETHERTYPE_IPV6, probe: neighbourProbe, claim: neighbourClaim, announce: (address, own) => [unsolicitedAdvertisement(address, own)] }
}

/** The hardware address of a neighbour that has the address, or null. Our own NICs (bridged to each other) do not count. */
export async function probeNeighbours(nic: Nic, address: string, family: 4 | 6, ownHardware: string[]): Promise<string | null> {
  const { etherType, probe, claim } = FAMILIES[family]
  const socket = openPacketSocket(nic.index, etherType)
  try {
    const startMs = monotonicMs()
    for (let sent = 0; monotonicMs() - startMs < PROBE_COUNT * PROBE_GAP_MS; ) {
      if (sent < PROBE_COUNT && monotonicMs() - startMs >= sent * PROBE_GAP_MS) {
        socket.send(probe(address, nic.hardware))
        sent++
      }
      await pause(LISTEN_GAP_MS)
      for (let frames = 0; frames < FRAMES_A_TURN_MAX; frames++) {
        const frame = socket.receive()
        if (frame === null) break
        const claimed = claim(frame, address)
        if (claimed !== null && !ownHardware.includes(hardwareText(claimed))) return hardwareText(claimed)
      }
    }
    return null
  } finally {
    socket.close()
  }
}

/** Tells the neighbours where the address is now, at once and again in the background; the answer ends it. */
export function announce(nic: Nic, address: string, family: 4 | 6, failed: (error: unknown) => void): () => void {
  announceOnce(nic, address, family, failed)
  const timers = ANNOUNCE_AGAIN_AT_MS.map((atMs) => setTimeout(() => announceOnce(nic, address, family, failed), atMs))
  return () => timers.forEach(clearTimeout)
}

function announceOnce(nic: Nic, address: string, family: 4 | 6, failed: (error: unknown) => void): void {
  try {
    const { etherType, announce: frames } = FAMILIES[family]
    const socket = openPacketSocket(nic.index, etherType)
    try {
      for (const frame of frames(address, nic.hardware)) socket.send(frame)
    } finally {
      socket.close()
    }
  } catch (error) {
    failed(error)
  }
}
