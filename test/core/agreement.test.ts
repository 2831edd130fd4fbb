import {
  effectiveVersion,
  jobsSince,
  startAgreement,
  stepAgreement,
  type Agreement,
  type AgreementAction,
  type AgreementEvent,
  type Kept
} from '../../src/core/agreement/agreement'
import type { ConfigAnswer, ConfigPrepare, ConfigVersion } from '../../src/wire'
import { randomFrom } from '../sim/random'

const A = 'RMHW131'
const B = 'RMHW132'
const UNREACHABLE = { code: 'E_PEER_UNREACHABLE', message: 'nobody answers', tryThis: '', exitCode: 3 }

const version = (number: number, text: string): ConfigVersion => ({
  version: number,
  hash: `#${text}`,
  text,
  by: 'root',
  why: null,
  node: A,
  wallMs: 0,
  witnessSince: 0,
  id: `of ${text}`
})
const kept = (text: string, number = 1): Kept => ({ agreed: version(number, text), isAgreed: number > 0, prepared: null })
const wanted = (text: string) => ({ text, hash: `#${text}`, by: 'root', why: null, wallMs: 0, jobs: [], newJobs: [], newWitness: false })

/** Numbers below are those of the tests. */
const REQUESTS = 1_000

/** Two nodes and what is under way between them. A message is delivered when the test says so, and may be lost or come twice. */
class Pair {
  readonly nodes: Record<string, { state: Agreement; disk: Kept; up: boolean; lives: number }>
  wire: { to: string; deliver: () => void; lost: (() => void) | null }[] = []
  losesAnswers = (): boolean => false
  readonly answers: { request: number; node: string; ok: boolean; why: string | null }[] = []
  /** Every configuration that a node was told to use. */
  readonly used: { node: string; version: number; text: string }[] = []
  atMs = 0

  constructor(a: Kept, b: Kept) {
    this.nodes = { [A]: this.born(A, a, 1), [B]: this.born(B, b, 1) }
  }

  private born(node: string, disk: Kept, lives: number) {
    return { state: startAgreement({ node, peerNode: other(node), incarnation: `${node}.${lives}` }, disk), disk, up: true, lives }
  }

  of = (node: string) => this.nodes[node]!

  crash(node: string): void {
    this.of(node).up = false
    this.wire = this.wire.filter(({ to }) => to !== node)
    // Whoever waits for it sees the connection break.
    const broken = [...this.waiting].filter(([, { to }]) => to === node)
    for (const [request, { silence }] of broken) {
      this.waiting.delete(request)
      silence()
    }
  }

  start(node: string): void {
    const { disk, lives } = this.of(node)
    this.nodes[node] = this.born(node, disk, lives + 1)
  }

  /** `diesAfter`: of the actions of this step only so many are carried out. */
  happen(node: string, event: AgreementEvent, diesAfter = Number.POSITIVE_INFINITY): void {
    const one = this.of(node)
    if (!one.up) return
    const { state, actions } = stepAgreement(one.state, event)
    one.state = state
    for (const [i, action] of actions.entries()) {
      if (i >= diesAfter) return this.crash(node)
      this.act(node, action)
    }
  }

  private act(node: string, action: AgreementAction): void {
    const one = this.of(node)
    const { incarnation } = one.state
    const back = (call: () => AgreementEvent) => this.send(node, () => this.of(node).state.incarnation === incarnation && this.happen(node, call()))
    if (action.do === 'persist') one.disk = { agreed: one.state.agreed, isAgreed: one.state.isAgreed, prepared: one.state.prepared }
    if (action.do === 'use') this.used.push({ node, version: action.agreed.version, text: action.agreed.text })
    if (action.do === 'sendPrepare') this.sendPrepare(node, action.message, back)
    if (action.do === 'sendAgreed') {
      const answered = (ok: boolean) => () => ({ kind: 'agreedAnswered', atMs: this.atMs, number: action.number, ok }) as const
      this.ask(
        node,
        (request) => ({ kind: 'agreedReceived', atMs: this.atMs, request, agreed: action.agreed }),
        () => back(answered(true)),
        () => back(answered(false))
      )
    }
    if (action.do === 'ask') {
      const heard = (answer: ConfigAnswer | null) => () => ({ kind: 'askAnswered', atMs: this.atMs, answer }) as const
      this.ask(
        node,
        (request) => ({ kind: 'askReceived', atMs: this.atMs, request }),
        (result) => back(heard(result as ConfigAnswer)),
        () => back(heard(null))
      )
    }
    if (action.do === 'reply') this.reply(node, action.request, action.outcome)
  }

