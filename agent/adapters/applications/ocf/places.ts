import fs from 'node:fs'
import path from 'node:path'
import { agentName, type AgentConfig } from '../../../../src/model'

const DEFAULT_ROOT = '/usr/lib/ocf'
/** Where agents keep what is true until the next boot; Debian's package makes it at each boot. */
const DEFAULT_STATE_DIRECTORY = '/run/resource-agents'
const STATE_DIRECTORY_MODE = 0o1755

export const ocfRoot = (): string => process.env.OCF_ROOT ?? DEFAULT_ROOT

export const agentsDirectory = (): string => path.join(ocfRoot(), 'resource.d')

export const agentFile = ({ provider, type }: Pick<AgentConfig, 'provider' | 'type'>): string => path.join(agentsDirectory(), provider, type)

/** null: it is there and can be executed; else why not. */
export function whyNoAgent(agent: Pick<AgentConfig, 'provider' | 'type'>): string | null {
  const file = agentFile(agent)
  try {
    if (!fs.statSync(file).isFile()) return `${file} is no file`
    fs.accessSync(file, fs.constants.X_OK)
    return null
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return missing ? `there is no agent ${agentName(agent)} (${file})` : `${file} cannot be executed`
  }
}

/** Made where nobody has made it yet. Agents that run under another account look into it. */
export function stateDirectory(runDirectory: string): string {
  const directory = process.env.HA_RSCTMP ?? (process.geteuid?.() === 0 ? DEFAULT_STATE_DIRECTORY : path.join(runDirectory, 'resource-agents'))
  if (!fs.existsSync(directory)) {
    fs.mkdirSync(directory, { recursive: true })
    fs.chmodSync(directory, STATE_DIRECTORY_MODE)
  }
  return directory
}
