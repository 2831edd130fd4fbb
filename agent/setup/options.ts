import fs from 'node:fs'
import os from 'node:os'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { type Config, parseConfig } from '../../src/model'
import { plainReason } from '../adapters/failure'
import { setupFailure } from './failure'

export const DEFAULT_CONFIG_FILE = '/etc/mirrorpair/mirrorpair.yaml'
export const DEFAULT_STATE_DIRECTORY = '/var/lib/mirrorpair'
export const DEFAULT_RUN_DIRECTORY = '/run/mirrorpair'

/** Where a command's words go. */
export interface Output {
  print(text: string): void
}

type Options = NonNullable<ParseArgsConfig['options']>

/** The options of one command; anything else is refused with its usage. */
export function readOptions<const T extends Options>(argv: string[], options: T, usage: string) {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw setupFailure('E_SETUP_USAGE', { what: ((error as Error).message.split(/[.\n]/)[0] ?? 'Wrong usage').trim(), usage })
  }
}

export function readConfig(file: string): Config {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw setupFailure('E_SETUP_CONFIG', { file, why: `${plainReason(error)}.` })
  }
  const answer = parseConfig(text, file)
  if ('config' in answer) return answer.config
  const [first] = answer.problems
  const more = answer.problems.length > 1 ? ` (and ${answer.problems.length - 1} more)` : ''
  throw setupFailure('E_SETUP_CONFIG', { file, why: `line ${first?.line}: ${first?.message} ${first?.tryThis}${more}` })
}

export function checkNode(config: Config, node: string = os.hostname()): string {
  if (Object.hasOwn(config.nodes, node)) return node
  throw setupFailure('E_SETUP_NODE', { node, known: Object.keys(config.nodes).join(' and ') })
}
