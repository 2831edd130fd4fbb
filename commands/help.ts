import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type CommandClass, type HelpText } from './base'
import { columnsOf, type Outcome, type Output } from './context'
import { fail } from './kit/fail'
import { nearest, padTo, wrap } from './kit/text'
import { print } from './view/tables'
import { ALIASES, GUIDE_WORDS, LATER_WORDS } from './words'

const COLUMNS = 4
const COLUMN_WIDTH = 14

/** The guide's words in the guide's columns, then ours; with COMMAND its usage, example and page in the manual. */
export class Help extends CuiCommand {
  static override args = { command: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'the commands; with COMMAND its usage and an example',
    usage: 'help [COMMAND]',
    example: 'help jobstate',
    guide: '9'
  }

  async run(): Promise<Outcome> {
    const { args } = await this.read(Help)
    if (args.command === undefined) return this.all()
    const word = args.command.toLowerCase()
    const name = ALIASES[word] ?? word
    const command = this.context.commands[name]
    if (command !== undefined) return this.one(name, command)
    if (LATER_WORDS.includes(name)) throw fail('E_NOT_THERE_YET', { command: name })
    throw fail('E_COMMAND_UNKNOWN', { word: args.command, nearest: nearest(word, Object.keys(this.context.commands)) })
  }

  private all(): Outcome {
    const ours = Object.keys(this.context.commands)
      .filter((word) => !GUIDE_WORDS.includes(word))
      .sort()
    inColumns(this.output, GUIDE_WORDS)
    this.output.line()
    this.output.line('More commands:')
    inColumns(this.output, ours)
    this.output.line()
    this.output.line(`Not there yet: ${LATER_WORDS.join(', ')}.`)
    this.output.line('help COMMAND shows usage, an example and the page in the manual.')
    return {
      exitCode: 0,
      json: { commands: Object.entries(this.context.commands).map(([name, command]) => ({ name, ...command.about })), notThereYet: LATER_WORDS }
    }
  }

  private one(name: string, command: CommandClass): Outcome {
    const { summary, usage, example, guide } = command.about
    const options = Object.entries(command.flags).map(([flag, { description }]) => ({ flag: `--${flag}`, description: description ?? '' }))
    this.output.line(`${name}: ${summary}`)
    this.output.line()
    this.output.line(`Usage:    ${usage}`)
    this.output.line(`Example:  cui>${example}`)
    this.output.line(`Manual:   man cui${guide === undefined ? '' : ` (operation guide ${guide})`}`)
    this.output.line()
    this.output.line('Options:')
    print(
      this.output,
      options.flatMap((option) => optionLines(option, columnsOf(this.context, this.output)))
    )
    return { exitCode: 0, json: { name, ...command.about, options } }
  }
}

const FLAG_WIDTH = 26

/** What does not fit goes on below itself. */
const optionLines = ({ flag, description }: { flag: string; description: string }, columns: number): string[] =>
  wrap(description, Math.max(FLAG_WIDTH, columns - FLAG_WIDTH)).map((line, i) => padTo(i === 0 ? `  ${flag}` : '', FLAG_WIDTH) + line)

/** Down each column first, as the guide prints them. */
function inColumns(output: Output, words: readonly string[]): void {
  const rows = Math.ceil(words.length / COLUMNS)
  for (let row = 0; row < rows; row++) {
    const cells = words.filter((_, i) => i % rows === row)
    output.line(
      cells
        .map((word) => padTo(word, COLUMN_WIDTH))
        .join('')
        .trimEnd()
    )
  }
}
