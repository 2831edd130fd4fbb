import type tls from 'node:tls'
import { ReportError } from '../../../src/report/report'
import { dataError, encodeFrame } from '../../../src/wire/frame'
import type { Control, Frame } from '../../../src/wire/frameFields'
import { monotonicMs } from '../../adapters/clock'
import { checksum } from './checksum'
import { FrameSplitter } from './frameSplitter'
import { packHello, readRefuse, readWelcome, type Hello, type Welcome } from './hello'
import type { LinkTable } from './linkTable'
import { KEEPALIVE_MS, LINK_SILENT_MS, PEER_SILENT_MS, type DataLink } from './secure'

/** How often the silence of the other end is looked at. */
const WATCH_MS = 250
/** A dirty map that is longer than this says nothing. */
const DIRTY_BYTES_MAX = 64 * 1024 * 1024

/** The target's own words: they are shown as they came. */
export class Refusal extends ReportError {}

function refusal(payload: Uint8Array): Refusal {
  const { code, message } = readRefuse(payload)
  return new Refusal({ code, message, tryThis: "Read mirrord's log on the other node.", exitCode: 1 })
}

export interface Greeting {
  welcome: Welcome
  /** The target's own dirty map, as it came; null: it says that there is none, or it is too long. */
  dirty: Uint8Array[] | null
}

interface Hooks {
  links: LinkTable
  roleSequence: number
  progress(): number
  /** Why nothing may be said now; null: it may. */
  whyNotSpeak(): Error | null
  /** A frame after the greeting, valid until it returns. */
  onFrame(frame: Frame): void
}

/** One connection to the target: the greeting, the frames that come in, and the watch over its silence. */
export class Conversation {
  heardAtMs = monotonicMs()
  /** Why it ended; null: it was closed without a reason. */
  why: unknown = null
  readonly closed: Promise<null>
  private saidAtMs = monotonicMs()
  private greeted = false
  private welcome: Welcome | null = null
  private dirty: Uint8Array[] = []
  private dirtyBytes = 0
  private answer: (greeting: Greeting) => void = () => undefined
  private asking: Promise<void> | null = null
  private readonly timer: NodeJS.Timeout

  constructor(
    readonly socket: tls.TLSSocket,
    readonly link: DataLink,
    private readonly hooks: Hooks
  ) {
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(null)))
    socket.on('error', (error) => this.giveUp(error))
    const splitter = new FrameSplitter(checksum, (frame) => this.onFrame(frame))
    socket.on('data', (chunk) => {
      try {
        splitter.push(chunk)
      } catch (error) {
        this.giveUp(error)
      }
    })
    this.timer = setInterval(() => this.watch(), WATCH_MS)
  }

  giveUp(error: unknown): void {
    this.why ??= error
    this.socket.destroy()
  }

  end(): void {
    clearInterval(this.timer)
    this.socket.destroy()
  }

  /** False: it must not be said, and the connection ends for that. */
  maySpeak(): boolean {
    const why = this.hooks.whyNotSpeak()
    if (why !== null) this.giveUp(why)
    return why === null
  }

  say(body: Control): void {
    if (!this.maySpeak()) return
    this.saidAtMs = monotonicMs()
    this.socket.write(encodeFrame(body, 0, this.hooks.roleSequence, checksum))
  }

  /** null: the connection ended before the target had answered. */
  greet(hello: Hello): Promise<Greeting | null> {
    const answered = new Promise<Greeting>((resolve) => (this.answer = resolve))
    this.say({ kind: 'hello', folder: 0, payload: packHello(hello) })
    return Promise.race([answered, this.closed])
  }

  private onFrame(frame: Frame): void {
    this.heardAtMs = monotonicMs()
    const { body } = frame
    if (body.kind === 'keepalive') return
    if (body.kind === 'refuse') throw refusal(body.payload)
    if (this.greeted) return this.hooks.onFrame(frame)
    if (body.kind === 'welcome' && this.welcome === null) {
      this.welcome = readWelcome(body.payload)
      if (this.welcome.dirty !== 'follows') this.greetingIsWhole()
    } else if (body.kind === 'dirty' && this.welcome !== null) this.addDirty(body.payload, body.last)
    else throw dataError('E_FRAME_FOREIGN', { why: `${body.kind} where a welcome belongs` })
  }

  private addDirty(payload: Uint8Array, last: boolean): void {
    this.dirtyBytes += payload.length
    if (this.dirtyBytes <= DIRTY_BYTES_MAX) this.dirty.push(Uint8Array.from(payload))
    if (last) this.greetingIsWhole()
  }

  private greetingIsWhole(): void {
    this.greeted = true
    const whole = this.dirty.length > 0 && this.dirtyBytes <= DIRTY_BYTES_MAX
    this.answer({ welcome: this.welcome!, dirty: whole ? this.dirty : null })
  }

  /** Each of our words also says how far the walk is. Silence alone is not the end: the link is asked. */
  private watch(): void {
    const { socket, link } = this
    const now = monotonicMs()
    if (!this.maySpeak()) return
    if (this.greeted && now - this.saidAtMs >= KEEPALIVE_MS && !socket.writableNeedDrain) {
      this.say({ kind: 'keepalive', folder: 0, progress: this.hooks.progress() })
    }
    const silentMs = now - this.heardAtMs
    if (silentMs < LINK_SILENT_MS || socket.destroyed) return
    if (silentMs >= PEER_SILENT_MS) this.silent()
    else if (this.asking === null) {
      this.asking = this.hooks.links.answers(link).then((answered) => {
        this.asking = null
        if (!answered && !socket.destroyed && monotonicMs() - this.heardAtMs >= LINK_SILENT_MS) this.silent()
      })
    }
  }

  private silent(): void {
    this.hooks.links.failed(this.link.name)
    this.giveUp(dataError('E_LINK_SILENT', { link: this.link.name, silentMs: monotonicMs() - this.heardAtMs }))
  }
}
