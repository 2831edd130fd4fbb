import { freezeCgroup } from './cgroup'
import { killEngine, runningEngine, startEngine } from './engines'
import { boot, die, requireNode } from './host'
import { LabError } from './labError'
import { parseCut, setCable } from './network'
import { cgroupOf, type LabPlaces } from './places'
import { type Host, isCable, isHost, isNode, NODES } from './plan'
import { type LabState, writeState } from './state'

const same = (a: { host: Host; cable: string }) => (b: { host: Host; cable: string }) => a.host === b.host && a.cable === b.cable

/** Pulls a cable, at both nodes or at one. */
export function cut(places: LabPlaces, state: LabState, name: string): string {
  for (const end of parseCut(name, NODES, isCable)) {
    if (state.power[end.host] !== 'off') setCable(places, end.host, end.cable, false)
    if (!state.cuts.some(same(end))) state.cuts.push(end)
  }
  writeState(places, state)
  return `${name} is cut.`
}

export function heal(places: LabPlaces, state: LabState, name: string): string {
  for (const end of name === 'all' ? [...state.cuts] : parseCut(name, NODES, isCable)) {
    if (state.power[end.host] !== 'off') setCable(places, end.host, end.cable, true)
    state.cuts = state.cuts.filter((other) => !same(end)(other))
  }
  writeState(places, state)
  return `${name} is healed.`
}

export function kill(places: LabPlaces, state: LabState, host: string | undefined, options: { engine: boolean }): string {
  if (options.engine) return killOnlyEngine(places, host)
  return end(places, state, requireSwitched(host), { losingUnflushed: false }, 'is dead')
}

function killOnlyEngine(places: LabPlaces, host: string | undefined): string {
  const node = requireNode(host)
  if (killEngine(places, node)) return `The engine of ${node} is dead; everything else of the node goes on.`
  throw new LabError(`the engine of ${node} does not run`, `lab start ${node}`)
}

export function powercut(places: LabPlaces, state: LabState, host: string | undefined): string {
  const node = requireNode(host)
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
  if (!wasOff && (!isNode(host) || runningEngine(places, host))) return `${host} runs already.`
  if (wasOff) {
    boot(places, state, host)
    state.power[host] = 'on'
    writeState(places, state)
  }
  if (isNode(host)) startEngine(places, state, host)
  return wasOff ? `${host} is switched on.` : `The engine of ${host} is started; it adopts what runs.`
}

function requireSwitched(host: string | undefined): Host {
  if (host !== undefined && isHost(host)) return host
  throw new LabError(`"${host ?? ''}" is no host of the lab`, `name ${NODES.join(', ')}, witness or client`, 2)
}
