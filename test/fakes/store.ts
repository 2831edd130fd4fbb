import type { VoterTimes } from '../../src/core/quorum/voter'
import { askShared, newSeat, type SharedSeat, type SharedVoter } from '../../src/core/quorum/shared'
import type { Config } from '../../src/model'
import type { VoteMessage, VoteReply } from '../../src/wire'
import { FakeWitness, sinceOf, W } from './witness'
import type { FakeNode } from './fakeNode'
import type { World } from './world'

const GIVE_UP_MS = 4_000
const TRIES_MAX = 3
/** There and back, to read and to write: as slow together as one message to a witness. */
const LEGS = 4

interface Question {
  message: VoteMessage
  times: VoterTimes
  since: number
  /** Its key in the store. */
  place: string
}

interface Kept {
  value: SharedVoter
  revision: number
}

const engineOf = ({ name, engineStarts }: FakeNode): string => `${name}-${engineStarts}`

/** etcd in the witness's place: it keeps what the nodes write by compare-and-swap, and decides nothing. What it was asked for may happen although nobody hears of it. */
export class FakeStore extends FakeWitness {
  /** By job, and the version in which it was made. */
  private readonly kept = new Map<string, Kept>()
  private revision = 0
  private words = 0
  /** By engine, one of each start, and job: what it remembers, and the questions that wait for the one before. */
  private readonly seats = new Map<string, SharedSeat>()
  private readonly waiting = new Map<string, (() => void)[]>()
  /** A planted bug of the tests. */
  asksShared = askShared

  constructor(
    private readonly around: World,
    settings: Config
  ) {
    super(around, settings)
  }

  override wipe(): void {
    super.wipe()
    this.kept.clear()
  }

  override ask(node: FakeNode, message: VoteMessage, times: VoterTimes, answer: (reply: VoteReply) => void): void {
    // It is asked by the engine itself, which decides on what it reads: one that has died asks nothing more.
    if (engineOf(node) !== message.sender) return
    const since = sinceOf(node, message.job)
    const question = { message, times, since, place: `${since}/${message.job}` }
    const line = `${message.sender}/${message.job}`
    const queue = this.waiting.get(line) ?? []
    queue.push(() => this.serve(node, line, question, answer))
    this.waiting.set(line, queue)
    if (queue.length === 1) queue[0]?.()
  }

  private serve(node: FakeNode, line: string, question: Question, answer: (reply: VoteReply) => void): void {
    let open = true
    const end = (reply: VoteReply | null): void => {
      if (!open) return
      open = false
      if (reply) this.around.options.answered?.(reply)
      if (reply) answer(reply)
      this.waiting.get(line)?.shift()
      if (engineOf(node) === question.message.sender) this.waiting.get(line)?.[0]?.()
    }
    this.around.after(GIVE_UP_MS, () => end(null))
    this.round(node, question, TRIES_MAX, () => open, end)
  }

  private round(node: FakeNode, question: Question, tries: number, open: () => boolean, end: (reply: VoteReply | null) => void): void {
    const { message, times, place } = question
    const key = `${message.sender}/${place}`
    if (tries === 0) return end(null)
    this.call(
      node,
      () => this.kept.get(place) ?? null,
      (kept) => {
        if (!open()) return
        this.words += 1
        const now = { atMs: this.around.localMs(node.name), word: `word-${this.words}`, times }
        const { reply, write, seat } = this.asksShared(kept?.value ?? null, this.seats.get(key) ?? newSeat(), message, now)
        this.seats.set(key, { ...seat, inDoubt: seat.inDoubt || write !== null })
        if (write === null) return end(reply)
        this.call(
          node,
          () => this.swap(kept?.revision ?? 0, question, write),
          (done) => {
            // What could not be swapped never will be; what may still come from before is in doubt as it was.
            this.seats.set(key, { ...(this.seats.get(key) ?? seat), inDoubt: !done && seat.inDoubt })
            if (done) end(reply)
            else this.round(node, question, tries - 1, open, end)
          }
        )
      }
    )
  }

  /** There and back; each may be lost. */
  private call<Result>(node: FakeNode, serve: () => Result, got: (result: Result) => void): void {
    const { around } = this
    const engine = engineOf(node)
    const lost = (): boolean => around.options.loses?.() ?? false
    if (!around.network.arrives(node.name, W) || lost()) return
    around.after(around.delay('message') / LEGS + Math.max(0, this.pausedUntilMs - around.nowMs), () => {
      if (!this.state) return
      const result = serve()
      if (!around.network.arrives(W, node.name) || lost()) return
      around.onNode(node, around.delay('message') / LEGS, () => engineOf(node) === engine && node.state && got(result))
    })
  }

  private swap(revision: number, { message: { job }, since, place }: Question, value: SharedVoter): boolean {
    if ((this.kept.get(place)?.revision ?? 0) !== revision) return false
    this.revision += 1
    this.kept.set(place, { value, revision: this.revision })
    if (value.ballot) this.disk = { ...this.disk, [job]: value.ballot }
    if (value.ballot) this.around.options.witnessed?.(value.ballot, job, since)
    return true
  }
}
