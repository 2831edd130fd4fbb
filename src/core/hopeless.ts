import type { Plan } from './state'

/** Somebody has to correct something on this node first: what it lacks, or the configuration. */
const HOPELESS: readonly string[] = ['E_APPLICATION_AGENT', 'E_APPLICATION_USER']

/** The first reason why another try here would end in the same way; null: there is none, and it is tried again. */
export const whyHopeless = ({ failures }: Plan): string | null => failures.find(({ error }) => HOPELESS.includes(error.code))?.error.message ?? null