  private waiting = new Map<number, { to: string; ok: (result: unknown) => void; no: (why: string) => void; silence: () => void }>()
  private requests = REQUESTS

  private sendPrepare(node: string, message: ConfigPrepare, back: (call: () => AgreementEvent) => void): void {
    const answered = (outcome: Extract<AgreementEvent, { kind: 'prepareAnswered' }>['outcome']) => () =>
      back(() => ({ kind: 'prepareAnswered', atMs: this.atMs, number: message.number, outcome }))
    const refused = (why: string) => answered({ ok: false, error: { ...UNREACHABLE, code: `E_${why}` } })()
    this.ask(
      node,
      (request) => ({ kind: 'prepareReceived', atMs: this.atMs, request, message, check: null }),
      answered({ ok: true, result: null }),
      answered({ ok: false, error: UNREACHABLE }),
      refused
    )
  }

  private ask(
    from: string,
    event: (request: number) => AgreementEvent,
    ok: (result: unknown) => void,
    silence: () => void,
    no: (why: string) => void = silence
  ): void {
    const request = ++this.requests
    this.waiting.set(request, { to: other(from), ok, no, silence })
    const lost = (): void => {
      this.waiting.delete(request)
      silence()
    }
    this.send(other(from), () => this.happen(other(from), event(request)), lost)
  }

  private reply(node: string, request: number, outcome: Extract<AgreementAction, { do: 'reply' }>['outcome']): void {
    const waits = this.waiting.get(request)
    this.waiting.delete(request)
    if (waits && this.losesAnswers()) return waits.silence()
    if (waits) return outcome.ok ? waits.ok(outcome.result) : waits.no(outcome.refusal.why)
    if (request < REQUESTS) this.answers.push({ request, node, ok: outcome.ok, why: outcome.ok ? null : outcome.refusal.why })
  }

  private send(to: string, deliver: () => void, lost: (() => void) | null = null): void {
    this.wire.push({ to, deliver, lost })
  }

  /** All of it, in order. */
  quiet(): void {
    for (let next = this.wire.shift(); next; next = this.wire.shift())
      if (this.of(next.to).up) next.deliver()
      else next.lost?.()
  }

  see(node: string): void {
    const { agreed, isAgreed } = this.of(other(node)).state
    if (this.of(other(node)).up) this.happen(node, { kind: 'peerSeen', atMs: this.atMs, version: agreed.version, agreed: isAgreed, hash: agreed.hash })
  }

  /** Time passes with both up and nothing lost. */
  settle(): void {
    for (const node of [A, B]) if (!this.of(node).up) this.start(node)
    for (let i = 0; i < 10; i++) {
      this.atMs += 1_000
      for (const node of [A, B]) this.see(node)
      this.quiet()
    }
  }

  runs = (node: string): string => `${this.of(node).state.agreed.text} ${effectiveVersion(this.of(node).state)}`
}

const other = (node: string): string => (node === A ? B : A)
const propose = (pair: Pair, node: string, text: string, { request = 1, whole = false, diesAfter = Number.POSITIVE_INFINITY } = {}) =>
  pair.happen(node, { kind: 'proposed', atMs: pair.atMs, request, next: wanted(text), whole }, diesAfter)

test('both run the new one, under the next number, and who asked for it is told', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'new')
  pair.quiet()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['new 2', 'new 2'])
  expect(pair.answers).toEqual([{ request: 1, node: A, ok: true, why: null }])
})

test('what the other node refuses, or does not answer, is not used by anybody', () => {
  const pair = new Pair(kept('old'), kept('old'))
  pair.crash(B)
  propose(pair, A, 'new')
  pair.quiet()
  expect(pair.answers[0]).toMatchObject({ ok: false, why: 'silent' })
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['old 1', 'old 1'])
})

test('two at the same moment: at most one, and the same on both', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'of A')
  propose(pair, B, 'of B', { request: 2 })
  pair.settle()
  expect(pair.answers.map(({ ok }) => ok)).toEqual([false, false])
  expect([pair.runs(A), pair.runs(B)]).toEqual(['old 1', 'old 1'])
})

