import { Args } from '@oclif/core'
import fs from 'node:fs'
import { parseConfig } from '../src/model/configFile'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'

const LATER = ['apply', 'show', 'backup', 'restore']

/** Reads a configuration and says everything that is wrong with it, with file and line. Asks no node. */
export class ConfigCheck extends CuiCommand {
  static override args = { action: Args.string({ required: true }), file: Args.string({ default: '/etc/mirrorpair/mirrorpair.yaml' }) }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'check a configuration file before it is used',
    usage: 'config check [FILE]',
    example: 'config check /etc/mirrorpair/mirrorpair.yaml',
    guide: 'annex 1'
  }

  async run(): Promise<Outcome> {
    const { args } = await this.read(ConfigCheck)
    if (LATER.includes(args.action)) throw fail('E_NOT_THERE_YET', { command: `config ${args.action}` })
    if (args.action !== 'check') throw fail('E_USAGE', { what: `"${args.action}" is not an action of config.`, usage: ConfigCheck.about.usage })
    const answer = parseConfig(readText(args.file), args.file)
    if ('config' in answer) {
      const { config } = answer
      this.output.line(
        `${args.file} is right: cluster ${config.cluster}, nodes ${Object.keys(config.nodes).join(' and ')}, jobs ${Object.keys(config.jobs).join(', ') || 'none'}.`
      )
      return { exitCode: 0, json: { file: args.file, ok: true, problems: [], config } }
    }
    for (const problem of answer.problems) {
      this.output.line(`${args.file}:${problem.line}:${problem.column}: ${problem.message}`)
      this.output.line(`  Try: ${problem.tryThis}`)
    }
    return { exitCode: 1, json: { file: args.file, ok: false, problems: answer.problems } }
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (thrown) {
    throw fail('E_SHELL_FILE', {
      file,
      what: `it cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'no reason known'})`,
      advice: 'config check FILE'
    })
  }
}
