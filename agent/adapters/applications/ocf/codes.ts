/** What an action of an agent says with its exit code (Open Cluster Framework, resource agent API 1.1). */
export const OCF = {
  success: 0,
  failed: 1,
  arguments: 2,
  unimplemented: 3,
  permission: 4,
  notInstalled: 5,
  configured: 6,
  notRunning: 7,
  promoted: 8,
  failedPromoted: 9,
  degraded: 190,
  degradedPromoted: 191
} as const

const MEANINGS: Record<number, string> = {
  [OCF.success]: 'done',
  [OCF.failed]: 'failed',
  [OCF.arguments]: 'a parameter is wrong on this node',
  [OCF.unimplemented]: 'the agent does not know this action',
  [OCF.permission]: 'it lacks a permission',
  [OCF.notInstalled]: 'something that it needs is not installed on this node',
  [OCF.configured]: 'its parameters are wrong',
  [OCF.notRunning]: 'it does not run',
  [OCF.promoted]: 'it runs, promoted',
  [OCF.failedPromoted]: 'it failed, promoted',
  [OCF.degraded]: 'it runs, degraded',
  [OCF.degradedPromoted]: 'it runs, promoted and degraded'
}

const RUNNING: number[] = [OCF.success, OCF.promoted, OCF.degraded, OCF.degradedPromoted]

/** As the answer of a `monitor`. */
export const isRunning = (code: number | null): boolean => code !== null && RUNNING.includes(code)

/** Another try on this node ends in the same way: somebody has to correct something first. */
export const isHopeless = (code: number | null): boolean => code !== null && code >= OCF.arguments && code <= OCF.configured

export const meaning = (code: number): string => `exit code ${code}, ${MEANINGS[code] ?? 'which means nothing to the agent API'}`
