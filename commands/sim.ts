import { Args } from '@oclif/core'
import { parseSizeBytes, sizeText } from '../src/model/config/units'
import type { SimFault, SimMachine, SimView } from '../src/wire'
import { CuiCommand, everywhere, parseDurationMs, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { table } from './kit/table'
import { shortDuration } from './kit/text'
import type { Simulation } from './simulation'
import { print } from './view/tables'

const SIZE_BYTES_MAX = 2 ** 40

/** What is done to a simulated pair (`cui --sim FILE`): machines, links, applications, time. */
export class Sim extends CuiCommand {
  static override args = { word: Args.string(), what: Args.string(), more: Args.string(), value: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'with cui --sim FILE: what is there, kill and start machines, cut links, let time pass',
    usage:
      'sim [kill|start|shutdown|crash|freeze|nic|exchange|cut|heal|fail-app|break-app|load|advance|date|write] [NODE|LINK|JOB|witness|all] [TIME|SIZE|APPLICATION|up|down] [VALUE] [--json]',
    example: 'sim kill RMHW131'
  }

  async run(): Promise<Outcome> {
    const { args } = await this.read(Sim)
    const { simulation } = this.context
    if (simulation === null) throw fail('E_SIM_ONLY', {})
    if (args.word === undefined) return this.show(simulation.view())
    const beganMs = simulation.nowMs()
    const outcome = await this.carryOut(simulation, faultOf(args.word, args.what, args.more, args.value))
    const passedMs = Math.round(simulation.nowMs() - beganMs)
    this.output.line(`${outcome}${passedMs > 0 ? ` (${shortDuration(passedMs)} later)` : ''}`)
    return { exitCode: 0, json: { sim: args.word, done: outcome, passedMs, atMs: Math.round(simulation.nowMs()) } }
  }

  private async carryOut(simulation: Simulation, fault: SimFault): Promise<string> {
    const outcome = await simulation.carryOut(fault)
    if ('refused' in outcome) throw fail('E_SIM_REFUSED', { what: outcome.refused, known: outcome.known })
    return outcome.done
  }

  private show(view: SimView): Outcome {
    const columns = [
      { title: 'Machine', width: 14 },
      { title: 'State', width: 10 },
      { title: 'Serves', width: 30 },
      { title: 'Data', width: 0 }
    ]
    print(
      this.output,
      table(
        columns,
        [...view.machines.map((machine) => [machine.node, stateOf(machine), servesOf(machine), dataOf(machine)]), ...witnessRow(view)],
        this.output.paint.state
      )
    )
    const cuts = view.cuts.length > 0 ? `Cut: ${view.cuts.join(', ')}.` : 'Every link works.'
    const broken = view.broken.length > 0 ? ` Broken: ${view.broken.join(', ')}.` : ''
    this.output.line(`${shortDuration(Math.round(view.atMs))} since it began. ${cuts}${broken}`)
    return { exitCode: 0, json: view }
  }
}

function stateOf({ up, engine, frozen, nicLost }: SimMachine): string {
  if (!up) return 'off'
  return frozen ? 'frozen' : !engine ? 'no engine' : nicLost ? 'no link' : 'on'
}

const servesOf = ({ vips, applications }: SimMachine): string => [...vips, ...applications].join(', ') || '-'
const dataOf = ({ data }: SimMachine): string =>
  data.map(({ job, role, bytes, lsn }) => `${job}: ${role}, ${sizeText(bytes)}, version ${lsn}`).join('; ') || '-'
const witnessRow = ({ witness }: SimView): string[][] => (witness === null ? [] : [['witness', witness ? 'on' : 'off', '-', '-']])

const usage = (what: string): Error => fail('E_USAGE', { what, usage: Sim.about.usage })

/** The words of one line. */
function faultOf(word: string, what: string | undefined, more: string | undefined, value: string | undefined): SimFault {
  const needed = (text: string | undefined, name: string): string => {
    if (text !== undefined) return text
    throw usage(`sim ${word} needs ${name}.`)
  }
  switch (word) {
    case 'kill':
    case 'start':
    case 'shutdown':
    case 'crash':
    case 'exchange':
      return { do: word, node: needed(what, 'a machine') }
    case 'freeze':
      return { do: word, node: needed(what, 'a machine'), forMs: parseDurationMs(needed(more, 'a time such as 30s')) }
    case 'nic':
      return { do: word, node: needed(what, 'a machine'), up: isUp(needed(more, 'up or down')) }
    case 'cut':
    case 'heal':
      return { do: word, what: what ?? 'all' }
    case 'fail-app':
    case 'break-app':
      return { do: word === 'fail-app' ? 'failApplication' : 'breakApplication', job: needed(what, 'a job'), application: needed(more, 'an application') }
    case 'load':
      return { do: word, node: needed(what, 'a machine'), key: needed(more, 'what a condition watches'), value: loadOf(needed(value, 'a number, or NA')) }
    case 'advance':
      return { do: word, forMs: parseDurationMs(needed(what, 'a time such as 30s')) }
    case 'date':
      return { do: word, wallMs: dateOf(needed(what, 'a date such as 2027-01-31')) }
    case 'write':
      return { do: word, job: needed(what, 'a job'), bytes: sizeOf(needed(more, 'a size such as 10MiB')) }
    default:
      throw usage(`"${word}" is nothing that sim can do.`)
  }
}

function isUp(word: string): boolean {
  if (word !== 'up' && word !== 'down') throw usage(`A card is up or down, not "${word}".`)
  return word === 'up'
}

function loadOf(word: string): number | null {
  if (word.toUpperCase() === 'NA') return null
  if (!/^\d+(\.\d+)?$/.test(word)) throw usage(`"${word}" is no value: a number, or NA.`)
  return Number(word)
}

function dateOf(word: string): number {
  const wallMs = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/.test(word) ? Date.parse(word.includes('T') ? `${word}Z` : word) : NaN
  if (Number.isNaN(wallMs)) throw usage(`"${word}" is no date such as 2027-01-31 or 2027-01-31T23:59 (UTC).`)
  return wallMs
}

function sizeOf(word: string): number {
  const bytes = parseSizeBytes(word)
  if (bytes === null || bytes < 1 || bytes > SIZE_BYTES_MAX) throw usage(`"${word}" is no size such as 10MiB, of at most 1TiB.`)
  return bytes
}
