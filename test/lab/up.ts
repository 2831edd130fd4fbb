import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import type { Config } from '../../src/model'
import { prepareApplication, planApplication } from './applications'
import { checkConfiguration, configurationText } from './configuration'
import { down } from './down'
import { lastWords, runningEngine, startEngine } from './engines'
import { boot, hostsFile } from './host'
import { LabError } from './labError'
import { buildWires } from './network'
import { askAgents, isReady, isStatus } from './observe'
import type { UpOptions } from './options'
import { type LabPlaces, labPlaces } from './places'
import { ACCOUNT, ADDRESSES, type AgentHost, CABLES, HOSTS, type Node, NODES } from './plan'
import { program, requireMachine } from './programs'
import { pauseMs, run } from './run'
import { openSessions } from './shell'
import { type LabState, readState, writeState } from './state'
import { makeDisk } from './storage'

const READY_TIMEOUT_MS = 300_000
const READY_POLL_MS = 150
const PASSWORD_BYTES = 9
/** The smallest that xfs takes; its file is sparse. */
const WITNESS_DISK_BYTES = 320 * 1024 ** 2

/** Builds the lab and returns when the pair is ready. What was made is taken away again if it cannot be completed. */
export function up(options: UpOptions): void {
  requireMachine(options.fileSystem)
  const places = labPlaces(options.name)
  if (fs.existsSync(places.directory)) {
    const made = readState(places)?.ready ? 'is up already' : 'was left half made'
    throw new LabError(`the lab ${options.name} ${made}`, `lab down --name ${options.name}, or another --name`)
  }
  const text = configurationText(options)
  const config = checkConfiguration(text, options.configFile ?? 'the configuration made from these options')
  try {
    const state = build(places, options, text, config)
    for (const host of agentsOf(state)) startEngine(places, state, host)
    if (options.wait && !state.agentCommand) waitForPair(places, state)
    writeState(places, { ...state, ready: true })
    if (options.wait && !state.agentCommand) openSessions(places, state)
    process.stdout.write(announcement(places, state))
  } catch (error) {
    takeAway(options.name)
    throw error
  }
}

/** What goes wrong here must not hide why it is taken away. */
function takeAway(name: string): void {
  try {
    down(name)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry: lab down --name ${name}\n`)
  }
}

function build(places: LabPlaces, options: UpOptions, text: string, config: Config): LabState {
  makeDirectories(places, text)
  if (!options.agentCommand) run([...program('agent'), 'init', '--all', '--out', places.certificates, '--config', places.configFile])
  else for (const host of [...NODES, 'witness']) fs.mkdirSync(`${places.certificates}/${host}`, { recursive: true })
  const state = firstState(options, config)
  writeState(places, state)
  for (const host of agentsOf(state))
    state.disks[host] = makeDisk(places, host, options.fileSystem, host === 'witness' ? WITNESS_DISK_BYTES : options.diskBytes)
  writeState(places, state)
  buildWires(places)
  for (const host of HOSTS) {
    boot(places, state, host)
    state.power[host] = 'on'
  }
  if (!options.configFile) for (const job of state.jobs) prepareApplication(places, options.application, job.folders[0] ?? '')
  return state
}

/** The namespaces' files lie below a private mount of their own: only there a mount namespace can be kept by a file. */
function makeDirectories(places: LabPlaces, text: string): void {
  fs.mkdirSync(places.directory, { recursive: true, mode: 0o711 })
  fs.mkdirSync(places.namespaces, { mode: 0o700 })
  run(['mount', '--bind', places.namespaces, places.namespaces])
  run(['mount', '--make-private', places.namespaces])
  fs.mkdirSync(places.shellHome, { mode: 0o700 })
  fs.mkdirSync(places.cgroup, { recursive: true })
  fs.writeFileSync(places.configFile, text)
  fs.writeFileSync(places.passwordFile, randomBytes(PASSWORD_BYTES).toString('base64url'), { mode: 0o600 })
  fs.writeFileSync(`${places.directory}/hosts`, hostsFile())
}

function firstState(options: UpOptions, config: Config): LabState {
  const jobs = Object.values(config.jobs).map((job) => ({
    name: job.name,
    folders: job.data?.folders.map((folder) => folder.path) ?? [],
    vips: job.vips.map(({ address, prefix }) => ({ address, prefix }))
  }))
  const off = Object.fromEntries(HOSTS.map((host) => [host, 'off'])) as LabState['power']
  const { name, fileSystem, application, agentCommand } = options
  return {
    formatVersion: 1,
    name,
    ready: false,
    fileSystem,
    disks: {} as Record<Node, string>,
    jobs,
    application,
    apiPort: config.api.port,
    witnessPort: config.witness && !config.witness.etcd ? config.witness.port : null,
    cuts: [],
    lost: [],
    power: off,
    agentCommand
  }
}

/** The hosts that run a program of ours. */
export const agentsOf = ({ witnessPort }: LabState): AgentHost[] => [...NODES, ...(witnessPort === null ? [] : (['witness'] as const))]

export function waitForPair(places: LabPlaces, state: LabState): void {
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    for (const node of agentsOf(state)) {
      if (!runningEngine(places, node)) throw new LabError(`the agent of ${node} has ended:\n${lastWords(places, node)}`, 'the last lines of its log are above')
    }
    const answers = askAgents(places, state)
    if (isReady(state, answers)) return
    if (performance.now() > deadline) throw notReady(places, state, answers)
    pauseMs(READY_POLL_MS)
  }
}

function notReady(places: LabPlaces, state: LabState, answers: ReturnType<typeof askAgents>): LabError {
  const seen = NODES.map((node) => {
    const answer = answers[node]
    if (!isStatus(answer)) return `${node}: ${answer?.error?.message ?? 'no answer'}`
    return `${node}: peer ${answer.peerAlive}, ${answer.self.links.map((link) => `${link.name} ${link.state}`).join(', ')}`
  })
  const logs = agentsOf(state).map((host) => `--- ${host}\n${lastWords(places, host)}`)
  return new LabError(
    `the pair is not ready after ${READY_TIMEOUT_MS / 1000} s (${seen.join('; ')}):\n${logs.join('\n')}`,
    'the last lines of the logs are above'
  )
}

const lab = (state: LabState, words: string) => `npm run --silent lab -- ${words}${state.name === 'lab' ? '' : ` --name ${state.name}`}`

export function announcement(places: LabPlaces, state: LabState): string {
  const cables = NODES.map((node) => `${node}      ${CABLES.map((cable) => ADDRESSES[node][cable]).join('  ')}`)
  const jobs = state.jobs.flatMap((job, place) => {
    const reached = planApplication(state.application, job.folders[0] ?? '', job.vips[0]?.address ?? '', place).reachedBy
    const vips = job.vips.map((vip) => `${vip.address}/${vip.prefix}`).join(' ')
    return [`job          ${job.name}`, `VIP          ${vips}`, `folder       ${job.folders.join(' ')}`, ...(reached ? [`service      ${reached}`] : [])]
  })
  return [
    `The lab ${state.name} is up.`,
    ...cables,
    `client       ${ADDRESSES.client.service}`,
    ...(state.witnessPort === null ? [] : [`witness      ${ADDRESSES.witness.service}:${state.witnessPort}`]),
    ...jobs,
    `login        ${ACCOUNT}, password in ${places.passwordFile}`,
    `shell        ${lab(state, 'cui').replace(/cui(.*)$/, (_all, name: string) => (name ? `cui${name}` : 'cui'))}`,
    ''
  ].join('\n')
}
