import type { CommandClass } from '../base'
import type { Context } from '../context'
import { GUIDE_WORDS } from '../words'
import { agentWords } from './agentWords'
import { Names } from './names'
import { placesOf, valuesOf } from './usage'

/** A drill and a licence take one thing of several, by the word before it. */
const AFTER: Record<string, string[]> = { 'kill-app': ['APPLICATION'], 'cut-link': ['LINK'], 'freeze-peer': ['NODE'], install: ['FILE'] }

/** The code of a dangerous command: it is there to be typed. */
const TYPED_BY_HAND = '--confirm'

/** What Tab offers: commands, then what the command's own usage line names at this place. */
export class Completer {
  private readonly names: Names

  constructor(private readonly context: Context) {
    this.names = new Names(context)
  }

  /** The command's own word needs no node asked: answered at once, so that Enter may follow in the same breath. */
  command(line: string): [string[], string] | null {
    const word = line.trimStart()
    return /\s/.test(word) ? null : fitting(this.commandWords(), word)
  }

  async complete(line: string): Promise<[string[], string]> {
    const words = line.trimStart().split(/\s+/)
    const word = words.at(-1) ?? ''
    const inOption = words[0]?.toLowerCase() === 'job' ? await agentWords(this.context, words, () => this.names.agentNames()) : null
    if (inOption !== null) return fitting(inOption, word)
    return fitting(words.length <= 1 ? this.commandWords() : await this.following(words), word)
  }

  private commandWords(): string[] {
    return [...new Set([...GUIDE_WORDS, ...Object.keys(this.context.commands)])].sort()
  }

  private async following(words: string[]): Promise<string[]> {
    const [command = '', ...given] = words
    const word = given.pop() ?? ''
    const found = this.context.commands[command.toLowerCase()]
    if (found === undefined) return []
    if (word.startsWith('-'))
      return Object.keys(found.flags)
        .map((flag) => `--${flag}`)
        .sort()
    const option = given.at(-1) ?? ''
    const kinds = takesValue(found, option) ? valuesAfter(found, option) : placed(found, given)
    if (kinds.includes('COMMAND')) return this.commandWords()
    return (await Promise.all(kinds.map((kind) => this.names.of(kind, given, word)))).flat()
  }
}

const takesValue = ({ flags }: CommandClass, option: string): boolean => option.startsWith('--') && flags[option.slice(2)]?.type === 'option'

function valuesAfter(command: CommandClass, option: string): string[] {
  if (option === TYPED_BY_HAND) return []
  const named = valuesOf(command.about.usage, option)
  return named.length > 0 ? named : [option.slice(2).toUpperCase()]
}

/** Options may stand anywhere, and count for no place. */
function placed(command: CommandClass, given: string[]): string[] {
  const words = given.filter((word, i) => !word.startsWith('-') && !takesValue(command, given[i - 1] ?? ''))
  return AFTER[words.at(-1) ?? ''] ?? placesOf(command.about.usage)[words.length] ?? []
}

function fitting(offered: string[], word: string): [string[], string] {
  const found = offered.filter((one) => one.toLowerCase().startsWith(word.toLowerCase()))
  return [found.map((one) => (found.length === 1 && !/[=/]$/.test(one) ? `${one} ` : one)), word]
}
