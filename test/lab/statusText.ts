import { type describe, isStatus } from './observe'

/** The lab's state for people. */
export function printStatus(lab: ReturnType<typeof describe>): string {
  const lines = [`lab ${lab.name}${lab.ready ? '' : ' (half made)'}`]
  for (const [host, { power, addresses }] of Object.entries(lab.hosts)) lines.push(`${host.padEnd(9)} ${power.padEnd(7)} ${addresses.join('  ')}`)
  for (const [node, { engine, agent, log }] of Object.entries(lab.nodes)) {
    lines.push(`${node.padEnd(9)} engine ${engine === null ? 'not running' : `process ${engine}`}, log ${log}`)
    if (agent === null) continue
    if (!isStatus(agent)) {
      lines.push(`          ${agent.error.message}`)
      continue
    }
    for (const [job, view] of Object.entries(agent.self.jobs)) lines.push(`          ${job}: ${view.state}, owner ${view.record.owner}`)
    lines.push(...agent.problems.map((problem) => `          ${problem}`))
  }
  if (lab.witness) lines.push(`witness   ${lab.witness.engine === null ? 'not running' : `process ${lab.witness.engine}`}, log ${lab.witness.log}`)
  lines.push(`cut       ${lab.cuts.join(' ') || 'nothing'}`)
  return lines.join('\n')
}
