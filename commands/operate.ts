import type { CommandAnswer, CommandOptions, CommandRequest, JobCommand, TicketAnswer } from '../src/wire'
import { ReportError } from '../src/report/report'
import { parseDurationMs } from './base'
import type { Context, Outcome, Output } from './context'
import { confirmYes, isTerminal } from './kit/confirm'
import { fail } from './kit/fail'
import { askAll, call, nodeNamed, openNodes, requireAnswer, type Asked } from './kit/nodes'
import type { NodeEntry } from './kit/store'
import { follow, TICKET_TIMEOUT_MS } from './kit/ticket'
import { clustersOf, jobsNow, knownJob, type ClusterView, type JobNow } from './view/cluster'
import { jobRow, printJobs } from './view/tables'

/** What the options of a changing command say. */
export interface ChangeFlags {
  json: boolean
  node?: string | undefined
  yes: boolean
  'dry-run': boolean
  wait: boolean
  timeout?: string | undefined
  reason?: string | undefined
  confirm?: string | undefined
}

/** A job as the open nodes know it, and the node that its commands go to. */
export interface Target {
  job: string
  now: JobNow
  cluster: ClusterView
  asked: Asked[]
  entry: NodeEntry
}

/** The job named, or the one that `use` set. */
export function jobWord(context: Context, word: string | undefined, usage: string): string {
  const job = word ?? context.use.job
  if (job === null || job === undefined) throw fail('E_USAGE', { what: 'The name of a job is missing.', usage })
  return job
}

/** `mirror start` alone is about the job in use: the one word that there is may be the second one. */
export function jobAndWord(
  first: string | undefined,
  second: string | undefined,
  known: readonly string[] | ((word: string) => boolean)
): [job: string | undefined, word: string | undefined] {
  const isWord = typeof known === 'function' ? known : (word: string): boolean => known.includes(word)
  return second === undefined && first !== undefined && isWord(first) ? [undefined, first] : [first, second]
}

export const otherOf = (target: Target): string => target.cluster.nodes.find((node) => node !== target.now.owner) ?? 'the other node'

/** Names are compared as `--node` compares them. */
export function nodeOfPair(target: Target, word: string, usage: string): string {
  const { cluster, nodes } = target.cluster
  const node = nodes.find((name) => name.toLowerCase() === word.toLowerCase())
  if (node !== undefined) return node
  throw fail('E_USAGE', { what: `${word} is not a node of ${cluster}; its nodes are ${nodes.join(' and ')}.`, usage })
}

/** `--confirm` names the job once more; a wrong name stops everything. */
export function checkConfirm(job: string, confirm: string | undefined): void {
  if (confirm !== undefined && confirm !== job) throw fail('E_CONFIRM_WRONG', { job, given: confirm })
}

/** One of a command's actions; what else was typed is told with the usage. */
export function actionOf<A extends string>(word: string | undefined, actions: readonly A[], command: string, usage: string): A {
  const found = actions.find((action) => action === word)
  if (found !== undefined) return found
  throw fail('E_USAGE', { what: `${word === undefined ? 'The action is missing' : `"${word}" is not an action`} of ${command}.`, usage })
}

/** The node in use, else the owner among the open nodes, else the first that answers: it hands the command on. */
export async function findTarget(context: Context, job: string, node: string | undefined): Promise<Target> {
  const open = openNodes(context.store, undefined)
  const only = node ?? context.use.node ?? undefined
  const wanted = only === undefined ? undefined : nodeNamed(open, only)
  if (only !== undefined && wanted === undefined) throw fail('E_NODE_NOT_OPEN', { node: only, open: open.map((entry) => entry.node) })
  const asked = await askAll(open)
  requireAnswer(wanted === undefined ? asked : asked.filter((one) => one.entry === wanted))
  const own = asked.find((one) => one.entry === wanted)?.status?.cluster
  const { cluster, now } = knownJob(
    clustersOf(asked).filter((one) => own === undefined || one.cluster === own),
    job
  )
  const answering = asked.filter((one) => one.status?.cluster === cluster.cluster).map((one) => one.entry)
  const entry = wanted ?? answering.find((one) => one.node === now.owner) ?? answering[0]
  return { job, now, cluster, asked, entry: entry as NodeEntry }
}

