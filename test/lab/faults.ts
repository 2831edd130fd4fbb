import { freezeCgroup } from './cgroup'
import { killEngine, runningEngine, startEngine } from './engines'
import { boot, die, inside, requireAgent } from './host'
import { LabError } from './labError'
import { lose, parseCut, parseLost, setCable } from './network'
import { cgroupOf, type LabPlaces } from './places'
import { type AgentHost, type Host, isAgentHost, isCable, isHost, NODES } from './plan'
import { program } from './programs'
import { attempt } from './run'
import { type LabState, type Lost, writeState } from './state'

const same = (a: { host: Host; cable: string }) => (b: { host: Host; cable: string }) => a.host === b.host && a.cable === b.cable

const sameWay = (a: Lost) => (b: Lost) => a.from === b.from && a.to === b.to && a.cable === b.cable

/** Pulls a cable, at both nodes or at one; or what one host sends to another is lost. */
export function cut(places: LabPlaces, state: LabState, name: string): string {
  for (const way of parseLost(name) ?? []) {
    if (state.power[way.from] !== 'off') lose(places, way, true)
    if (!state.lost.some(sameWay(way))) state.lost.push(way)
  }
  for (const end of cutEnds(name)) {
    if (state.power[end.host] !== 'off') setCable(places, end.host, end.cable, false)
    if (!state.cuts.some(same(end))) state.cuts.push(end)
  }
  writeState(places, state)
  return `${name} is cut.`
}

export function heal(places: LabPlaces, state: LabState, name: string): string {
  for (const way of name === 'all' ? [...state.lost] : (parseLost(name) ?? [])) {
    if (state.power[way.from] !== 'off' && state.lost.some(sameWay(way))) lose(places, way, false)
    state.lost = state.lost.filter((other) => !sameWay(way)(other))
  }
  for (const end of name === 'all' ? [...state.cuts] : cutEnds(name)) {
    if (state.power[end.host] !== 'off') setCable(places, end.host, end.cable, true)
    state.cuts = state.cuts.filter((other) => !same(end)(other))
  }
  writeState(places, state)
  return `${name} is healed.`
}

const cutEnds = (name: string) => (parseLost(name) === null ? parseCut(name, NODES, isCable) : [])

export function kill(places: LabPlaces, state: LabState, host: string | undefined, options: { engine: boolean }): string {
  if (options.engine) return killOnlyEngine(places, requireAgent(state, host))
  return end(places, state, requireSwitched(host), { losingUnflushed: false }, 'is dead')
}

function killOnlyEngine(places: LabPlaces, node: AgentHost): string {
  if (killEngine(places, node)) return `The engine of ${node} is dead; everything else of the node goes on.`
  throw new LabError(`the engine of ${node} does not run`, `lab start ${node}`)
}

/** As an operating system does it: the node's jobs are handed over in order, then its programs are told to end, then it is off. */
export function shutdown(places: LabPlaces, state: LabState, host: string | undefined): string {
  const node = requireAgent(state, host)
  if (state.power[node] !== 'on') throw new LabError(`${node} is ${state.power[node]}`, `lab start ${node}`)
  const left = node === 'witness' ? null : attempt(inside(places, node, [...program('agent'), 'leave']))
  if (left !== null && left.status !== 0) process.stderr.write(left.stderr)
  return `${left?.stdout ?? ''}${end(places, state, node, { losingUnflushed: false }, 'is shut down')}`
}

export function powercut(places: LabPlaces, state: LabState, host: string | undefined): string {
  const node = requireAgent(state, host)
  return end(places, state, node, { losingUnflushed: true }, 'has lost its power')
}

function end(places: LabPlaces, state: LabState, host: Host, options: { losingUnflushed: boolean }, what: string): string {
  if (state.power[host] === 'off') return `${host} is switched off already.`
  die(places, host, options)
  state.power[host] = 'off'
  writeState(places, state)
  return `${host} ${what}.`
}

export function pause(places: LabPlaces, state: LabState, host: string | undefined): string {
  return freeze(places, state, requireSwitched(host), true)
}

export function resume(places: LabPlaces, state: LabState, host: string | undefined): string {
  return freeze(places, state, requireSwitched(host), false)
}

function freeze(places: LabPlaces, state: LabState, host: Host, frozen: boolean): string {
  if (state.power[host] === 'off') throw new LabError(`${host} is switched off`, `lab start ${host}`)
  freezeCgroup(cgroupOf(places, host), frozen)
  state.power[host] = frozen ? 'paused' : 'on'
  writeState(places, state)
  return `${host} is ${frozen ? 'paused: none of its programs runs' : 'running again'}.`
}

/** A host that is off is switched on; a node that is on gets its engine back. */
export function start(places: LabPlaces, state: LabState, name: string | undefined): string {
  const host = requireSwitched(name)
  if (state.power[host] === 'paused') throw new LabError(`${host} is paused`, `lab resume ${host}`)
  const wasOff = state.power[host] === 'off'
  const agent = isAgentHost(host) && state.disks[host] !== undefined ? host : null
  if (!wasOff && (agent === null || runningEngine(places, agent))) return `${host} runs already.`
  if (wasOff) {
    boot(places, state, host)
    state.power[host] = 'on'
    writeState(places, state)
  }
  if (agent !== null) startEngine(places, state, agent)
  return wasOff ? `${host} is switched on.` : `The engine of ${host} is started; it adopts what runs.`
}

function requireSwitched(host: string | undefined): Host {
  if (host !== undefined && isHost(host)) return host
  throw new LabError(`"${host ?? ''}" is no host of the lab`, `name ${NODES.join(', ')}, witness or client`, 2)
}
