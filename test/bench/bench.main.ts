import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { comparison } from './comparison'
import { bareDisk, bindfs, type Contender, folderIn, mirrorpair, withSafetyFull } from './contenders'
import { type Pair, takeDown } from './deaths'
import { failoverPairs } from './failover'
import { type CopyKind, firstCopy } from './firstCopy'
import { makeDatabase, pgbench, postgresPrograms } from './postgres'

const ROUNDS = 3
/** Of a takeover, which takes now a little more, now a little less. */
const FAILOVER_ROUNDS = 5
const ROW_NAMES = ['durable', 'random', 'sequential', 'create', 'full', 'pgbench', 'copy', 'verify', 'difference', 'failover']
const HELP = `Ours beside the bare disk and the rivals that are installed, interleaved in the same rounds: medians, as ratios to the first of a row.

  npm run bench -- [ROUNDS [ROW...]]      rows: ${ROW_NAMES.join(', ')}

Without ROUNDS: ${ROUNDS}, of failover ${FAILOVER_ROUNDS}. Read the ratios: the machine's own figures mean little. BENCH_FOLDER is where it works; it takes some GiB there. All rows take about 40 minutes.
A node's death is measured beside keepalived, and corosync with pacemaker, where they are installed.
`
const LOAD_SECONDS = 3
/** No new round of a part begins after this: the medians are then of fewer rounds, and the run says so. */
const ROUNDS_END_MS = 5 * 60 * 1000
/** As the shell counts it. */
const SIGNALLED = 128
/** The takeovers come last; this is counted from their own beginning. */
const FAILOVERS_MS = 10 * 60 * 1000

interface Row {
  title: string
  unit: string
  /** Ratio over 1 is better, or worse. */
  better: 'higher' | 'lower'
  figures: Map<string, number[]>
  /** What else is to be known of who takes part. */
  remarks?: Map<string, string>
}

const LOADS: { kind: string; title: string; unit: string; better: Row['better'] }[] = [
  { kind: 'durable', title: '8 KiB write + fdatasync', unit: 'ms', better: 'lower' },
  { kind: 'random', title: '4 KiB random writes', unit: 'writes/s', better: 'higher' },
  { kind: 'sequential', title: '1 MiB sequential writes', unit: 'MB/s', better: 'higher' },
  { kind: 'create', title: '20,000 files created', unit: 's', better: 'lower' }
]
const NAME_CHARACTERS = 26
const COPIES: CopyKind[] = ['1 GiB in 4 files', '20,000 files of 4 KiB']

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

function note(row: Row, name: string, figure: number): void {
  row.figures.set(name, [...(row.figures.get(name) ?? []), figure])
  console.error(`  ${row.title}: ${name} ${figure.toFixed(2)} ${row.unit}`)
}

function print(row: Row): void {
  console.log(`\n${row.title} (${row.unit}, ${row.better} is better)`)
  const first = median([...row.figures.values()][0] ?? [])
  const width = Math.max(NAME_CHARACTERS, ...[...row.figures.keys()].map((name) => name.length + 1))
  for (const [name, values] of row.figures) {
    const remark = row.remarks?.get(name)
    const figures = `${median(values).toFixed(2).padStart(12)}${`x ${(median(values) / first).toFixed(2)}`.padStart(10)}`
    console.log(`  ${name.padEnd(width)}${figures}${remark === undefined ? '' : `  ${remark}`}`)
  }
}

/** The first round is always run. */
function inTime(round: number, rounds: number, part: string, endMs = ROUNDS_END_MS): boolean {
  if (round >= rounds) return false
  if (round === 0 || performance.now() < endMs) return true
  console.log(`${part}: only ${round} of ${rounds} rounds, the machine is slow`)
  return false
}

async function runLoad(kind: string, contender: Contender): Promise<number> {
  await contender.begin?.()
  try {
    const load = [path.join(__dirname, 'load.cjs'), kind, contender.folder, String(LOAD_SECONDS)]
    return JSON.parse(execFileSync(process.execPath, load, { encoding: 'utf8' })) as number
  } finally {
    await contender.rest?.()
  }
}

/** Safety FULL changes what a flush costs, and nothing else. */
const takesPart = (contender: Contender, kind: string): boolean => contender.begin === undefined || kind === 'durable'

async function loads(contenders: Contender[], rounds: number, wanted: (title: string) => boolean): Promise<Row[]> {
  const rows = LOADS.filter((load) => wanted(load.kind) || (load.kind === 'durable' && wanted('full'))).map((load) => ({
    ...load,
    figures: new Map<string, number[]>()
  }))
  for (let round = 0; inTime(round, rounds, 'loads'); round += 1)
    for (const row of rows)
      for (const contender of contenders) if (takesPart(contender, row.kind)) note(row, contender.name, await runLoad(row.kind, contender))
  return rows
}

