import { execFile } from 'node:child_process'
import fs from 'node:fs'
import vm from 'node:vm'
import * as z from 'zod'
import { dataError } from '../../../src/wire/frame'
import type { ProgramCommand } from '../../../src/wire/mirrord'
import { plainReason } from '../../adapters/failure'
import { threadFiles } from '../../native/programs'
import type { KeeperLink } from './keeperLink'
import { TABLE_FORMAT } from '../capture/table/captureTable'

/** `mirrord --check`: what a program says that is started once, to see whether it could take over. */
export const CHECK_OPTION = '--check'
const CHECK_TIMEOUT_MS = 15_000
const CHECK_BYTES_MAX = 64 * 1024

/** `slots`: it knows that folders may be kept by other numbers than their places. */
const checkSchema = z.looseObject({ version: z.string(), tableFormat: z.number(), slots: z.boolean().optional() })
export type Check = z.infer<typeof checkSchema>

/** This very program. That it runs says that it and its native parts load; its threads are files of their own. */
export function checkOwn(version: string): Check {
  for (const file of threadFiles()) new vm.Script(fs.readFileSync(file, 'utf8'), { filename: file })
  return { version, tableFormat: TABLE_FORMAT, slots: true }
}

/** Somebody is there to start another one, which would have something to go on with. */
export function canHandOver(job: string, keeper: KeeperLink | null, idle: boolean): KeeperLink {
  const why = keeper === null ? 'no keeper would start another one' : idle ? 'it serves nothing that another one could go on with' : keeper.whyNoSuccessor()
  if (keeper === null || why !== null) throw dataError('E_HAND_OVER', { job, why: why ?? '' })
  return keeper
}

/** Nothing has happened yet: a program that does not start, or cannot read what this one leaves, is refused. */
export async function checkSuccessor(job: string, command: ProgramCommand, slots: readonly number[] = []): Promise<Check> {
  const refused = (why: string): Error => dataError('E_MIRRORD_SUCCESSOR', { job, program: [command.file, ...command.args].join(' '), why })
  const answer = parse(await run(command).catch((error: unknown) => Promise.reject(refused(plainReason(error)))))
  if (answer === null) throw refused(`it does not know ${CHECK_OPTION}`)
  if (answer.tableFormat !== TABLE_FORMAT) throw refused(`its table of open files has format ${answer.tableFormat}, that of the one which runs ${TABLE_FORMAT}`)
  if (answer.slots !== true && slots.some((slot, place) => slot !== place))
    throw refused('it cannot go on with folders that have changed since this one started')
  return answer
}

function run({ file, args }: ProgramCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args, CHECK_OPTION], { timeout: CHECK_TIMEOUT_MS, maxBuffer: CHECK_BYTES_MAX }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const said = lastWords(stderr)
      reject(new Error(error.killed === true ? `it did not answer within ${CHECK_TIMEOUT_MS} ms` : said === '' ? error.message : said))
    })
  })
}

/** Of an uncaught error Node prints the source first, and the message on a line of its own. */
const lastWords = (text: string): string => text.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? text.trim().split('\n').at(-1) ?? ''

function parse(text: string): Check | null {
  try {
    return checkSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