test('the proposer dies before it has decided: the other one asks, and stays with the old one', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'new')
  pair.wire.shift()!.deliver()
  pair.crash(A)
  expect(pair.of(B).disk.prepared?.text).toBe('new')
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['old 1', 'old 1'])
  expect(pair.of(B).disk.prepared).toBe(null)
})

test('the proposer dies when it has decided, and the other one has promised: both have the new one in the end', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'new')
  pair.wire.shift()!.deliver()
  const yes = pair.wire.shift()!
  yes.deliver()
  pair.crash(A)
  pair.wire = []
  pair.crash(B)
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['new 2', 'new 2'])
})

test('a voter that holds the number has heard of the decision: who has promised follows without the proposer', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'new')
  pair.wire.shift()!.deliver()
  pair.happen(B, { kind: 'versionSeen', atMs: 0, version: 1 })
  expect(pair.runs(B)).toBe('old 1')
  pair.happen(B, { kind: 'versionSeen', atMs: 0, version: 2 })
  expect(pair.runs(B)).toBe('new 2')
})

test('a node that comes back with an old one learns the newer one, whatever is changed meanwhile', () => {
  const pair = new Pair(kept('newest', 7), kept('old', 3))
  propose(pair, B, 'change of the old one')
  pair.quiet()
  expect(pair.answers[0]).toMatchObject({ ok: false })
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['newest 7', 'newest 7'])
})

test('two nodes that were given the same file agree on it as soon as they meet; it counts for nothing before', () => {
  const pair = new Pair(kept('first', 0), kept('first', 0))
  expect(pair.runs(A)).toBe('first 0')
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['first 1', 'first 1'])
})

test('a file edited by hand on one node is agreed by nobody: a change of it is refused, a whole one ends it', () => {
  const pair = new Pair({ ...kept('by hand', 4), isAgreed: false }, kept('old', 4))
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['by hand 0', 'old 4'])
  propose(pair, A, 'a link more')
  propose(pair, B, 'a link more', { request: 2 })
  pair.settle()
  expect(pair.answers.map(({ why }) => why)).toEqual(['differs', 'differs'])
  propose(pair, B, 'whole', { request: 3, whole: true })
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['whole 5', 'whole 5'])
})

test('edited by hand in the same way on both: they agree on it when they meet', () => {
  const pair = new Pair({ ...kept('by hand', 4), isAgreed: false }, { ...kept('by hand', 4), isAgreed: false })
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['by hand 5', 'by hand 5'])
})

test('a node that was set up anew with the file of the other one takes the numbers of what is agreed: a witness tells the two by them', () => {
  const agreed = { ...version(7, 'the same'), witnessSince: 4, jobsSince: { DB_Group: 6 } }
  const pair = new Pair({ agreed, isAgreed: true, prepared: null }, kept('the same', 0))
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['the same 7', 'the same 7'])
  expect(pair.of(B).disk.agreed).toMatchObject({ witnessSince: 4, jobsSince: { DB_Group: 6 } })
})

test('edited by hand in the same way on both, which had come to other numbers: they go by the same ones', () => {
  const edited = (number: number, numbers: Partial<ConfigVersion>): Kept => ({
    ...kept('by hand', number),
    agreed: { ...version(number, 'by hand'), ...numbers },
    isAgreed: false
  })
  const pair = new Pair(edited(4, { witnessSince: 5, jobsSince: { one: 3, two: 5 } }), edited(3, { witnessSince: 4, jobsSince: { one: 3, two: 4, three: 2 } }))
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['by hand 5', 'by hand 5'])
  for (const node of [A, B]) expect(pair.of(node).disk.agreed).toMatchObject({ witnessSince: 5, jobsSince: { one: 3, two: 5, three: 2 } })
})

test('the proposer dies when it has decided, and its file is edited by hand before it comes back: what it had decided stays decided', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'new')
  pair.wire.shift()!.deliver()
  pair.wire.shift()!.deliver()
  pair.crash(A)
  pair.wire = []
  pair.of(A).disk = { ...pair.of(A).disk, agreed: { ...pair.of(A).disk.agreed, text: 'by hand', hash: '#by hand' }, isAgreed: false }
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['by hand 0', 'new 2'])
})

