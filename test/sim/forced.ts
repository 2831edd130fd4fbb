import type { JobRecord } from '../../src/model'

/**
 * I4: out of date and served all the same only by force, and then nothing is copied before an administrator has said whose data is right. No two nodes
 * ever force one role sequence.
 */
export function isForced(node: string, before: JobRecord | undefined, now: JobRecord): boolean {
  const takes = before !== undefined && now.owner === node && before.roleSequence < now.roleSequence
  if (!takes || now.takeReason !== 'forced') return false
  if (now.needToVerify !== 'Manually') throw new Error(`I4: ${node} was forced to serve, and nothing says that the data has to be looked at`)
  return true
}
