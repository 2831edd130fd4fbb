import type { JobRecord } from '../../model'
import type { Ballot } from '../../wire'

export const ballotOf = ({ roleSequence, owner, mirrorInSync, syncSequence, safetySequence }: JobRecord, configVersion: number): Ballot => ({
  roleSequence,
  owner,
  mirrorInSync,
  syncSequence,
  configVersion,
  safetySequence
})

/** Below 0: `a` is older. */
export const compareBallots = (a: Ballot, b: Ballot): number => a.roleSequence - b.roleSequence || a.syncSequence - b.syncSequence

export const newerBallot = (a: Ballot, b: Ballot): Ballot => (compareBallots(a, b) >= 0 ? a : b)

/** Whoever owned it last has all that was ever acknowledged; the other one only if that is recorded. */
export const mayServe = (newest: Ballot, candidate: string): boolean => newest.owner === candidate || newest.mirrorInSync

/** What nobody decides by, beside the version that it is voted by: to be on the disk all the same. */
export const isSameBesides = (a: Ballot | null, b: Ballot | null): boolean => a?.configVersion === b?.configVersion && a?.safetySequence === b?.safetySequence

export const isSameBallot = (a: Ballot | null, b: Ballot | null): boolean =>
  a === b || (a !== null && b !== null && compareBallots(a, b) === 0 && a.owner === b.owner && a.mirrorInSync === b.mirrorInSync)
