import { Args } from '@oclif/core'
import { CuiCommand, everywhere, type HelpText } from './base'
import type { Outcome } from './context'
import { reportOf } from './kit/fail'
import { call, openNodes } from './kit/nodes'
import type { NodeEntry } from './kit/store'

/** Ends the session on one node or on all. Its fingerprint stays known. */
export class Logout extends CuiCommand {
  static override args = { node: Args.string() }
  static override flags = { ...everywhere }
  static override about: HelpText = {
    summary: 'end the session on a node, or on all open ones',
    usage: 'logout [NODE]',
    example: 'logout RMHW132'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Logout)
    const entries = openNodes(this.context.store, args.node ?? flags.node)
    const nodes = await Promise.all(entries.map((entry) => this.end(entry)))
    for (const entry of entries) {
      this.context.store.put({ ...entry, token: null })
      if (this.context.use.node === entry.node) this.context.use.node = null
    }
    return { exitCode: 0, json: { nodes } }
  }

  /** The token is forgotten here in any case; an agent that does not answer lets it expire. */
  private async end(entry: NodeEntry): Promise<object> {
    try {
      await call(entry, { method: 'POST', path: '/v1/logout', body: {} })
      this.output.line(`[${entry.node}]: logged out`)
      return { node: entry.node, told: true }
    } catch (thrown) {
      this.output.line(`[${entry.node}]: forgotten here; ${reportOf(thrown).message}`)
      return { node: entry.node, told: false }
    }
  }
}
