import type { Context } from '../context'
import { Live, REFRESH_MS } from '../kit/live'
import type { Asked } from '../kit/nodes'
import type { Paint } from '../kit/paint'
import { Screen, type Key } from '../kit/screen'
import { cut, padTo } from '../kit/text'
import { clustersOf, problemsOf, type ClusterView } from './cluster'
import { LiveLog } from './liveLog'
import { headOf, pictureOf, type Picture } from './picture'
import { heartbeatLines, mirroringLines, SECTIONS, type SectionKey } from './sections'

/** The picture, the keys and the clock of one `watch`. */
export class LiveView {
  private readonly screen: Screen
  private readonly live: Live
  private readonly log: LiveLog
  private section: SectionKey = 's'
  private scrolled = 0
  /** Lines that one page shows, and lines below what is shown. */
  private page = 1
  private below = 0
  private names: string[] = []
  private problems = 0
  private end: (thrown?: unknown) => void = () => undefined

  constructor(
    private readonly context: Context,
    asked: Asked[],
    private readonly paint: Paint,
    private job: string | null
  ) {
    this.screen = new Screen(context.io, { key: (key) => this.pressed(key), resize: () => this.draw(), quit: () => this.end() })
    this.live = new Live(context, asked, () => this.draw())
    this.log = new LiveLog(
      context,
      asked.map(({ entry }) => entry),
      () => this.draw()
    )
  }

  /** How many problems stood there last. */
  async untilQuit(): Promise<number> {
    const timer = setInterval(() => this.draw(), REFRESH_MS)
    try {
      await new Promise<void>((resolve, reject) => {
        this.end = (thrown) => {
          // At once: whoever interrupts writes next.
          this.screen.leave()
          thrown === undefined ? resolve() : reject(thrown)
        }
        this.context.interrupt.signal.addEventListener('abort', () => this.end())
        this.screen.enter()
        this.draw()
        this.live.start()
      })
      return this.problems
    } finally {
      clearInterval(timer)
      this.live.stop()
      this.log.stop()
      this.screen.leave()
    }
  }

  private pressed(key: Key): void {
    const { page, names } = this
    const place = names.indexOf(this.job ?? '')
    if (key === 'q') return this.end()
    if (isSection(key)) return this.show(key)
    if (key === 'left' || key === 'right') this.job = names[(place + (key === 'left' ? -1 : 1) + names.length) % names.length] ?? this.job
    else this.scrolled += { up: -1, down: 1, pageup: -page, pagedown: page, home: -this.scrolled, end: this.below }[key]
    this.draw()
  }

  private show(section: SectionKey): void {
    this.section = section
    // A log is read from its end, and goes on there.
    this.scrolled = section === 'l' ? Number.MAX_SAFE_INTEGER : 0
    this.draw()
  }

  private draw(): void {
    try {
      this.screen.draw(this.lines())
    } catch (thrown) {
      this.end(thrown)
    }
  }

  private lines(): string[] {
    const { columns, rows } = this.screen
    const atEnd = this.section === 'l' && this.below === 0
    const { head, body } = this.picture(columns)
    this.page = Math.max(1, rows - head.length - 1)
    if (atEnd) this.scrolled = body.length
    this.scrolled = Math.max(0, Math.min(this.scrolled, body.length - this.page))
    this.below = Math.max(0, body.length - this.page - this.scrolled)
    const shown = body.slice(this.scrolled, this.scrolled + this.page)
    const blank = Array.from({ length: this.page - shown.length }, () => '')
    return [...head, ...shown, ...blank, this.paint.faint(cut(this.footer(columns), columns))]
  }

  private picture(columns: number): Picture {
    const asked = this.live.asked()
    const clusters = clustersOf(asked)
    this.names = clusters.flatMap((cluster) => cluster.jobs)
    this.problems = problemsOf(clusters).length
    if (clusters.length > 0) return this.sectionOf(clusters, columns)
    this.problems = asked.length
    const reasons = asked.map(({ report }) => cut(`! ${report?.message ?? 'no answer'}`, columns))
    return { head: [this.paint.bad(padTo('None of the open nodes answers.', columns))], body: reasons }
  }

  private sectionOf(clusters: ClusterView[], columns: number): Picture {
    const { paint, job } = this
    if (this.section === 's') return pictureOf(clusters, job, columns, paint)
    const lines = {
      h: () => heartbeatLines(clusters, columns, paint),
      m: () => mirroringLines(clusters, job, columns, paint),
      l: () => this.log.lines(columns, paint)
    }[this.section]()
    return { head: headOf(clusters, columns, paint), body: lines.map((line) => cut(line, columns)) }
  }

  /** With the names of the sections where there is room for them. */
  private footer(columns: number): string {
    const where = this.scrolled + this.below > 0 ? [`up/down: scroll (${this.scrolled} lines above, ${this.below} below)`] : []
    const jobs = this.names.length > 1 ? ['left/right: job'] : []
    const named = (name: (key: SectionKey) => string): string =>
      ['q: end', ...where, ...jobs, SECTION_KEYS.map((key) => (key === this.section ? `[${name(key)}]` : name(key))).join(' ')].join('   ')
    const full = named((key) => `${key}: ${SECTIONS[key]}`)
    return full.length > columns ? named((key) => key) : full
  }
}

const SECTION_KEYS = Object.keys(SECTIONS) as SectionKey[]

const isSection = (key: Key): key is SectionKey & Key => key in SECTIONS
