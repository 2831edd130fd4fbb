import fs from 'node:fs'
import type { JobConfig, VipConfig } from '../../../src/model'
import type { VipPath } from '../../../src/wire'
import type { NicPort } from '../../ports'
import { isLoopback } from './address'
import { candidates, holders, type Nic, readNics } from './nics'

/** A file of the kernel a card: cheap enough for this. */
const LINK_LOOK_MS = 500
/** Addresses that come and go say nothing in those files. */
const WHOLE_LOOK_MS = 10_000
const NICS_DIRECTORY = '/sys/class/net'

type Paths = Record<string, VipPath>

/** Has the card of each virtual address a link, or another card that could carry it? Told at once, then when it changes. */
export function createNicPort(): NicPort {
  const told = new Map<string, string>()
  let links = ''
  let wholeMs = 0
  /** An address that goes to another card says nothing in those files. */
  let troubled = false
  let timer: NodeJS.Timeout | null = null
  let looking = false

  const look = async (jobs: JobConfig[], call: (job: string, paths: Paths) => void): Promise<void> => {
    const nics = await readNics()
    troubled = false
    for (const { name, vips } of jobs) {
      const paths = Object.fromEntries(vips.map((vip) => [vip.name, pathOf(nics, vip)]))
      if (Object.values(paths).some((path) => path !== 'ok')) troubled = true
      const text = JSON.stringify(paths)
      if (told.get(name) === text) continue
      told.set(name, text)
      call(name, paths)
    }
  }

  return {
    watch: (jobs, call) => {
      const turn = async (): Promise<void> => {
        const now = readLinks()
        if (looking || (now === links && !troubled && performance.now() - wholeMs < WHOLE_LOOK_MS)) return
        looking = true
        links = now
        wholeMs = performance.now()
        // What cannot be read says nothing about a link; it is looked at again.
        await look(jobs(), call).catch(() => {
          links = ''
        })
        looking = false
      }
      timer = setInterval(() => void turn(), LINK_LOOK_MS)
      timer.unref()
      void turn()
    },
    close: () => {
      if (timer !== null) clearInterval(timer)
    }
  }
}

/** A card that holds the address and has no link is worse than another one that has. */
export function pathOf(nics: Nic[], vip: VipConfig): VipPath {
  if (isLoopback(vip.address)) return 'ok'
  const held = holders(nics, vip.address).map(({ nic }) => nic)
  if (held.some((nic) => nic.link)) return 'ok'
  const others = candidates(nics, vip).filter((nic) => nic.link)
  if (others.length === 0) return 'lost'
  return held.length === 0 ? 'ok' : 'other'
}

/** `1`: it has a link. A card that is switched off, or has gone, has none. */
function readLinks(): string {
  try {
    return fs
      .readdirSync(NICS_DIRECTORY)
      .map((nic) => `${nic} ${carrier(nic)}`)
      .join(',')
  } catch {
    return ''
  }
}

function carrier(nic: string): string {
  try {
    return fs.readFileSync(`${NICS_DIRECTORY}/${nic}/carrier`, 'latin1').trim()
  } catch {
    return '0'
  }
}
