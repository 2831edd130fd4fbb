import type { Output } from '../context'
import { table } from '../kit/table'
import { shortDuration } from '../kit/text'
import { aged, UNKNOWN, type ClusterView, type JobNow, type Seen } from './cluster'
import { safetyWord } from './session'
import { print } from './tables'

/** One partner's row of the mirroring paper's catalogue view (its table 3), with who saw it and how long ago. */
export interface Partner {
  node: string
  job: string
  mirroring_role_desc: 'PRINCIPAL' | 'MIRROR' | 'NONE' | typeof UNKNOWN
  mirroring_safety_level_desc: string
  mirroring_state_desc: string
  mirroring_safety_sequence: number | null
  mirroring_role_sequence: number | null
  mirroring_partner_instance: string
  mirroring_witness_name: string | null
  mirroring_witness_state_desc: string | null
  mirroring_failover_lsn: number | null
  /** The node that this was asked of; the partner itself when it answers. */
  observer: string | null
  ageMs: number | null
  old: boolean
}

const ROLES = { source: 'PRINCIPAL', target: 'MIRROR', none: 'NONE' } as const

/** Both sides, the owner first: each says for itself what it is. */
export function partnersOf(cluster: ClusterView, now: JobNow): Partner[] {
  const nodes = [now.owner, ...cluster.nodes.filter((node) => node !== now.owner)]
  return nodes.map((node) => partnerOf(node, nodes.find((other) => other !== node) ?? UNKNOWN, now.job, cluster.seen.get(node)))
}

function partnerOf(node: string, partner: string, job: string, seen: Seen | undefined): Partner {
  const view = seen?.view.jobs[job]
  const data = view?.data ?? null
  return {
    node,
    job,
    mirroring_role_desc: data === null ? UNKNOWN : ROLES[data.role],
    mirroring_safety_level_desc: data === null ? UNKNOWN : safetyWord(data.session),
    mirroring_state_desc: data === null ? UNKNOWN : (data.session.state ?? 'NONE'),
    mirroring_safety_sequence: data?.session.safetySequence ?? null,
    mirroring_role_sequence: view?.record.roleSequence ?? null,
    mirroring_partner_instance: partner,
    mirroring_witness_name: view?.quorum?.witnessAddress ?? null,
    mirroring_witness_state_desc: view?.quorum?.witness ?? null,
    mirroring_failover_lsn: data?.session.failoverLsn ?? null,
    observer: seen?.through ?? null,
    ageMs: seen === undefined ? null : Math.round(seen.ageMs),
    old: seen?.old ?? true
  }
}

const COLUMNS = [
  'mirroring_role_desc',
  'mirroring_safety_level_desc',
  'mirroring_state_desc',
  'mirroring_safety_sequence',
  'mirroring_role_sequence',
  'mirroring_partner_instance',
  'mirroring_witness_name',
  'mirroring_witness_state_desc',
  'mirroring_failover_lsn'
] as const

const NONE = '(none)'

/** Column by column as the paper prints it: the names on the left, a side in each column. */
export function printPartners(output: Output, partners: Partner[]): void {
  const columns = [{ title: 'Job', width: 30 }, ...partners.map(({ job }) => ({ title: job, width: 24 }))]
  const rows = COLUMNS.map((name) => [name, ...partners.map((partner) => wordOf(name, partner))])
  print(
    output,
    table(
      columns,
      [
        ['node', ...partners.map(({ node }) => node)],
        ...rows,
        ['observer', ...partners.map(({ observer }) => observer ?? UNKNOWN)],
        ['age', ...partners.map(({ ageMs }) => (ageMs === null ? UNKNOWN : ageMs < 1000 ? `${ageMs}ms` : shortDuration(ageMs)))]
      ],
      output.paint.state
    )
  )
}

function wordOf(name: (typeof COLUMNS)[number], partner: Partner): string {
  const value = partner[name]
  if (value === null) return name.startsWith('mirroring_witness') ? NONE : UNKNOWN
  const states = name === 'mirroring_role_desc' || name === 'mirroring_state_desc' || name === 'mirroring_witness_state_desc'
  return states ? aged(String(value), { old: partner.old, ageMs: partner.ageMs ?? 0 }) : String(value)
}
