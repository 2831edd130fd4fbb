import type { Happening, Outcome } from '../../src/core'
import type { QuorumConfig } from '../../src/model'
import type { VoteMessage, VoteReply } from '../../src/wire'
import type { FakeNode } from './fakeNode'
import { W } from './witness'
import type { World } from './world'

const SEND_TIMEOUT_MS = 5_000

/** What the engines say to each other and to the witness: late, twice, out of order, or never. */
export class FakeMessages {
  requests = 0
  /** Messages between the nodes, and the newest that has arrived of each: counted for those who want to know. */
  private sent = 0
  private readonly newest = new Map<string, number>()
  /** By request: no two nodes are asked with the same number. */
  readonly asked = new Map<number, (outcome: Outcome) => void>()

  constructor(private readonly world: World) {}

  /** A message goes to the engine that runs now: one that restarts meanwhile never sees it, as with a TCP connection. */
  send(
    from: FakeNode,
    kind: string,
    happening: (request: number) => Happening,
    done: ((outcome: Outcome | null) => void) | null,
    seen?: (to: FakeNode) => void
  ): void {
    const receive = (to: FakeNode, answer: (outcome: Outcome) => void): void => {
      seen?.(to)
      this.askCore(to, happening, answer)
    }
    this.post(from, kind, receive, done)
  }

  /** Of the engine that runs there now. */
  askCore(node: FakeNode, happening: (request: number) => Happening, done: (outcome: Outcome) => void): void {
    this.requests += 1
    const request = this.requests
    this.asked.set(request, done)
    this.world.emit(node, happening(request))
  }

  post(
    from: FakeNode,
    kind: string,
    receive: (to: FakeNode, answer: (outcome: Outcome) => void) => void,
    done: ((outcome: Outcome | null) => void) | null
  ): void {
    const to = this.world.other(from)
    const [fromEngine, toEngine] = [from.engineStarts, to.engineStarts]
    let open = true
    const finish = (outcome: Outcome | null): void => {
      if (!open) return
      open = false
      if (from.engineStarts === fromEngine && from.state) done?.(outcome)
    }
    if (done) this.world.after(SEND_TIMEOUT_MS, () => finish(null))
    const deliver = (): void => {
      if (this.world.losesMessage(kind) || !this.world.network.reaches(from, to) || to.engineStarts !== toEngine || !to.state) return
      receive(to, (outcome) => {
        if (!done) return
        const lost = this.world.losesAnswer(kind) || this.loses() || !this.world.network.reaches(to, from)
        if (!lost) this.world.after(this.world.delay('message'), () => finish(outcome))
      })
    }
    if (!this.world.network.reaches(from, to) || this.loses()) return
    const [sent, newest] = [(this.sent += 1), this.newest]
    this.world.after(this.world.delay('message'), () => {
      if ((newest.get(from.name) ?? 0) > sent) this.world.options.happened?.('a message is overtaken')
      newest.set(from.name, Math.max(sent, newest.get(from.name) ?? 0))
      deliver()
    })
    if (this.repeats()) this.world.after(this.world.delay('message') * 3, deliver)
  }

  private loses(): boolean {
    const lost = this.world.options.loses?.() ?? false
    if (lost) this.world.options.happened?.('a message is lost')
    return lost
  }

  private repeats(): boolean {
    const again = this.world.options.repeats?.() ?? false
    if (again) this.world.options.happened?.('a message comes twice')
    return again
  }

  askWitness(from: FakeNode, message: VoteMessage, times: QuorumConfig | null, told: (reply: VoteReply | null) => void): void {
    const { engineStarts } = from
    let open = true
    const finish = (reply: VoteReply | null): void => {
      if (open && from.engineStarts === engineStarts && from.state) told(reply)
      open = false
    }
    this.world.after(SEND_TIMEOUT_MS, () => finish(null))
    if (times === null) return
    const ask = (): void =>
      this.world.witness?.ask(from, message, times, (reply) => {
        if (this.loses() || !this.world.network.arrives(W, from.name)) return
        this.world.after(this.world.delay('message'), () => finish(reply))
      })
    if (!this.world.network.arrives(from.name, W) || from.paused || this.loses()) return
    this.world.after(this.world.delay('message'), ask)
    if (this.repeats()) this.world.after(this.world.delay('message') * 3, ask)
  }

  replied(node: FakeNode, request: number, outcome: Outcome): void {
    const asked = this.asked.get(request)
    this.asked.delete(request)
    if (outcome.ok && !asked) this.world.options.happened?.('what an administrator has typed is accepted')
    if (asked) asked(outcome)
    else this.world.replies.push({ node: node.name, request, outcome })
  }
}
