import { Args } from '@oclif/core'
import { RESOURCE_ACTIONS } from '../src/wire'
import { changing, CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { actionOf, findTarget, jobWord, operate, type Target } from './operate'

type Action = (typeof RESOURCE_ACTIONS)[number]
const isAction = (word: string | undefined): boolean => RESOURCE_ACTIONS.some((action) => action === word)

/** One application of a job (guide 5); those that depend on it follow. */
export class Resource extends CuiCommand {
  static override args = { job: Args.string(), name: Args.string(), action: Args.string() }
  static override flags = { ...everywhere, ...changing }
  static override about: HelpText = {
    summary: 'start, stop or stop watching one application; those that depend on it follow',
    usage: 'resource JOB APPLICATION online|offline|detach [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'resource DB_Group POSTGRES offline',
    guide: '5'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Resource)
    const { usage } = Resource.about
    // Where a job is in use it need not be named.
    const words = args.action === undefined && isAction(args.name) ? [undefined, args.job, args.name] : [args.job, args.name, args.action]
    const [job, application, word] = words
    const action = actionOf(word, RESOURCE_ACTIONS, 'resource', usage)
    const target = await findTarget(this.context, jobWord(this.context, job, usage), flags.node)
    const name = applicationOf(target, application ?? '', usage)
    return operate(this.context, this.output, target, 'resource', flags, { application: name, action }, question(target, name, action))
  }
}

/** As its job writes it; what nobody knows is told before anything is sent. */
function applicationOf({ job, now }: Target, word: string, usage: string): string {
  const known = now.view?.applications.map(({ name }) => name) ?? []
  const found = known.find((name) => name.toLowerCase() === word.toLowerCase())
  if (found !== undefined || now.view === null) return found ?? word
  throw fail('E_USAGE', { what: `${job} has no application "${word}"; it has: ${known.join(', ') || 'none'}.`, usage })
}

function question({ job, now }: Target, name: string, action: Action): string {
  const means = {
    online: `${name} of ${job} starts on ${now.owner}, after what it needs, and is watched.`,
    offline: `${name} of ${job} and all that depend on it stop on ${now.owner}, and stay so.`,
    detach: `${name} of ${job} and all that depend on it go on running, and no fault of theirs acts.`
  }[action]
  return `${means} Do you really want that?`
}
