import { A, arbitrationConfig, B, monitorConfig, pairConfig, quorumConfig, waitingConfig } from '../fakes/pairConfig'
import type { Config, JobMode, Safety } from '../../src/model'
import type { MirrorAction, ResourceAction } from '../../src/wire'
import { transcriptLines } from '../fakes/transcript'
import { World } from '../fakes/world'

/** One line of a story → what happens in the simulated world. */
const SENTENCES: [RegExp, (world: World, words: string[]) => void][] = [
  [/^boot (\S+)$/, (world, [name = '']) => world.boot(name)],
  [
    /^both boot$/,
    (world) => {
      for (const name of [A, B]) world.boot(name)
    }
  ],
  [/^all boot$/, (world) => world.bootAll()],
  [/^another witness takes its place$/, (world) => replaceWitness(world)],
  [/^(kill|wipe|boot) the witness$/, (world, [what]) => world.witness?.[what as 'kill' | 'wipe' | 'boot']()],
  [/^pause (\S+) for ([\d.]+)s$/, (world, [name = '', seconds]) => world.pause(name, Number(seconds) * 1000)],
  [/^cut (\S+) from (\S+)$/, (world, [one = '', other = '']) => world.network.cutBoth(one, other)],
  [/^what (\S+) sends to (\S+) is lost$/, (world, [one = '', other = '']) => world.network.cutOneWay(one, other)],
  [/^wait ([\d.]+)s$/, (world, [seconds]) => world.run(Number(seconds) * 1000)],
  [/^(bringin|bringout|switch|takeover) at (\S+)$/, (world, [command = '', name = '']) => void world.command(name, command as 'switch')],
  [
    /^(bringin|bringout|switch|takeover|forcetake) at (\S+), dry run$/,
    (world, [command = '', name = '']) => void world.command(name, command as 'switch', { dryRun: true })
  ],
  [/^mirror (start|stop|pause|resume) at (\S+)$/, (world, [action, name = '']) => void world.command(name, 'mirror', { action: action as MirrorAction })],
  [/^verify start at (\S+)$/, (world, [name = '']) => void world.command(name, 'verify', { action: 'start' })],
  [/^transmit (pause|resume) at (\S+)$/, (world, [action, name = '']) => void world.command(name, 'transmit', { action: action as MirrorAction })],
  [/^safety (full|off) at (\S+)$/, (world, [safety, name = '']) => void world.command(name, 'safety', { safety: safety as Safety })],
  [/^(bringout|forcetake) at (\S+), confirmed$/, (world, [command = '', name = '']) => world.confirmed(name, command as 'forcetake')],
  [
    /^(bringout|forcetake) at (\S+), confirmed after ([\d.]+)s$/,
    (world, [command = '', name = '', s]) => world.confirmed(name, command as 'forcetake', {}, Number(s) * 1000)
  ],
  [/^selectsrc (\S+) at (\S+)$/, (world, [node = '', name = '']) => world.confirmed(name, 'selectsrc', { node })],
  [
    /^selectsrc (\S+) at (\S+), confirmed after ([\d.]+)s$/,
    (world, [node = '', name = '', s]) => world.confirmed(name, 'selectsrc', { node }, Number(s) * 1000)
  ],
  [/^selectsrc (\S+) at (\S+), not confirmed$/, (world, [node = '', name = '']) => void world.command(name, 'selectsrc', { node })],
  [/^the applications write$/, (world) => world.write()],
  [/^the job has safety (full|off)$/, (world, [safety]) => world.changeConfig(({ data }) => ({ data: data && { ...data, safety: safety as Safety } }))],
  [
    /^(\S+) (online|offline|detach) at (\S+)$/,
    (world, [application = '', action, name = '']) => void world.command(name, 'resource', { application, action: action as ResourceAction })
  ],
  [/^detach at (\S+)$/, (world, [name = '']) => void world.command(name, 'detach')],
  [/^detach at (\S+), data stops$/, (world, [name = '']) => void world.command(name, 'detach', { stopData: true })],
  [/^detach at (\S+) for ([\d.]+)s$/, (world, [name = '', s]) => void world.command(name, 'detach', { forMs: Number(s) * 1000 })],
  [/^a folder more is applied at (\S+)$/, (world, [name = '']) => world.agreeOn(name, withFolder)],
  [/^clearerr at (\S+)$/, (world, [name = '']) => void world.command(name, 'clearerr')],
  [/^clearerr of (\S+) at (\S+)$/, (world, [node = '', name = '']) => void world.command(name, 'clearerr', { node })],
  [/^clearerr at (\S+), dry run$/, (world, [name = '']) => void world.command(name, 'clearerr', { dryRun: true })],
  [/^shut down (\S+) in order$/, (world, [name = '']) => world.leave(name)],
  [/^shut down (\S+)$/, (world, [name = '']) => world.shutDown(name)],
  [/^the heartbeats are lost$/, (world) => world.network.loseHeartbeats()],
  [
    /^everything starts again$/,
    (world) => {
      world.fails = () => null
    }
  ],
  [/^the job has no (data|vips|applications)$/, (world, [part = '']) => world.changeConfig(() => ({ [part]: part === 'data' ? null : [] }))],
  [/^(\S+) has another configuration$/, (world, [name = '']) => world.changeConfig(({ applications }) => ({ applications: applications.slice(0, 1) }), [name])],
  [/^(\S+) does not know the job$/, (world, [name = '']) => world.changeConfig(() => null, [name])],
  [
    /^messages of a (\w+) are lost$/,
    (world, [kind]) => {
      world.losesMessage = (sent) => sent === kind
    }
  ],
  [
    /^messages arrive again$/,
    (world) => {
      world.losesMessage = () => false
    }
  ],
  [/^kill (\S+)$/, (world, [name = '']) => world.kill(name)],
  [/^the disk of (\S+) has the (first|second) format$/, (world, [name = '', which]) => world.ageDisk(name, which === 'first' ? 1 : 2)],
  [/^the ballots of the witness are of before$/, (world) => world.witness?.ageDisk()],
  [/^(\S+) restarts its engine$/, (world, [name = '']) => restartEngine(world, name)],
  [/^kill the engine of (\S+)$/, (world, [name = '']) => world.crashEngine(name)],
  [/^start the engine of (\S+)$/, (world, [name = '']) => world.startEngine(name)],
  [/^cut (.+)$/, (world, [links = '']) => world.network.cut(...links.split(', '))],
  [/^(\S+) does not reach the gateway$/, (world, [name = '']) => void world.network.gatewayLost.add(name)],
  [/^(\S+) reaches the gateway again$/, (world, [name = '']) => void world.network.gatewayLost.delete(name)],
  [/^the processors of (\S+) are (busy|idle)$/, (world, [name = '', word]) => void world.cpu.set(name, word === 'busy' ? 90 : 5)],
  [/^the usage of (\S+) cannot be read$/, (world, [name = '']) => void world.cpu.set(name, null)],
  [/^the public cable of (\S+) is pulled$/, (world, [name = '']) => world.network.loseNic(name)],
  [/^one of two public cables of (\S+) is pulled$/, (world, [name = '']) => world.network.loseNic(name, true)],
  [/^heal$/, (world) => world.network.heal()],
  [/^(\S+) dies on (\S+)$/, (world, [application = '', name = '']) => world.applicationDies(name, application)],
  [/^the data program dies on (\S+)$/, (world, [name = '']) => world.dataDies(name)],
  [
    /^(\S+) fails to start on (\S+)$/,
    (world, [application, name]) => {
      world.fails = (node, order) => (node === name && order.do === 'start' && order.application === application ? 'it ended at once' : null)
    }
  ],
  [
    /^the drain fails on (\S+)$/,
    (world, [name]) => {
      world.fails = (node, order) => (node === name && order.do === 'drain' ? 'the target does not keep up' : null)
    }
  ],
  [
    /^answers to a (\w+) are lost$/,
    (world, [kind]) => {
      world.losesAnswer = (sent) => sent === kind
    }
  ],
  [
    /^answers arrive again$/,
    (world) => {
      world.losesAnswer = () => false
    }
  ]
]

