import { AGENT_MESSAGES } from '../../src/report/agent'
import { ReportError } from '../../src/report/report'
import { lockDirectory } from '../adapters/lockDirectory'
import type { Places } from '../ports'

/** Two engines on one state directory would decide against each other. */
export async function lockEngine({ node, stateDirectory }: Places): Promise<void> {
  if (!(await lockDirectory('engine', stateDirectory))) throw runsAlready(node, stateDirectory)
}

function runsAlready(node: string, stateDirectory: string): ReportError {
  const { message, tryThis, exitCode } = AGENT_MESSAGES.E_AGENT_RUNS
  return new ReportError({ code: 'E_AGENT_RUNS', message: message({ node, stateDirectory }), tryThis: tryThis({ node, stateDirectory }), exitCode, node })
}
