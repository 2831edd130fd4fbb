import fs from 'node:fs'
import path from 'node:path'
import { failer, runLineService } from './lineService'

/**
 * A small key-value service, to have something worth protecting where there is no database. One line a request over TCP:
 * `SET KEY VALUE` → `OK`, `GET KEY` → `VALUE x` or `NONE`, `COUNT [PREFIX N]` → `COUNT n`. A SET is answered when it is hard on disk: appended to
 * `kv.log` in the folder and fsynced (requests that arrive together share one fsync).
 *
 *     kv.cjs --listen 0.0.0.0:7400 --folder DIR
 *     kv.cjs --ask HOST:PORT SET colour blue
 */
const LINE_LENGTH_MAX = 64 * 1024
const ASK_TIMEOUT_MS = 5_000

const fail = failer('kv')

class Store {
  private readonly entries = new Map<string, string>()
  private readonly file: number
  private waiting: { line: string; answer: (text: string) => void }[] = []
  private flushing = false

  constructor(folder: string) {
    const log = path.join(folder, 'kv.log')
    this.file = fs.openSync(log, 'a+', 0o600)
    const text = fs.readFileSync(log, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    // A crash may have left half a line: what follows must not be glued to it.
    if (whole.length < text.length) fs.ftruncateSync(this.file, Buffer.byteLength(whole))
    for (const line of whole.split('\n')) this.remember(line)
  }

  private remember(line: string): void {
    const [key, value] = splitOnce(line)
    if (key !== '') this.entries.set(key, value)
  }

  get(key: string): string {
    const value = this.entries.get(key)
    return value === undefined ? 'NONE' : `VALUE ${value}`
  }

  /** All entries, or those named PREFIX1 to PREFIXn. */
  count(prefix: string, upTo: number): string {
    if (prefix === '') return `COUNT ${this.entries.size}`
    let found = 0
    for (let n = 1; n <= upTo; n++) if (this.entries.has(`${prefix}${n}`)) found += 1
    return `COUNT ${found}`
  }

  set(line: string, answer: (text: string) => void): void {
    this.waiting.push({ line, answer })
    if (!this.flushing) this.flush()
  }

  private flush(): void {
    const batch = this.waiting
    this.waiting = []
    this.flushing = true
    fs.write(this.file, batch.map(({ line }) => `${line}\n`).join(''), (writeError) => {
      if (writeError) fail(`cannot write: ${writeError.message}`)
      fs.fsync(this.file, (syncError) => {
        if (syncError) fail(`cannot fsync: ${syncError.message}`)
        for (const { line, answer } of batch) {
          this.remember(line)
          answer('OK')
        }
        this.flushing = false
        if (this.waiting.length > 0) this.flush()
      })
    })
  }
}

function splitOnce(text: string): [string, string] {
  const space = text.indexOf(' ')
  return space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)]
}

const COUNT_MAX = 10_000_000

function countOf(rest: string): [string, number] {
  const [prefix, upTo] = splitOnce(rest)
  return [prefix, Math.min(Number(upTo) || 0, COUNT_MAX)]
}

async function answerLine(store: Store, line: string): Promise<string> {
  const [word, rest] = splitOnce(line.trimEnd())
  if (word === 'SET' && rest !== '') return new Promise((resolve) => store.set(rest, resolve))
  if (word === 'GET' && rest !== '') return store.get(rest)
  if (word === 'COUNT') return store.count(...countOf(rest))
  return 'ERROR say SET KEY VALUE, GET KEY or COUNT [PREFIX N]'
}

runLineService({
  name: 'kv',
  lineLengthMax: LINE_LENGTH_MAX,
  askTimeoutMs: ASK_TIMEOUT_MS,
  async open(folder) {
    const store = new Store(folder)
    return (line) => answerLine(store, line)
  }
})
