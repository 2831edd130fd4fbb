import fs from 'node:fs'
import { stringify } from 'yaml'
import type { Config } from '../../src/model'
import { parseConfig } from '../../src/model/configFile'
import { planApplication, whoApplication } from './applications'
import { LabError } from './labError'
import type { UpOptions } from './options'
import { ADDRESSES, CABLES, FIRST_DATA_PORT, FIRST_VIP, HEARTBEAT_PORTS, NODES, PREFIXES } from './plan'

/** The pair's mirrorpair.yaml: the user's own, or the lab's, made from the options. */
export function configurationText(options: UpOptions): string {
  if (options.configFile) return fs.readFileSync(options.configFile, 'utf8')
  const heading = '# Made by "lab up": one pair, three links, as in the operation guide.\n'
  return (
    heading +
    stringify({
      cluster: 'mirrorpair-lab',
      nodes: Object.fromEntries(NODES.map((node) => [node, { address: ADDRESSES[node].service }])),
      ...(withWitness(options) ? { witness: { address: ADDRESSES.witness.service } } : {}),
      ...(Object.keys(options.quorum).length > 0 ? { quorum: options.quorum } : {}),
      ...(Object.keys(options.boot).length > 0 ? { boot: options.boot } : {}),
      heartbeat: { interval: options.heartbeat, maxMiss: options.maxMiss },
      links: CABLES.map((cable) => ({
        name: cable,
        heartbeat: HEARTBEAT_PORTS[cable],
        data: cable !== 'service',
        ...Object.fromEntries(NODES.map((node) => [node, ADDRESSES[node][cable]]))
      })),
      jobs: Object.fromEntries(options.jobs.map((job, place) => [job, jobSection(options, job, place)]))
    })
  )
}

function jobSection(options: UpOptions, job: string, place: number) {
  const folder = folderOf(options, job)
  const vip = vipOf(place)
  const plan = planApplication(options.application, folder, vip, place)
  return {
    mode: options.mode ?? 'guide',
    vips: [{ name: `IP-${job}`, address: `${vip}/${PREFIXES.service}`, nicGroup: `Nic-${job}` }],
    applications: options.who ? [...plan.yaml, whoApplication(vip, place)] : plan.yaml,
    data: { folders: [{ path: folder, exclude: plan.exclude }], port: FIRST_DATA_PORT + place, ...options.data }
  }
}

/** The mode that needs one, as the table of the modes says. */
const withWitness = ({ mode }: UpOptions): boolean => mode === 'high-availability'

export function folderOf(options: UpOptions, job: string): string {
  if (options.folder === null) return `/srv/${job}`
  return options.jobs.length === 1 ? options.folder : `${options.folder}/${job}`
}

export function vipOf(place: number): string {
  const start = FIRST_VIP.split('.')
  return [...start.slice(0, 3), Number(start[3]) + place].join('.')
}

/** The lab reads the configuration as the agent does, so that a mistake is told before anything is built. */
export function checkConfiguration(text: string, fileName: string): Config {
  const parsed = parseConfig(text, fileName)
  if ('problems' in parsed) {
    const lines = parsed.problems.map((problem) => `line ${problem.line}: ${problem.message}`)
    throw new LabError(`${fileName} is refused:\n${lines.join('\n')}`, 'correct the file', 2)
  }
  for (const node of NODES) {
    const address = parsed.config.nodes[node]?.address
    if (address !== ADDRESSES[node].service) {
      throw new LabError(
        `${fileName}: node ${node} has the address ${address ?? '(none)'}`,
        `the lab's nodes are ${NODES.map((name) => `${name} at ${ADDRESSES[name].service}`).join(' and ')}`,
        2
      )
    }
  }
  const { witness } = parsed.config
  if (witness && !witness.etcd && witness.address !== ADDRESSES.witness.service) {
    throw new LabError(`${fileName}: the witness has the address ${witness.address}`, `the lab's witness is at ${ADDRESSES.witness.service}`, 2)
  }
  return parsed.config
}
