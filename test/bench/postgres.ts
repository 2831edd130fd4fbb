import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import type { Contender } from './contenders'

const SCALE = 10
const CLIENTS = 4
const RUN_SECONDS = 10
const START_TIMEOUT_MS = 20_000

/** Where Debian keeps PostgreSQL's programs; null: not installed. */
export function postgresPrograms(): string | null {
  const base = '/usr/lib/postgresql'
  const version = fs.existsSync(base)
    ? fs
        .readdirSync(base)
        .sort((a, b) => Number(b) - Number(a))
        .find((name) => fs.existsSync(path.join(base, name, 'bin', 'initdb')))
    : null
  return version ? path.join(base, version, 'bin') : null
}

const asPostgres = (file: string, args: string[]) =>
  execFileSync('setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', file, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** A database in the contender's folder, made once. */
export function makeDatabase(programs: string, contender: Contender): void {
  const data = path.join(contender.folder, 'pg')
  fs.mkdirSync(data)
  execFileSync('chown', ['postgres:postgres', data])
  asPostgres(path.join(programs, 'initdb'), ['-D', data, '--no-instructions', '-A', 'trust'])
}

/** Transactions a second. The database is started for this run alone, so that the contenders do not disturb each other. */
export async function pgbench(programs: string, contender: Contender, sockets: string, fill: boolean): Promise<number> {
  const data = path.join(contender.folder, 'pg')
  const server = spawn(
    'setpriv',
    ['--reuid=postgres', '--regid=postgres', '--init-groups', path.join(programs, 'postgres'), '-D', data, '-k', sockets, '-c', 'listen_addresses='],
    { stdio: 'ignore' }
  )
  const gone = new Promise((resolve) => server.once('exit', resolve))
  try {
    await ready(programs, sockets)
    const client = (...args: string[]) => asPostgres(path.join(programs, 'pgbench'), ['-h', sockets, ...args, 'postgres'])
    if (fill) client('-i', '-q', '-s', String(SCALE))
    const out = client('-c', String(CLIENTS), '-j', '2', '-T', String(RUN_SECONDS))
    return Number(/tps = ([\d.]+)/.exec(out)?.[1])
  } finally {
    server.kill('SIGINT')
    await gone
  }
}

async function ready(programs: string, sockets: string): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; ) {
    try {
      asPostgres(path.join(programs, 'pg_isready'), ['-q', '-h', sockets])
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
