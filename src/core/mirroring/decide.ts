/** What the source knows of its own copy and its stream when the target has said what it has. */
export interface SourceCopy {
  roleSequence: number
  /** null: no stream was kept until now. */
  session: string | null
  /** The session's frames are still kept, from the one after this LSN on; null: they are not, the queue did not suffice. */
  keptAfterLsn: number | null
  /** The target has said in this session that all up to it is hard there, so it may not be marked any more; null: it has not been heard. */
  acknowledgedLsn: number | null
  lineage: string | null
  /** The dirty map names all that the target may lack. */
  dirtyKnown: boolean
  /** The session began with a target that was equal, by the engine's word, and the target has not been heard in it yet. */
  equal: boolean
  /** The administrator has said that this side's data is right. */
  selected: boolean
  /** The administrator wants a full mirror. */
  mirrorWanted: boolean
}

/** What the target says of its copy. */
export interface TargetCopy {
  session: string | null
  lineage: string | null
  /** All up to it is hard there. */
  receivedLsn: number
  copyComplete: boolean
  /** It went on writing when this side had taken over. */
  diverged: boolean
  /** As a source it went on without a target, and has not been made equal since. */
  exposed: boolean
  /** Its own dirty map, from when it was the source. */
  dirty: 'none' | 'follows' | 'unknown'
  /** The role sequences in which it was the source. */
  sourceOf: readonly number[]
}

export type Decision = 'resume' | 'adopt' | 'difference' | 'verify' | 'mirror' | 'manually'

/** How to go on with this target; the reasons are in the order in which they weigh. */
export function decide(source: SourceCopy, target: TargetCopy): Decision {
  if (!source.selected && holdsItsOwn(source, target)) return 'manually'
  if (source.mirrorWanted) return 'mirror'
  if (!source.selected && canResume(source, target)) return 'resume'
  if (!source.selected && canAdopt(source, target)) return 'adopt'
  if (canCompare(source, target)) return 'difference'
  return target.copyComplete || target.lineage !== null ? 'verify' : 'mirror'
}

/** Changes that this side never saw, and that no one has given up yet. */
function holdsItsOwn({ roleSequence }: SourceCopy, { diverged, exposed, sourceOf }: TargetCopy): boolean {
  return diverged || sourceOf.includes(roleSequence) || (exposed && sourceOf.some((each) => each < roleSequence))
}

function canResume(source: SourceCopy, target: TargetCopy): boolean {
  return source.session !== null && target.session === source.session && source.keptAfterLsn !== null && target.receivedLsn >= source.keptAfterLsn
}

const canAdopt = (source: SourceCopy, target: TargetCopy): boolean => source.equal && source.keptAfterLsn !== null && target.copyComplete

/** It was put back to an earlier state, or its disk has lost what it had flushed. */
function hasLost({ session, acknowledgedLsn }: SourceCopy, target: TargetCopy): boolean {
  if (acknowledgedLsn === null || target.session === null) return false
  return target.session !== session || target.receivedLsn < acknowledgedLsn
}

/** Both began from the same bytes, and both know what they have changed since. */
function canCompare(source: SourceCopy, target: TargetCopy): boolean {
  if (hasLost(source, target)) return false
  return source.lineage !== null && source.lineage === target.lineage && source.dirtyKnown && target.dirty !== 'unknown'
}

/** For people: why nobody but an administrator can decide. */
export function whyManually({ roleSequence }: Pick<SourceCopy, 'roleSequence'>, { diverged, sourceOf }: Pick<TargetCopy, 'diverged' | 'sourceOf'>): string {
  if (diverged) return 'the other one went on writing after this one had taken over'
  if (sourceOf.includes(roleSequence)) return 'both were the source in one role sequence'
  return 'the other one had gone on without this one before it was replaced'
}