/** Asks, sends, follows the steps, ends with the job table. */
export async function operate(
  context: Context,
  output: Output,
  target: Target,
  command: JobCommand,
  flags: ChangeFlags,
  extra: CommandOptions,
  question: string
): Promise<Outcome> {
  const { job, entry } = target
  checkConfirm(job, flags.confirm)
  const timeoutMs = flags.timeout === undefined ? TICKET_TIMEOUT_MS : parseDurationMs(flags.timeout)
  if (flags['dry-run']) return dryRun(output, target, command, extra)
  if (!flags.yes && flags.confirm === undefined && isTerminal(context)) await confirmYes(context, question)
  const body: CommandRequest = { ...extra, ...(flags.reason === undefined ? {} : { reason: flags.reason }) }
  const answer = await send(entry, job, command, body)
  if (answer.dryRun) throw fail('E_SHELL_BROKEN', { what: `${entry.node} answered a command as if it were a dry run` })
  output.line(`Send ${command} Job command succeeded!`)
  const said = { command, job, node: entry.node, ticket: answer.ticket }
  if (!flags.wait) {
    output.line(`Ticket: ${answer.ticket}`)
    return { exitCode: 0, json: { ...said, state: 'running', steps: [] } }
  }
  const ticket = await followTicket(context, output, target, answer.ticket, timeoutMs)
  const rows = await showJob(context, output, target)
  if (ticket.state === 'failed') throw failure(ticket, command, job)
  return { exitCode: 0, json: { ...said, state: ticket.state, steps: ticket.steps, jobs: rows } }
}

export const send = (entry: NodeEntry, job: string, command: JobCommand, body: CommandRequest): Promise<CommandAnswer> =>
  call<CommandAnswer>(entry, { method: 'POST', path: `/v1/jobs/${encodeURIComponent(job)}/${command}`, body, answerMs: 30_000, changes: body.dryRun !== true })

async function dryRun(output: Output, target: Target, command: JobCommand, extra: CommandOptions): Promise<Outcome> {
  const answer = await send(target.entry, target.job, command, { ...extra, dryRun: true })
  if (!answer.dryRun) throw fail('E_SHELL_BROKEN', { what: `${target.entry.node} answered a dry run as if it were a command` })
  const { steps, nothing, danger } = answer
  for (const sentence of danger?.warning ?? []) output.line(output.paint.bad(sentence))
  output.line(nothing === undefined ? `${command} ${target.job} would do:` : `Nothing to do: ${nothing}`)
  for (const [i, step] of steps.entries()) output.line(`  ${i + 1}. ${step}`)
  return {
    exitCode: 0,
    json: {
      command,
      job: target.job,
      node: target.entry.node,
      dryRun: true,
      steps,
      ...(nothing === undefined ? {} : { nothing }),
      ...(danger === undefined ? {} : { warning: danger.warning, loss: danger.loss ?? null })
    }
  }
}

export function followTicket(context: Context, output: Output, target: Target, ticket: string, timeoutMs: number): Promise<TicketAnswer> {
  const others = target.asked.map((one) => one.entry).filter((entry) => entry !== target.entry && target.cluster.nodes.includes(entry.node))
  return follow(context, output, { ticket, job: target.job, entries: [target.entry, ...others], timeoutMs, utcOffsetMinutes: target.now.utcOffsetMinutes })
}

async function showJob(context: Context, output: Output, target: Target): Promise<object[]> {
  const open = context.store.open().filter((entry) => target.cluster.nodes.includes(entry.node))
  const rows = jobsNow(clustersOf(await askAll(open)))
    .filter((now) => now.job === target.job)
    .map(jobRow)
  if (rows.length > 0) printJobs(output, rows)
  return rows
}

function failure(ticket: TicketAnswer, command: string, job: string): ReportError {
  if (ticket.error === null) return fail('E_TICKET_FAILED', { command, job })
  const { code, message, tryThis, exitCode, node } = ticket.error
  return new ReportError({ code, message, tryThis, node, exitCode: exitCode >= 1 && exitCode <= 6 ? (exitCode as 1) : 1 })
}
