import { FOLDER, JOB, type Lab, type LedgerReport, NODES } from '../../e2e/kit/lab'
import { growLedger, ledgerRows, Pgbench, sql } from '../../e2e/kit/postgres'
import type { Measuring } from '../../e2e/kit/programs'
import { postgresPrograms } from '../programs'
import type { Work } from './work'

const PORT = 5432
const SCALE = 1
const CLIENTS = 3
const MORE_ROWS = 20
const CHECK_TIMEOUT_MS = 180_000
const LEDGER_EVERY_MS = 2

/** Every index against its table, every sum of pgbench against the others. */
const CHECKS = {
  indexes: `select bool_and(bt_index_check(c.oid, true)::text = '') from pg_class c join pg_index i on i.indexrelid = c.oid
    join pg_am a on a.oid = c.relam where a.amname = 'btree' and c.relpersistence = 'p' and i.indisvalid and i.indisready`,
  sums: `select (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) from pgbench_history)
    and (select sum(tbalance) from pgbench_tellers) = (select coalesce(sum(delta), 0) from pgbench_history)
    and (select sum(bbalance) from pgbench_branches) = (select coalesce(sum(delta), 0) from pgbench_history)`
}

/** pgbench, and a ledger whose client knows each committed row. */
export class PostgresWork implements Work {
  readonly excluded = /postmaster\.pid/
  private ledger: Measuring<LedgerReport> | null = null
  private bench: Pgbench | null = null

  constructor(
    private readonly lab: Lab,
    private readonly safety: 'full' | 'off'
  ) {}

  async prepare(): Promise<void> {
    await Pgbench.prepare(this.lab, SCALE)
    await sql(this.lab, 'client', 'create extension amcheck')
  }

  async begin(): Promise<void> {
    await sql(this.lab, 'client', 'drop table if exists ledger; truncate pgbench_history')
    await Pgbench.prepare(this.lab, SCALE)
    this.ledger = this.lab.ledger('--postgres', PORT, { everyMs: LEDGER_EVERY_MS })
    this.bench = new Pgbench(this.lab, CLIENTS)
    await growLedger(this.lab, 1)
  }

  async goesOn(timeoutMs: number): Promise<void> {
    await growLedger(this.lab, MORE_ROWS, timeoutMs)
  }

  async end(mayLose: () => Promise<boolean>): Promise<{ told: string; problems: string[] }> {
    if (!this.ledger || !this.bench) throw new Error('the clients have not begun')
    const [promised, history] = [await this.ledger.report(), await this.bench.stop()]
    const rows = await ledgerRows(this.lab, 'client', promised.committed, '192.168.150.130')
    const written = Number(await sql(this.lab, 'client', 'select count(*) from pgbench_history'))
    const problems: string[] = []
    if (rows < promised.committed && !(this.safety === 'off' && (await mayLose())))
      problems.push(`${promised.committed - rows} of ${promised.committed} committed rows are missing`)
    if (written < history.committed && this.safety === 'full') problems.push(`${history.committed - written} committed transactions of pgbench are missing`)
    for (const [name, check] of Object.entries(CHECKS)) {
      const said = await this.lab.exec('client', ['psql', '-h', '192.168.150.130', '-U', 'postgres', '-XqAt', '-c', check], { timeoutMs: CHECK_TIMEOUT_MS })
      if (said.stdout.trim() !== 't') problems.push(`${name}: ${said.stdout}${said.stderr}`)
    }
    return {
      told: `${promised.committed} rows and ${history.committed} transactions committed, longest pause ${promised.outageMs} ms, ${rows} rows found`,
      problems
    }
  }

  /** A service that is brought out has drained its queue. */
  async rest(): Promise<void> {
    await sql(this.lab, 'client', 'vacuum full')
    await this.lab.done(['bringout', JOB])
  }

  /** Checksums of every page, on both sides, while the database is down. */
  async pages(): Promise<string[]> {
    const problems: string[] = []
    for (const node of NODES) {
      const said = await this.lab.exec(node, [`${postgresPrograms()}/pg_checksums`, '--check', '-D', FOLDER], { timeoutMs: CHECK_TIMEOUT_MS })
      if (said.code !== 0) problems.push(`${node}: ${said.stdout}${said.stderr}`)
    }
    return problems
  }

  async goOn(): Promise<void> {
    await this.lab.done(['bringin', JOB])
  }
}
