import path from 'node:path'
import { LabError } from './labError'
import { inside } from './host'
import type { LabPlaces } from './places'
import { NODES } from './plan'
import { labProgram, postgresPrograms } from './programs'
import { run } from './run'

export const FIRST_POSTGRES_PORT = 5432
export const FIRST_KV_PORT = 7400
/** Beyond those of the services of several jobs. */
export const FIRST_WHO_PORT = 7450

/** One application of a job, in the words of mirrorpair.yaml, and what the pair must leave alone in the folder. */
export interface ApplicationPlan {
  yaml: Record<string, unknown>[]
  exclude: string[]
  /** For people: how a client reaches it. */
  reachedBy: string | null
}

const quoted = (words: string[]) => words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')

/** `none`, `postgres`, `pgsql` (the same by its OCF agent), `kv`, `records`, or a command line that stays in the foreground. `place`: the job's number in the file. */
export function planApplication(kind: string, folder: string, vip: string, place: number): ApplicationPlan {
  if (kind === 'none') return { yaml: [], exclude: [], reachedBy: null }
  if (kind === 'postgres') return postgres(folder, vip, FIRST_POSTGRES_PORT + place)
  if (kind === 'pgsql') return pgsql(folder, vip, FIRST_POSTGRES_PORT + place)
  if (kind === 'kv' || kind === 'records') return ofTheLab(kind, folder, vip, FIRST_KV_PORT + place)
  const environment = { FOLDER: folder, VIP: vip }
  return { yaml: [{ name: 'SERVICE', process: { start: kind, workingDirectory: '/', environment } }], exclude: [], reachedBy: null }
}

function postgres(folder: string, vip: string, port: number): ApplicationPlan {
  const bin = requirePostgres()
  const process = {
    start: `${bin}/postgres -D ${folder} -p ${port}`,
    stop: `${bin}/pg_ctl stop -D ${folder} -m fast -t 60`,
    check: `${bin}/pg_isready -q -h 127.0.0.1 -p ${port}`,
    user: 'postgres',
    workingDirectory: '/'
  }
  const yaml = { name: 'POSTGRES', process, startTimeout: '60s', stopTimeout: '60s', checkInterval: '2s', checkTimeout: '5s' }
  return { yaml: [yaml], exclude: ['postmaster.pid'], reachedBy: `psql -h ${vip} -p ${port} -U postgres` }
}

/** PostgreSQL as `ocf:heartbeat:pgsql` runs it. */
function pgsql(folder: string, vip: string, port: number): ApplicationPlan {
  const bin = requirePostgres()
  const parameters = { pgctl: `${bin}/pg_ctl`, psql: `${bin}/psql`, pgdata: folder, pgport: port, pgdba: 'postgres', socketdir: '/run/postgresql' }
  const yaml = { name: 'POSTGRES', agent: 'ocf:heartbeat:pgsql', parameters, startTimeout: '60s', stopTimeout: '60s', checkInterval: '2s', checkTimeout: '10s' }
  return { yaml: [yaml], exclude: ['postmaster.pid'], reachedBy: `psql -h ${vip} -p ${port} -U postgres` }
}

/** One question and its answer, as `--ask` has them. By bash: a Node started every few seconds was a sixth of what a pair at rest took of the processor. */
const ASKED = 'exec 3<>"/dev/tcp/127.0.0.1/$1" && echo "$2" >&3 && read -r -t "$3" answer <&3 && echo "$answer" && [[ $answer != ERROR* ]]'
/** As long as the programs' own clients wait. */
const ASKED_SECONDS = { kv: 5, records: 20 }

function ofTheLab(kind: 'kv' | 'records', folder: string, vip: string, port: number): ApplicationPlan {
  const words = [...labProgram(kind), '--listen', `0.0.0.0:${port}`, '--folder', folder]
  const question = kind === 'kv' ? 'COUNT' : 'FOUND'
  const check = ['bash', '-c', ASKED, 'ask', String(port), question, String(ASKED_SECONDS[kind])]
  return {
    yaml: [{ name: kind.toUpperCase(), process: { start: quoted(words), check: quoted(check), workingDirectory: '/' }, checkInterval: '5s' }],
    exclude: [],
    reachedBy: `${path.basename(process.execPath)} dist/${kind}.cjs --ask ${vip}:${port} ${question}`
  }
}

/** For whoever wants to know which node serves. */
export function whoApplication(vip: string, place: number): Record<string, unknown> {
  return { name: 'WHO', process: { start: quoted([...labProgram('who'), '--listen', `${vip}:${FIRST_WHO_PORT + place}`]), workingDirectory: '/' } }
}

function requirePostgres(): string {
  const bin = postgresPrograms()
  if (!bin) throw new LabError('PostgreSQL is not installed', 'apt-get install postgresql, or --application kv')
  return bin
}

const PG_HBA = [
  'local all all trust',
  ...['127.0.0.0/8', '192.168.0.0/16', '22.22.150.0/24', '11.11.150.0/24'].map((network) => `host all all ${network} trust`)
]
const PG_SETTINGS = ["listen_addresses = '*'", "unix_socket_directories = '/run/postgresql'", 'max_connections = 100', 'logging_collector = off']

/** A fresh database in the first node's folder; the other node gets it by the mirror. */
export function prepareApplication(places: LabPlaces, kind: string, folder: string): void {
  if (kind !== 'postgres' && kind !== 'pgsql') return
  for (const node of NODES) run(inside(places, node, ['chown', 'postgres:postgres', folder]))
  const asPostgres = (command: string[]) => inside(places, NODES[0], ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...command])
  run(inside(places, NODES[0], ['chmod', '700', folder]))
  run(asPostgres([`${requirePostgres()}/initdb`, '-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N', '-k']))
  run(asPostgres(['tee', '-a', `${folder}/postgresql.conf`]), { input: `${PG_SETTINGS.join('\n')}\n` })
  run(asPostgres(['tee', `${folder}/pg_hba.conf`]), { input: `${PG_HBA.join('\n')}\n` })
  run(inside(places, NODES[0], ['sync', '-f', folder]))
}
