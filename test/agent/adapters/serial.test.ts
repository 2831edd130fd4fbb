import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { createHeartbeatPort } from '../../../agent/adapters/heartbeat/port'
import { frame } from '../../../agent/adapters/heartbeat/framing'
import { encodePacket, nameId } from '../../../agent/adapters/heartbeat/packet'
import type { HeartbeatPort, HeartbeatView, Places } from '../../../agent/ports'
import type { LinkConfig } from '../../../src/model'
import { firstOwnPort } from '../../kit/ports'
import { Cable } from '../../kit/ptyPair'
import { bundleProgram, keptLog, link, makePlaces, removePlaces, until } from './surroundings'

const KEY = randomBytes(32)
const INTERVAL_MS = 50
const MISSES = 6
const PROGRAM = `import { runHeartbeatProgram } from '../../../agent/adapters/heartbeat/program'
  const parent = process.ppid
  setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref()
  void runHeartbeatProgram(process.argv.slice(2)).then((code) => process.exit(code))`

describe('two nodes with a serial line between them', () => {
  const one = makePlaces('RMHW131')
  const two = makePlaces('RMHW132')
  let command = { file: '', args: [''] }
  const ports: HeartbeatPort[] = []
  const cables: Cable[] = []

  /** Names that stay, as those of an adapter that is drawn and comes back. */
  const plug = (): Cable => {
    const cable = new Cable()
    cables.push(cable)
    cable.devices.forEach((device, i) => {
      const name = path.join(one.root, `tty${i}`)
      fs.rmSync(name, { force: true })
      fs.symlinkSync(device, name)
    })
    return cable
  }
  const serialLink = (): LinkConfig =>
    link({
      name: 'serial',
      heartbeatPort: null,
      data: false,
      intervalMs: INTERVAL_MS,
      maxMiss: MISSES,
      addresses: {},
      serial: { baud: 115_200, devices: { RMHW131: path.join(one.root, 'tty0'), RMHW132: path.join(one.root, 'tty1') } }
    })
  const engine = async (places: Places) => {
    const port = createHeartbeatPort(places, keptLog(), { command })
    const seen: HeartbeatView[] = []
    await port.start((view) => seen.push(view))
    ports.push(port)
    return { port, seen, link: () => port.view().links.find(({ name }) => name === 'serial')! }
  }
  const pair = async () => [await engine(one), await engine(two)] as const
  const upOn = (...nodes: { link: () => { up: boolean } }[]) => until('up on both', () => nodes.every((node) => node.link().up))

  beforeAll(() => {
    command = bundleProgram(one.root, 'heartbeat', PROGRAM)
    for (const places of [one, two]) fs.writeFileSync(path.join(places.stateDirectory, 'heartbeat.key'), KEY, { mode: 0o600 })
  })
  beforeEach(() => {
    for (const places of [one, two]) places.config = { ...places.config, links: [serialLink()] }
  })
  afterEach(async () => {
    for (const port of ports.splice(0)) await port.close(true)
    for (const cable of cables.splice(0)) cable.close()
  })
  afterAll(() => {
    removePlaces(one)
    removePlaces(two)
  })

  test('it is up on both sides, each says that the other hears it, and nothing is rejected', async () => {
    plug()
    const [first, second] = await pair()
    await upOn(first, second)
    await until('heard by the peer', () => first.link().heardByPeer === true && second.link().heardByPeer === true)
    const { received } = first.link()
    await until('more of them', () => first.link().received > received + 10)
    expect(first.link()).toMatchObject({ local: path.join(one.root, 'tty0'), remote: path.join(one.root, 'tty1'), rejected: 0 })
    expect(first.port.view().peerAlive).toBe(true)
  })

  test('garbage, half frames and changed bytes are rejected and counted; it stays up on what is whole', async () => {
    const cable = plug()
    const [first, second] = await pair()
    await upOn(first, second)
    const before = first.link()
    let turn = 0
    cable.spoil = (bytes) => {
      turn += 1
      if (turn % 5 === 0) return bytes.subarray(0, bytes.length >> 1)
      if (turn % 7 === 0) return Buffer.from(bytes.map((byte, i) => (i === 20 ? byte ^ 1 : byte)))
      return turn % 3 === 0 ? Buffer.concat([randomBytes(200), bytes]) : bytes
    }
    await until('many have been rejected', () => first.link().rejected > before.rejected + 10)
    await until('and many were heard', () => first.link().received > before.received + 10)
    expect(first.seen.slice(first.seen.findIndex((view) => view.peerAlive)).every((view) => view.peerAlive)).toBe(true)
    cable.spoil = (bytes) => bytes
    cable.say(0, randomBytes(100_000))
    const { received } = first.link()
    await until('heard after noise without an end', () => first.link().received > received + 5)
  })

  test('who does not have the key is not heard, and neither is a recording', async () => {
    const cable = plug()
    const recorded: Buffer[] = []
    cable.spoil = (bytes) => {
      recorded.push(Buffer.from(bytes))
      return bytes
    }
    // What it says before it hears anybody is not believed.
    const second = await engine(two)
    await until('it has spoken', () => recorded.length > 5)
    const first = await engine(one)
    await upOn(first, second)
    cable.isCut = true
    const forged = { cluster: nameId('seoul-db'), sender: nameId('RMHW132'), link: nameId('serial'), incarnation: 7n, sequence: 1n }
    const packet = { ...forged, echoIncarnation: 0n, echoSequence: 0n, engineSilentMs: 0, leaving: false, hears: true }
    cable.say(0, frame(encodePacket(packet, randomBytes(32))))
    // What was on the line before the cut has been read when this has.
    await until('the forged one is rejected', () => first.link().rejected > 0)
    await until('down', () => !first.link().up)
    const { received, rejected } = first.link()
    // Also what was said before either believed the other; no more at once than a line holds.
    const replayed = Buffer.concat(recorded).subarray(0, 3_000)
    const frames = replayed.filter((byte) => byte === 0).length >> 1
    cable.say(0, replayed)
    const read = (): number => first.link().received + first.link().rejected
    await until('all of it is read', () => read() >= received + rejected + frames)
    expect(first.link()).toMatchObject({ up: false, received })
  })

  test('a line that is cut is down, and nothing else; plugged again it is up', async () => {
    const cable = plug()
    const [first, second] = await pair()
    await upOn(first, second)
    cable.isCut = true
    await until('down on both', () => !first.link().up && !second.link().up)
    expect(first.port.view().peerAlive).toBe(false)
    cable.isCut = false
    await upOn(first, second)
  })

  test('devices that vanish and come back, as others under their names; the program has not died of it', async () => {
    plug()
    const [first, second] = await pair()
    await upOn(first, second)
    for (const cable of cables.splice(0)) cable.close()
    for (const name of ['tty0', 'tty1']) fs.rmSync(path.join(one.root, name))
    await until('down on both', () => !first.link().up && !second.link().up)
    const { received } = first.link()
    expect(received).toBeGreaterThan(0)
    plug()
    await upOn(first, second)
    // The counters of the same program go on.
    expect(first.link().received).toBeGreaterThan(received)
  })

  test('a device that is not there at the start, and one that nobody reads: the other link is never held up', async () => {
    for (const name of ['tty0', 'tty1']) fs.rmSync(path.join(one.root, name), { force: true })
    const socket = link({ name: 'link-0', heartbeatPort: firstOwnPort() + 40, intervalMs: INTERVAL_MS, maxMiss: MISSES })
    for (const places of [one, two]) places.config = { ...places.config, links: [socket, serialLink()] }
    const [first, second] = await pair()
    const sockets = () => [first, second].map(({ port }) => port.view().links[0]!)
    await until('the other link is up', () => sockets().every(({ up }) => up))
    expect(first.link()).toMatchObject({ up: false, sent: 0 })
    const cable = plug()
    await upOn(first, second)
    // What is written is read by nobody: the line is full, and writes fail at once.
    cable.stall()
    await until('down', () => !first.link().up && !second.link().up)
    const goesOn = async () => {
      const { received } = sockets()[0]!
      await until('the other one goes on', () => sockets()[0]!.received > received + 20)
    }
    await goesOn()
    const { sent } = first.link()
    await goesOn()
    expect(sockets().every(({ up }) => up)).toBe(true)
    expect(first.link().sent).toBe(sent)
  })
})
