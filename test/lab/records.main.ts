import path from 'node:path'
import { runLineService } from './lineService'
import { type Found, History, inspect } from './soak/history'
import { Records, recordsIn, type Way, WAYS } from './soak/records'
import { rangesOf } from './soak/rows'

/**
 * The service of the power cut tests. One line a request over TCP: `PUT NUMBER WAY` → `OK NUMBER` when the record is durable, `HAVE` → the
 * numbers that the folder holds, `FOUND` → which moment of the history the folder showed when this service started, `REST` → `RESTING`: no
 * more operation on the folder until `GO`.
 *
 *     records.cjs --listen 0.0.0.0:7400 --folder DIR
 *     records.cjs --ask HOST:PORT HAVE
 */
const LINE_LENGTH_MAX = 1024
const HISTORY_EVERY_MS = 5
const HISTORY_STEPS_AT_ONCE = 3
const ASK_TIMEOUT_MS = 20_000

class Service {
  private resting = false

  private constructor(
    private readonly folder: string,
    private readonly records: Records,
    private readonly history: History,
    private readonly found: Found
  ) {
    setInterval(() => this.goOn(), HISTORY_EVERY_MS)
  }

  static async start(folder: string): Promise<Service> {
    const found = inspect(folder)
    return new Service(folder, await Records.open(path.join(folder, 'records')), History.begin(folder), found)
  }

  private goOn(): void {
    if (!this.resting) for (let step = 0; step < HISTORY_STEPS_AT_ONCE; step += 1) this.history.step()
  }

  async answer(line: string): Promise<string> {
    const [word, first = '', second = ''] = line.split(' ')
    if (word === 'PUT' && (WAYS as readonly string[]).includes(second)) {
      await this.records.put(Number(first), second as Way)
      return `OK ${first}`
    }
    if (word === 'HAVE') return JSON.stringify(rangesOf(recordsIn(path.join(this.folder, 'records'))))
    if (word === 'FOUND') return JSON.stringify(this.found)
    if (word === 'REST' || word === 'GO') {
      this.resting = word === 'REST'
      return this.resting ? 'RESTING' : 'GOING'
    }
    return 'ERROR say PUT NUMBER WAY, HAVE, FOUND, REST or GO'
  }
}

runLineService({
  name: 'records',
  lineLengthMax: LINE_LENGTH_MAX,
  askTimeoutMs: ASK_TIMEOUT_MS,
  async open(folder) {
    const service = await Service.start(folder)
    return (line) => service.answer(line)
  }
})
