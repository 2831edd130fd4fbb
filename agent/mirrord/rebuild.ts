import { dataError } from '../../src/wire/frame'
import type { MirrordConfig } from '../../src/wire/mirrord'
import { monotonicMs } from '../adapters/clock'
import { programCommand } from '../native/programs'
import { sameContents } from './contents'
import type { CopyStateFile } from './copyState'
import type { KeeperLink } from './keeper/keeperLink'
import { checkSuccessor } from './keeper/successor'
import { type Regrouping, regrouping } from './regroup'
import type { SourceSide } from './sourceSide'
import type { StandingPlace } from './standing'

/** A source that hands over to a successor with another configuration. */
export interface Rebuilding {
  job: string
  source: SourceSide
  before: MirrordConfig
  next: MirrordConfig
  standing: StandingPlace
  state: CopyStateFile
  keeper: KeeperLink
  say(line: string): void
}

/** Rejects with what stands in the way; nothing has happened then. */
export async function whatChanges({ job, source, before, next, standing }: Rebuilding): Promise<Regrouping> {
  const grouping = regrouping(before, standing.slots(before), next)
  source.refuseUsed(grouping)
  await checkSuccessor(job, programCommand('mirrord'), grouping.slots)
  return grouping
}

/**
 * The folders stay mounted for the successor. When one of them was let go of and another one cannot be, the configuration before goes on, everything is
 * compared, and it rejects.
 */
export async function handOverAs(rebuilding: Rebuilding, exit: () => void): Promise<void> {
  const { job, source, before, next, standing, state, keeper, say } = rebuilding
  const grouping = await whatChanges(rebuilding)
  const isEqual = sameContents(before.folders, next.folders) && before.capture === next.capture
  // Also for whoever goes on should this process die on the way: nobody sees what is written in a folder between two mounts.
  if (!isEqual) state.update({ lineage: null })
  const half = await source.regroup(grouping)
  await source.catchUp()
  const atMs = monotonicMs()
  const clean = (await source.handOver()) && isEqual
  // A walk that ended meanwhile has made one.
  state.update({ clean, ...(isEqual ? {} : { lineage: null }) })
  const role = { do: 'source', roleSequence: source.roleSequence, peerCopyComplete: clean } as const
  if (half === null) standing.stand(role, next, grouping.slots)
  else standing.stand(role, before)
  say(half === null ? 'goes on with another configuration' : `goes on as it was: ${half.message}`)
  keeper.next({ command: programCommand('mirrord'), atMs })
  exit()
  if (half !== null) throw dataError('E_REGROUP', { job, why: half.message })
}
