import type { Output } from '../context'
import { table } from '../kit/table'
import { shortDuration } from '../kit/text'
import { UNKNOWN, type ClusterView, type JobNow } from './cluster'
import { print } from './tables'

/** What the witness holds of a job (the mirroring paper's table 4), as one partner has heard it. */
export interface WitnessRow {
  observer: string
  witness: string
  database_name: string
  principal_server_name: string | null
  mirror_server_name: string | null
  safety_level_desc: string
  safety_sequence_number: number | null
  role_sequence_number: number | null
  is_suspended: boolean | null
  is_suspended_sequence_number: number | null
  partner_sync_state_desc: 'SYNCHRONIZED' | 'UNSYNCHRONIZED' | null
  /** mirrorpair's own: whom it lets serve, and the version of the configuration that it votes by. */
  leased_to: string | null
  config_version: number | null
  /** Since the witness said so; null: it has not. */
  ageMs: number | null
}

/**
 * Why a change of the witness is not everybody's yet; null: each node that answers goes by it, and where a job needs a witness it has its vote. A pair
 * without such a job asks its witness nothing.
 */
export function whyNotWitness(cluster: ClusterView | undefined, version: number, address: string | null): string | null {
  const said = [...(cluster?.seen ?? [])].map(([node, { view }]) => {
    if ((view.configVersion ?? 0) < version) return `${node} goes by version ${view.configVersion ?? 0} of the configuration still`
    const heard = Object.values(view.jobs).flatMap(({ quorum }) => (quorum?.witness ? [quorum.witness] : []))
    const waits = Object.values(view.jobs).some(({ mode, quorum }) => mode === 'high-availability' && !quorum?.witness)
    if (address !== null && waits) return `${node} waits for the other node before it asks the witness`
    const word = heard.find((each) => each !== 'CONNECTED')
    return word === undefined ? null : `it is ${word} as ${node} sees it`
  })
  return said.length === 0 ? 'no answer' : (said.find((why) => why !== null) ?? null)
}

/** Nothing for a mode without a witness. */
export function witnessRowsOf({ nodes, seen }: ClusterView, { job, owner }: JobNow): WitnessRow[] {
  const observers = [owner, ...nodes.filter((node) => node !== owner)]
  return observers.flatMap((observer) => {
    const known = seen.get(observer)
    const quorum = known?.view.jobs[job]?.quorum
    const witness = quorum?.witnessAddress ?? null
    if (known === undefined || witness === null) return []
    const holds = quorum?.witnessHolds ?? null
    const ballot = holds?.ballot ?? null
    return [
      {
        observer,
        witness,
        database_name: job,
        principal_server_name: ballot?.owner ?? null,
        mirror_server_name: ballot === null ? null : (nodes.find((node) => node !== ballot.owner) ?? null),
        // A mode with a witness is made of it.
        safety_level_desc: 'FULL',
        safety_sequence_number: ballot?.safetySequence ?? null,
        role_sequence_number: ballot?.roleSequence ?? null,
        is_suspended: ballot === null ? null : !ballot.mirrorInSync,
        is_suspended_sequence_number: ballot?.syncSequence ?? null,
        partner_sync_state_desc: ballot === null ? null : ballot.mirrorInSync ? 'SYNCHRONIZED' : 'UNSYNCHRONIZED',
        // A witness that has lost its memory may have let somebody serve, and does not know whom.
        leased_to: holds?.leasedTo === '' ? UNKNOWN : (holds?.leasedTo ?? null),
        config_version: ballot?.configVersion ?? null,
        ageMs: holds === null ? null : Math.round(holds.ageMs + known.ageMs)
      }
    ]
  })
}

const COLUMNS = [
  'witness',
  'principal_server_name',
  'mirror_server_name',
  'safety_level_desc',
  'safety_sequence_number',
  'role_sequence_number',
  'is_suspended',
  'is_suspended_sequence_number',
  'partner_sync_state_desc',
  'leased_to',
  'config_version',
  'observer'
] as const

export function printWitness(output: Output, rows: WitnessRow[]): void {
  if (rows.length === 0) return
  const columns = [{ title: 'Witness', width: 30 }, ...rows.map(({ database_name: title }) => ({ title, width: 24 }))]
  const lines = COLUMNS.map((name) => [name, ...rows.map((row) => (row[name] === null ? '(none)' : String(row[name])))])
  const age = ({ ageMs }: WitnessRow): string => (ageMs === null ? 'never' : ageMs < 1000 ? `${ageMs}ms` : shortDuration(ageMs))
  print(output, table(columns, [...lines, ['age', ...rows.map(age)]], output.paint.state))
}