function withFolder(config: Config): Config {
  const jobs = Object.entries(config.jobs).map(([name, job]) => {
    const data = job.data && { ...job.data, folders: [{ path: '/srv/more', exclude: [] }, ...job.data.folders] }
    return [name, { ...job, data }] as const
  })
  return { ...config, jobs: Object.fromEntries(jobs) }
}

/** Another machine with the same address: it knows nothing. */
function replaceWitness(world: World): void {
  world.witness?.wipe()
  world.witness?.boot()
}

function restartEngine(world: World, name: string): void {
  world.crashEngine(name)
  world.startEngine(name)
}

/** The first line of a story about three hosts. */
const QUORUM_STORY = /^a pair with a witness, (high-availability|high-protection)$/

/** The first line of a story about a pair that arbitrates. */
const ARBITRATION_STORY = /^a pair that arbitrates(, with a fence agent)?$/

/** The first line of a story about a pair whose monitors look at the processors. */
const MONITOR_STORY = 'a pair that watches its processors'

/** The first line of a story about a pair that does not wait for ever. */
const WAITING_STORY = 'a pair that waits for 30s'

/** The first line of a story in which the configuration is changed. */
const CHANGE_STORY = 'a pair that agrees on changes'

/** Which pair a story is about, if its first line says so; else the guide's. */
function pairOf(line: string): Config | null {
  const mode = QUORUM_STORY.exec(line)?.[1]
  if (mode !== undefined) return quorumConfig(mode as JobMode)
  const arbitration = ARBITRATION_STORY.exec(line)
  if (arbitration !== null) return arbitrationConfig(arbitration[1] !== undefined)
  if (line === WAITING_STORY) return waitingConfig()
  if (line === CHANGE_STORY) return pairConfig()
  return line === MONITOR_STORY ? monitorConfig() : null
}

/** Plays a story; its own lines stand in the transcript, each followed by what it led to. `after` each of them something more may happen. */
export function play(story: string[], after: (world: World, line: string) => void = () => undefined): string[] {
  const lines: string[] = []
  const config = pairOf(story[0] ?? '')
  const world = new World({
    ...(config && { config }),
    agrees: story[0] === CHANGE_STORY,
    observe: (node, event, actions) => lines.push(...transcriptLines(node.name, event, actions))
  })
  for (const line of story) {
    lines.push(`> ${line}`)
    if (pairOf(line) === null) tell(world, line)
    after(world, line)
  }
  lines.push(...ending(world))
  return lines
}

function tell(world: World, line: string): void {
  for (const [pattern, happen] of SENTENCES) {
    const match = pattern.exec(line)
    if (match) return happen(world, match.slice(1))
  }
  throw new Error(`no such sentence in a story: ${line}`)
}

function ending(world: World): string[] {
  return Object.values(world.nodes).map(({ name, state, machine }) => {
    const job = Object.values(state?.jobs ?? {})[0]
    const runs = [...machine.vips, ...machine.applications].join(', ') || 'nothing'
    return `= ${name}: ${job ? `${job.phase}, ${job.record.roleSequence} ${job.record.owner}${job.note ? ` (${job.note})` : ''}` : 'no engine'}; runs ${runs}; data ${machine.data.role}`
  })
}
