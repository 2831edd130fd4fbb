import { isDeepStrictEqual } from 'node:util'
import { Flags } from '@oclif/core'
import { type Config, type ConfigDifference, type ConfigEdit, editConfig, JobExists, NoSuchPart, parseConfig } from '../src/model'
import { CONFIG_WHY_LENGTH_MAX, type ConfigChangeAnswer, type ConfigView } from '../src/wire'
import type { Context, Outcome, Output } from './context'
import { confirmYes, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { askAll, call, openNodes, requireAnswer } from './kit/nodes'
import type { NodeEntry } from './kit/store'

/** The other node checks it too, and asks the network whether a new address is free. */
const ANSWER_MS = 60_000
const NOTHING_DIFFERS = 'Nothing differs from what is in force.'

export const configuring = {
  yes: Flags.boolean({ char: 'y', description: 'do not ask Yes or No' }),
  'dry-run': Flags.boolean({ description: 'both nodes check it and say what would change; change nothing' }),
  reason: Flags.string({ description: 'why, kept with the version' })
}

export interface ConfigFlags {
  node?: string | undefined
  yes?: boolean | undefined
  'dry-run'?: boolean | undefined
  reason?: string | undefined
}

/** Any open node knows the configuration of the pair. */
export async function configNode(context: Context, node: string | undefined): Promise<NodeEntry> {
  const asked = await askAll(openNodes(context.store, node ?? context.use.node ?? undefined))
  requireAnswer(asked)
  return (asked.find(({ status }) => status !== null) as (typeof asked)[number]).entry
}

export const readView = (entry: NodeEntry): Promise<ConfigView> => call<ConfigView>(entry, { method: 'GET', path: '/v1/config' })

/** A pair of a later version may run what this shell has no words for. */
export function configInForce({ agreed, file }: ConfigView): Config {
  const answer = parseConfig(agreed.text, file)
  if ('config' in answer) return answer.config
  throw fail('E_SHELL_BROKEN', { what: 'the configuration in force cannot be read by this shell' })
}

/** What was typed is the reason, unless another one is given. */
export interface Change {
  typed: string
  question: string
}

/** A part of what is in force is changed; when somebody else changes it meanwhile, this is refused. */
export async function changePart(context: Context, output: Output, flags: ConfigFlags, change: Change, edit: ConfigEdit): Promise<Outcome> {
  const entry = await configNode(context, flags.node)
  const { agreed, isAgreed } = await readView(entry)
  const text = edited(agreed.text, edit)
  if (isAgreed && isSame(agreed.text, text)) return nothingDiffers(output, { entry, change, flags }, agreed.version)
  return await sendChange(context, output, { entry, flags, change, text, base: agreed.hash })
}

/** What is left out has its default. */
function isSame(text: string, other: string): boolean {
  const [before, after] = [text, other].map((each) => parseConfig(each, ''))
  return before !== undefined && 'config' in before && isDeepStrictEqual(before, after)
}

/** No version is made of it, and nobody is asked. */
function nothingDiffers(output: Output, { entry, change, flags }: Pick<Sending, 'entry' | 'change' | 'flags'>, version: number): Outcome {
  output.line(`${NOTHING_DIFFERS} Version ${version} of the configuration stays.`)
  return outcomeOf({ entry, change, flags }, { version, followed: true, differences: [] })
}

function outcomeOf(
  { entry, change, flags }: Pick<Sending, 'entry' | 'change' | 'flags'>,
  { version, followed, differences, warnings = [] }: Omit<ConfigChangeAnswer, 'dryRun' | 'node'>
): Outcome {
  const dryRun = flags['dry-run'] === true
  return { exitCode: 0, json: { command: change.typed, node: entry.node, dryRun, version, followed, differences, warnings } }
}

export function edited(text: string, edit: ConfigEdit): string {
  try {
    return editConfig(text, edit)
  } catch (thrown) {
    if (thrown instanceof JobExists) throw fail('E_JOB_EXISTS', { job: thrown.message })
    if (thrown instanceof NoSuchPart) throw fail('E_NO_SUCH_PART', { what: thrown.what, part: thrown.part, known: thrown.known })
    throw thrown
  }
}

export interface Sending {
  entry: NodeEntry
  flags: ConfigFlags
  change: Change
  text: string
  /** null: the whole configuration, whatever is in force. */
  base: string | null
}

export async function sendChange(context: Context, output: Output, { entry, flags, change, text, base }: Sending): Promise<Outcome> {
  const dryRun = flags['dry-run'] === true
  if (!dryRun && !flags.yes && isTerminal(context)) await confirmYes(context, change.question)
  const answer = await postChange(entry, { text, base, reason: flags.reason ?? change.typed, dryRun })
  const { differences } = answer
  for (const line of differenceLines(differences)) output.line(line)
  if (differences.length === 0) output.line(NOTHING_DIFFERS)
  printVerdict(output, answer)
  return outcomeOf({ entry, change, flags }, answer)
}

export const postChange = (
  entry: NodeEntry,
  { text, base, reason, dryRun }: { text: string; base: string | null; reason: string; dryRun: boolean }
): Promise<ConfigChangeAnswer> =>
  call<ConfigChangeAnswer>(entry, {
    method: 'POST',
    path: '/v1/config',
    body: { text, ...(base === null ? {} : { base }), reason: reason.slice(0, CONFIG_WHY_LENGTH_MAX), dryRun },
    answerMs: ANSWER_MS,
    changes: !dryRun
  })

/** What both nodes have to say of it, and which version is in force now. */
export function printVerdict(output: Output, { dryRun, version, followed, warnings = [] }: ConfigChangeAnswer): void {
  for (const warning of warnings) output.line(output.paint.paused(`Warning: ${warning}`))
  if (dryRun) return output.line(`Both nodes would take it; version ${version} stays in force.`)
  output.line(`Version ${version} of the configuration is in force${followed ? ' on both nodes' : ' here; the other node follows as soon as it is heard'}.`)
}

const NEEDS: Record<ConfigDifference['needs'], string> = {
  nothing: '',
  detached: ' (needs JOB detached or brought out)',
  stopped: ' (needs JOB detached with --stop-data, or brought out)',
  offline: ' (needs JOB brought out)',
  'agents stopped': ' (needs both agents stopped)'
}

/** As a file would have it: what is left out and what is null are the same there. */
const said = (json: string | null): string => (json === null || json === 'null' ? '(none)' : json.replace(/^"(.*)"$/, '$1'))

/** A value that comes to be null is no change to anybody. */
export const differenceLines = (differences: ConfigDifference[]): string[] =>
  differences.filter(({ before, after }) => said(before) !== said(after)).map(differenceText)

function differenceText({ where, before, after, needs, job, begins }: ConfigDifference): string {
  const more = NEEDS[needs].replace('JOB', job ?? 'every job with quorum')
  const kept = begins === true ? ` (what it begins with: ${job} keeps the safety that it has, \`safety ${job} full|off\` changes it)` : ''
  return `${where}: ${said(before)} -> ${said(after)}${more}${kept}`
}
