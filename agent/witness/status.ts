import type { Output } from '../setup/options'
import { witnessFailure } from './failure'
import type { WitnessJobView } from './jobs'
import { askLocal, type WitnessStatus } from './local'

const HEADING = ['Cluster', 'Job', 'Role Sequence', 'Principal', 'Mirror In Sync', 'Sync Sequence', 'Safety Sequence', 'Config', 'Lease', 'Asked']
const MIB = 1024 * 1024

export async function status(stateDirectory: string, json: boolean, { print }: Output): Promise<number> {
  const answer = await askLocal(stateDirectory, 'status')
  if (answer === null) throw witnessFailure('E_WITNESS_ABSENT', { stateDirectory })
  print(json ? JSON.stringify(answer, null, 2) : statusText(answer))
  return 0
}

/** The columns that the witness keeps, as a table. */
export function statusText({ host, port, connections, memoryBytes, clusters }: WitnessStatus): string {
  const rows = clusters.flatMap(({ name, jobs }) => (jobs.length === 0 ? [[name, '(not asked yet)']] : jobs.map((job) => [name, ...cellsOf(job)])))
  const lines = [HEADING, ...rows]
  const widths = HEADING.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  const table = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
  return [`Witness ${host}, port ${port}: ${connections} connections, ${Math.round(memoryBytes / MIB)} MiB`, ...table].join('\n')
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

function cellsOf({ job, ballot, leasedTo, leaseLeftMs, askedAgoMs }: WitnessJobView): string[] {
  const lease = leasedTo === null || leaseLeftMs === null ? '-' : `${leasedTo || '?'} ${seconds(leaseLeftMs)}`
  const asked = Object.entries(askedAgoMs).map(([node, agoMs]) => `${node} ${seconds(agoMs)} ago`)
  const held = ballot
    ? [ballot.roleSequence, ballot.owner, ballot.mirrorInSync ? 'yes' : 'no', ballot.syncSequence, ballot.safetySequence ?? '-', ballot.configVersion]
    : ['-', '-', '-', '-', '-', '-']
  return [job, ...held.map(String), lease, asked.join(', ') || 'never']
}
