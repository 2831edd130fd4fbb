import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type AgentDescription, agentName, parseAgentName } from '../../../../src/model'
import type { AgentsPort } from '../../../ports'
import { plainReason } from '../../failure'
import { plainEnvironment } from './environment'
import { readMetadata } from './metadata'
import { agentFile, agentsDirectory, whyNoAgent } from './places'

/** Most need a tenth of a second; some ask the programs that they run for their version. */
const METADATA_TIMEOUT_MS = 5_000
const METADATA_BYTES_MAX = 2 * 1024 * 1024
/** Far more than any package has; the eldest are forgotten. */
const KEPT_MAX = 200

type Name = NonNullable<ReturnType<typeof parseAgentName>>

interface Kept {
  /** Of the file that was asked. */
  stamp: string
  description: AgentDescription
}

/** The resource agents of this machine, and what each says of itself. */
export function createAgentsPort(): AgentsPort {
  const kept = new Map<string, Kept>()
  return {
    list: async () => (await providers()).flat().sort(),
    missing: (agent) => whyNoAgent(agent),
    describe: async (agent) => {
      const file = agentFile(agent)
      const stamp = await stampOf(file)
      const known = kept.get(file)
      if (known !== undefined && known.stamp === stamp) return known.description
      const description = readMetadata(agentName(agent), await askMetadata(agent, file))
      kept.delete(file)
      kept.set(file, { stamp, description })
      for (const [eldest] of [...kept].slice(0, Math.max(0, kept.size - KEPT_MAX))) kept.delete(eldest)
      return description
    }
  }
}

/** A folder each; what begins with a dot is a helper of the others. */
async function providers(): Promise<string[][]> {
  const names = await namesIn(agentsDirectory())
  return await Promise.all(
    names.map(async (provider) => {
      const types = await namesIn(path.join(agentsDirectory(), provider))
      const agents = types.flatMap((type) => parseAgentName(`ocf:${provider}:${type}`) ?? [])
      return agents.filter((agent: Name) => whyNoAgent(agent) === null).map(agentName)
    })
  )
}

const namesIn = (directory: string): Promise<string[]> => fs.promises.readdir(directory).catch(() => [])

async function stampOf(file: string): Promise<string> {
  const { mtimeMs, size, ino } = await fs.promises.stat(file)
  return `${ino} ${size} ${mtimeMs}`
}

function askMetadata(agent: Name, file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: METADATA_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: METADATA_BYTES_MAX, env: plainEnvironment(agent), cwd: '/' } as const
    const child = execFile(file, ['meta-data'], options, (error, stdout) => {
      // Some say what they lack with their exit code, and describe themselves all the same.
      if (error === null || stdout.includes('<resource-agent')) resolve(stdout)
      else
        reject(
          new Error(
            error.killed === true ? `it did not tell its metadata within ${METADATA_TIMEOUT_MS} ms` : `it does not tell its metadata: ${plainReason(error)}`
          )
        )
    })
    child.stdin?.end()
  })
}