test('a promise is kept as long as the proposer may still decide', () => {
  const pair = new Pair(kept('old'), kept('old'))
  propose(pair, A, 'new')
  pair.wire.shift()!.deliver()
  const yes = pair.wire.shift()!
  pair.settle()
  expect(pair.of(B).disk.prepared?.text).toBe('new')
  yes.deliver()
  pair.settle()
  expect([pair.runs(A), pair.runs(B)]).toEqual(['new 2', 'new 2'])
})

describe('any order, any loss, any crash', () => {
  const SEEDS = 400
  const STEPS = 60

  function live(seed: number): Pair {
    const random = randomFrom(seed)
    const pair = new Pair(kept('old'), kept('old'))
    pair.losesAnswers = () => random() < 0.2
    for (let i = 0; i < STEPS; i++) {
      const node = random() < 0.5 ? A : B
      const what = random()
      pair.atMs += 200
      if (what < 0.12) propose(pair, node, `c${i}`, { request: i, whole: random() < 0.2, diesAfter: random() < 0.2 ? 1 : Number.POSITIVE_INFINITY })
      else if (what < 0.2 && pair.of(node).up) pair.crash(node)
      else if (what < 0.3 && !pair.of(node).up) pair.start(node)
      else if (what < 0.5) pair.see(node)
      else if (pair.wire.length > 0) deliverOne(pair, random)
    }
    pair.losesAnswers = () => false
    return pair
  }

  function deliverOne(pair: Pair, random: () => number): void {
    const [message] = pair.wire.splice(Math.floor(random() * pair.wire.length), 1)
    if (message === undefined) return
    if (message.lost !== null && (random() < 0.2 || !pair.of(message.to).up)) return message.lost()
    message.deliver()
    if (message.lost !== null && random() < 0.1) pair.wire.push(message)
  }

  test(`${SEEDS} lives end agreed; a number means one configuration; what was refused is used by nobody`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const pair = live(seed)
      pair.settle()
      expect({ seed, b: pair.runs(B), prepared: pair.of(B).disk.prepared }).toEqual({ seed, b: pair.runs(A), prepared: null })
      const numbers = new Map<number, string>()
      for (const { version: number, text } of pair.used) {
        expect({ seed, number, text }).toEqual({ seed, number, text: numbers.get(number) ?? text })
        numbers.set(number, text)
      }
      for (const { request, ok } of pair.answers) {
        const everUsed = pair.used.some(({ text }) => text === `c${request}`)
        expect({ seed, request, ok }).toEqual({ seed, request, ok: everUsed })
      }
    }
  })
})

test('a job that is taken out and made again is known by the version in which that was; the others keep theirs', () => {
  const first = { jobsSince: { WEB: 3 } } as unknown as ConfigVersion
  const without = { ...first, ...jobsSince(first, ['WEB'], [], 7) }
  expect(without.jobsSince).toEqual({ WEB: 3 })
  expect(jobsSince(without, ['WEB', 'DB'], ['DB'], 8)).toEqual({ jobsSince: { WEB: 3, DB: 8 } })
  expect(jobsSince({ ...without, jobsSince: { DB: 8 } }, [], [], 9)).toEqual({})
})

test('what the other node said before a promise says nothing about it: the promise stands', () => {
  const prepare = (text: string, number: number): ConfigPrepare => ({ incarnation: `${A}.1`, number, base: '#one', next: version(2, text) })
  const events: AgreementEvent[] = [
    { kind: 'prepareReceived', request: 1, message: prepare('first', 1), check: null, atMs: 0 },
    { kind: 'peerSeen', version: 1, agreed: true, hash: '#one', atMs: 3_000 },
    { kind: 'prepareReceived', request: 2, message: prepare('second', 2), check: null, atMs: 3_010 },
    // Asked about the first one, and answered before the second one was proposed.
    { kind: 'askAnswered', answer: { agreed: version(1, 'one'), isAgreed: true, pending: null }, atMs: 3_020 }
  ]
  let state = startAgreement({ node: B, peerNode: A, incarnation: `${B}.1` }, kept('one'))
  for (const event of events) state = stepAgreement(state, event).state
  expect(state.prepared?.text).toBe('second')
})
