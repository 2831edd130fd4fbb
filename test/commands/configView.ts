import type { ConfigVersion, ConfigView } from '../../src/wire'

/** A version of the configuration, as the agents keep it. */
export const versionOf = (number: number, text: string, why: string | null = null): ConfigVersion => ({
  version: number,
  hash: `hash ${number}`,
  text,
  by: 'administrator',
  why,
  node: 'RMHW131',
  wallMs: Date.UTC(2019, 8, 23, 6, number),
  witnessSince: 0,
  id: `${number}`
})

/** The lines of a text that are not in another one. */
export const linesOnlyIn = (text: string, other: string): string[] => text.split('\n').filter((line) => !other.split('\n').includes(line))

/** What the agents say of a job that is made. */
export const JOB_MADE = { where: 'jobs Web mode', before: null, after: '"guide"', needs: 'nothing' as const, job: 'Web' }

/** What a node answers of it: agreed, with nothing under way. */
export const viewOf = (agreed: ConfigVersion, history: ConfigVersion[] = []): ConfigView => ({
  node: 'RMHW131',
  file: '/etc/mirrorpair/mirrorpair.yaml',
  agreed,
  isAgreed: true,
  prepared: null,
  history
})
