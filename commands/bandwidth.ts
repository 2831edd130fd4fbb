import { Args } from '@oclif/core'
import { parseSizeBytes, sizeText } from '../src/model/config/units'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { findTarget, jobAndWord, jobWord, operate } from './operate'

/** As the configuration's `bandwidth` has it. */
const BYTES_PER_SECOND_MIN = 16 * 1024

/** Limits how fast data is sent to the target. */
export class Bandwidth extends CuiCommand {
  static override args = { job: Args.string(), speed: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'limit how fast data is sent to the target',
    usage: 'bandwidth JOB SIZE/s|off [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'bandwidth DB_Group 50MiB/s'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Bandwidth)
    const { usage } = Bandwidth.about
    const [jobArg, word] = jobAndWord(args.job, args.speed, (one) => one === 'off' || speedOf(one) !== null)
    const bytesPerSecond = limitOf(word)
    const target = await findTarget(this.context, jobWord(this.context, jobArg, usage), flags.node)
    const limit = bytesPerSecond === null ? 'without a limit' : `with at most ${sizeText(bytesPerSecond)}/s`
    const question = `Data of ${target.job} will be sent ${limit}. Do you really want that?`
    return operate(this.context, this.output, target, 'bandwidth', flags, { bytesPerSecond }, question)
  }
}

const speedOf = (word: string): number | null => parseSizeBytes(word.replace(/\/s$/, ''))

function limitOf(word: string | undefined): number | null {
  const { usage } = Bandwidth.about
  if (word === 'off') return null
  if (word === undefined) throw fail('E_USAGE', { what: 'The limit is missing: a size a second, or off.', usage })
  const bytes = speedOf(word)
  if (bytes !== null && bytes >= BYTES_PER_SECOND_MIN && Number.isSafeInteger(bytes)) return bytes
  const least = `${sizeText(BYTES_PER_SECOND_MIN)}/s`
  throw fail('E_USAGE', { what: `"${word}" is no limit: a size a second of ${least} or more (KiB, MiB, GiB), or off.`, usage })
}