async function database(contenders: Contender[], rounds: number, root: string): Promise<Row[]> {
  const programs = postgresPrograms()
  if (!programs) return []
  const row: Row = { title: 'pgbench -c 4, scale 10', unit: 'tps', better: 'higher', figures: new Map() }
  const sockets = folderIn(root, 'sockets')
  for (const contender of contenders) {
    console.error(`  ${row.title}: making the database of ${contender.name}`)
    makeDatabase(programs, contender)
  }
  for (let round = 0; inTime(round, rounds, row.title); round += 1)
    for (const contender of contenders) {
      await contender.begin?.()
      note(row, contender.name, await pgbench(programs, contender, sockets, round === 0))
      await contender.rest?.()
    }
  return [row]
}

async function copies(root: string, rounds: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const kind of COPIES) {
    const row: Row = { title: `first copy, ${kind}`, unit: 's', better: 'lower', figures: new Map() }
    for (let round = 0; inTime(round, rounds, row.title); round += 1) {
      for (const [name, figure] of Object.entries(await firstCopy(root, kind, round))) note(row, name, figure)
    }
    rows.push(row)
  }
  return rows
}

async function comparisons(root: string, rounds: number): Promise<Row[]> {
  const verify: Row = { title: 'compared, 1 GiB in 4 files', unit: 'MiB/s', better: 'higher', figures: new Map() }
  const difference: Row = { title: 'equal again after a crash, 1 GiB, 200 places changed', unit: 's', better: 'lower', figures: new Map() }
  for (let round = 0; inTime(round, rounds, verify.title); round += 1) {
    const figures = await comparison(root, round)
    for (const [name, figure] of Object.entries(figures.verify)) note(verify, name, figure)
    for (const [name, figure] of Object.entries(figures.difference)) note(difference, name, figure)
  }
  return [verify, difference]
}

/** A node dies: until somebody answers at the address again. */
async function failovers(root: string, rounds: number): Promise<Row[]> {
  const row: Row = { title: 'a node dies, 100 ms × 3', unit: 's', better: 'lower', figures: new Map(), remarks: new Map() }
  const pairs = await failoverPairs(root)
  const endMs = performance.now() + FAILOVERS_MS
  for (let round = 0; inTime(round, rounds, row.title, endMs); round += 1) for (const pair of pairs) await noteDeath(row, pair)
  for (const pair of pairs) await pair.end()
  for (const { name, times } of pairs) row.remarks?.set(name, `${row.figures.get(name)?.length ?? 0} rounds; ${times}`)
  return [row]
}

/** On a busy machine a pair may think that a node is dead which is not: this round then has no figure, the others count. */
async function noteDeath(row: Row, { name, death }: Pair): Promise<void> {
  try {
    note(row, name, await death())
  } catch (error) {
    console.log(`${row.title}: ${name}: a round without a figure: ${(error as Error).message}`)
  }
}

/** null: it was told what may be asked. */
function asked(words: string[]): { rounds: number; failoverRounds: number; rowNames: string[] } | null {
  const [rounds = String(ROUNDS), ...rowNames] = words
  if (/^[1-9]\d*$/.test(rounds) && rowNames.every((name) => ROW_NAMES.includes(name)))
    return { rounds: Number(rounds), failoverRounds: Number(words[0] ?? FAILOVER_ROUNDS), rowNames }
  process.stdout.write(HELP)
  if (rounds !== '--help') process.exitCode = 2
  return null
}

async function main(): Promise<void> {
  const wishes = asked(process.argv.slice(2))
  if (wishes === null) return
  const { rounds, failoverRounds, rowNames } = wishes
  if (process.getuid?.() !== 0) {
    console.log('The bench mounts FUSE and runs PostgreSQL: run it as root (sudo npm run bench).')
    process.exitCode = 1
    return
  }
  const wanted = (name: string) => rowNames.length === 0 || rowNames.includes(name)
  const root = fs.mkdtempSync(path.join(process.env.BENCH_FOLDER ?? '/var/tmp', 'mirrorpair-bench-'))
  fs.chmodSync(root, 0o755)
  cleanAtExit(root)
  console.log(`${os.cpus().length} cores, ${os.release()}, Node ${process.version}, ${rounds} rounds, on ${root}`)
  const ours = await mirrorpair(root)
  const contenders = [bareDisk(root), bindfs(root), ours, ...(wanted('full') ? [withSafetyFull(ours)] : [])].filter((contender) => contender !== null)
  const rows: Row[] = []
  try {
    rows.push(...(await loads(contenders, rounds, wanted)))
    if (wanted('pgbench')) rows.push(...(await database(contenders, rounds, root)))
  } finally {
    for (const contender of contenders) await contender.end()
  }
  if (wanted('copy')) rows.push(...(await copies(root, rounds)))
  if (wanted('verify') || wanted('difference')) rows.push(...(await comparisons(root, rounds)))
  if (wanted('failover')) rows.push(...(await failovers(root, failoverRounds)))
  rows.forEach(print)
}

/** However it ends, by an error or by a signal. What is still mounted below the folder stays: only who made it knows how it ends. */
function cleanAtExit(root: string): void {
  process.on('exit', () => {
    takeDown()
    if (!fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(root)) fs.rmSync(root, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(SIGNALLED + os.constants.signals[signal]))
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
