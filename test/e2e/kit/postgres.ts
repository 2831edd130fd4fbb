import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Counted, grows } from './grows'
import { type Host, type Lab, VIP } from './lab'

const PORT = 5432
const ASK_SECONDS = 10
const PGBENCH_SECONDS = 2
/** A node that lost its power says no goodbye: a client that only listens would wait for it for ever. */
const PGBENCH_SECONDS_MAX = 6
const RUN_TIMEOUT_MS = 60_000

/** One question to the database, asked in a host; `at`: the VIP, or the node itself. */
export function sql(lab: Lab, host: Host, statement: string, at = VIP): Promise<string> {
  return lab.said(host, ['psql', '-h', at, '-p', String(PORT), '-U', 'postgres', '-XqAt', '-c', statement])
}

/** Waits until the ledger has so many rows more: the service takes writes. */
export function growLedger(lab: Lab, more: number, timeoutMs?: number): Promise<void> {
  const question = ['psql', '-h', VIP, '-p', String(PORT), '-U', 'postgres', '-XqAt', '-c', 'select count(*) from ledger']
  const count = async (): Promise<Counted> => {
    // A node that sleeps takes the connection and says nothing.
    const { code, stdout, stderr } = await lab.exec('client', ['timeout', String(ASK_SECONDS), ...question])
    return { rows: code === 0 ? Number(stdout) : null, said: `${stdout}${stderr}` }
  }
  return grows(count, more, timeoutMs)
}

/** Rows of the ledger up to a number: all of them must be there, each once. */
export async function ledgerRows(lab: Lab, host: Host, upTo: number, at = '127.0.0.1'): Promise<number> {
  return Number(await sql(lab, host, `select count(*) from ledger where n between 1 and ${upTo}`, at))
}

/** pgbench against the VIP, again and again, until stopped; then how many transactions it was told are committed. */
export class Pgbench {
  private readonly stopFile = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-pgbench-')), 'stop')
  private output = ''
  private readonly ended: Promise<void>
  private readonly child: ReturnType<Lab['start']>

  constructor(lab: Lab, clients: number) {
    const bench = `timeout -k 1 ${PGBENCH_SECONDS_MAX} pgbench -h ${VIP} -p ${PORT} -U postgres -c ${clients} -n -T ${PGBENCH_SECONDS} postgres 2>&1`
    this.child = lab.start('client', ['sh', '-c', `while [ ! -e "$1" ]; do PGCONNECT_TIMEOUT=2 ${bench} || sleep 0.1; done`, 'bench', this.stopFile])
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.output += String(chunk)
    })
    this.ended = new Promise((resolve) => this.child.on('close', () => resolve()))
  }

  /** One run more has come to its end and counted: one that a switch cuts off counts nothing, and one that begins too late may not even connect. */
  async counts(): Promise<void> {
    const waited = AbortSignal.timeout(RUN_TIMEOUT_MS)
    for (const before = this.counted().length; this.counted().length === before; )
      await once(this.child.stdout, 'data', { signal: waited }).catch(() => {
        throw new Error(`pgbench ends no run: ${this.output}`)
      })
  }

  static prepare(lab: Lab, scale: number): Promise<string> {
    return lab.said('client', ['pgbench', '-h', VIP, '-p', String(PORT), '-U', 'postgres', '-i', '-q', '-s', String(scale), 'postgres'])
  }

  private counted = (): number[] => [...this.output.matchAll(/number of transactions actually processed: (\d+)/g)].map((match) => Number(match[1]))

  async stop(): Promise<{ committed: number; runs: number }> {
    fs.writeFileSync(this.stopFile, '')
    await this.ended
    fs.rmSync(path.dirname(this.stopFile), { recursive: true })
    const counts = this.counted()
    return { committed: counts.reduce((sum, count) => sum + count, 0), runs: counts.length }
  }
}
