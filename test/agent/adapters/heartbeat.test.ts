import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import fs from 'node:fs'
import path from 'node:path'
import { PROGRAM_LOG_BYTES_MAX } from '../../../agent/adapters/boundedLog'
import { createHeartbeatPort } from '../../../agent/adapters/heartbeat/port'
import { encodePacket, nameId } from '../../../agent/adapters/heartbeat/packet'
import type { HeartbeatPort, HeartbeatView, Places } from '../../../agent/ports'
import { firstOwnPort } from '../../kit/ports'
import { bundleProgram, keptLog, link, makePlaces, removePlaces, until } from './surroundings'

/** A few ms late on a quiet machine; a busy one may hold the whole test up. */
const DOWN_MS_MAX = 2_000

const BASE_PORT = firstOwnPort()
const LINKS = [link({ name: 'link-0', heartbeatPort: BASE_PORT }), link({ name: 'link-1', heartbeatPort: BASE_PORT + 1, intervalMs: 100, maxMiss: 3 })]
const KEY = randomBytes(32)
/** The real program, and the end of it when a test run was killed before it could ask for that. */
const PROGRAM = `import { runHeartbeatProgram } from '../../../agent/adapters/heartbeat/program'
  const parent = process.ppid
  setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref()
  void runHeartbeatProgram(process.argv.slice(2)).then((code) => process.exit(code))`

describe('two nodes with their heartbeat programs', () => {
  const one = makePlaces('RMHW131', { links: LINKS })
  const two = makePlaces('RMHW132', { links: LINKS })
  let command = { file: '', args: [''] }
  const ports: HeartbeatPort[] = []

  const engine = async (places: Places) => {
    const port = createHeartbeatPort(places, keptLog(), { command })
    const seen: { view: HeartbeatView; atMs: number }[] = []
    await port.start((view) => seen.push({ view, atMs: performance.now() }))
    ports.push(port)
    return { port, seen, up: () => port.view().links.map((each) => each.up) }
  }
  const pidOf = async (places: Places): Promise<number> => {
    const net = await import('node:net')
    return await new Promise((resolve) => {
      const socket = net.connect(path.join(places.runDirectory, 'heartbeat.sock'))
      socket.once('error', () => resolve(0))
      socket.once('data', (bytes) => {
        socket.destroy()
        resolve(JSON.parse(bytes.toString().split('\n')[0] ?? '').pid)
      })
    })
  }

  beforeAll(() => {
    command = bundleProgram(one.root, 'heartbeat', PROGRAM)
    for (const places of [one, two]) fs.writeFileSync(path.join(places.stateDirectory, 'heartbeat.key'), KEY, { mode: 0o600 })
  })
  afterEach(async () => {
    for (const port of ports.splice(0)) await port.close(true)
  })
  afterAll(() => {
    removePlaces(one)
    removePlaces(two)
  })

  test('both links come up on both sides, each says that the other hears it; the engine may go and come', async () => {
    const first = await engine(one)
    expect(first.seen[0]?.view).toMatchObject({ peerAlive: false, peerLeaving: false })
    const second = await engine(two)
    await until('both up', () => [...first.up(), ...second.up()].every(Boolean))
    await until('heard by the peer', () => first.port.view().links.every((each) => each.heardByPeer === true))
    const pid = await pidOf(one)
    await first.port.close(false)
    const next = await engine(one)
    expect(await pidOf(one)).toBe(pid)
    expect(next.seen[0]?.view.peerAlive).toBe(true)
    expect(second.seen.every((each, index) => index === 0 || each.view.peerAlive || !second.seen[index - 1]?.view.peerAlive)).toBe(true)
    expect(next.port.view().links.map((each) => [each.rejected, each.missed])).toEqual([
      [0, expect.any(Number)],
      [0, expect.any(Number)]
    ])
  })

  test('the log of a program that outlives its engine does not grow for ever', async () => {
    const first = await engine(one)
    const pid = await pidOf(one)
    await first.port.close(false)
    const log = path.join(one.stateDirectory, 'log', 'heartbeat.log')
    fs.appendFileSync(log, Buffer.alloc(PROGRAM_LOG_BYTES_MAX + 1, 'it is said again\n'))
    await engine(one)
    await until('cut', () => fs.statSync(log).size < PROGRAM_LOG_BYTES_MAX)
    expect(await pidOf(one)).toBe(pid)
  })

  test('a program that dies and cannot be started again is tried again and again, and that is said once', async () => {
    const [file, tries] = [path.join(one.root, 'failing.cjs'), path.join(one.root, 'tries')]
    fs.copyFileSync(command.args[0] as string, file)
    const log = keptLog()
    const port = createHeartbeatPort(one, log, { command: { ...command, args: [file] } })
    ports.push(port)
    await port.start(() => undefined)
    fs.writeFileSync(file, `require('node:fs').appendFileSync('${tries}', '.'); process.exit(3)`)
    process.kill(await pidOf(one), 'SIGKILL')
    await until('tried', () => fs.existsSync(tries) && fs.readFileSync(tries, 'utf8').length >= 4, 20_000)
    expect(log.lines).toEqual([expect.stringContaining('ended unexpectedly'), expect.stringContaining('exit code 3')])
  })

  test('a node that begins to shut down says so and is heard all the same, also by a new engine of the other one; a new program of its own says it again', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('both up', () => [...first.up(), ...second.up()].every(Boolean))
    second.port.leaving()
    await until('told', () => first.port.view().peerLeaving)
    const received = first.port.view().links[0]?.received ?? 0
    await until('still heard', () => (first.port.view().links[0]?.received ?? 0) > received + 2)
    expect(first.port.view()).toMatchObject({ peerAlive: true, peerLeaving: true })
    process.kill(await pidOf(two), 'SIGKILL')
    await until('the next one is heard', () => first.port.view().peerAlive && (first.port.view().links[0]?.received ?? 0) > received + 4)
    await until('and says it too', () => first.port.view().peerLeaving)
  })

  test('an engine that began to shut down dies, and the next one stays: the other node is not left with what the first one said', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('both up', () => [...first.up(), ...second.up()].every(Boolean))
    second.port.leaving()
    await until('told', () => first.port.view().peerLeaving)
    await second.port.close(false)
    await engine(two)
    await until('it stays', () => first.port.view().peerAlive && !first.port.view().peerLeaving)
  })

  test('a drill holds a link for a while: both call it broken and hear each other on the other one, and it comes back by itself', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('both up', () => [...first.up(), ...second.up()].every(Boolean))
    const heldAtMs = performance.now()
    first.port.hold('link-0', 2_000)
    await until('broken on both', () => first.up()[0] === false && second.up()[0] === false)
    expect([first.port.view().peerAlive, second.port.view().peerAlive]).toEqual([true, true])
    await until('up again', () => [...first.up(), ...second.up()].every(Boolean))
    expect(performance.now() - heldAtMs).toBeGreaterThan(1_900)
  })

  test('a drill never makes a node look dead: the last link that is heard is held by neither node', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('both up', () => [...first.up(), ...second.up()].every(Boolean))
    const views = [first.seen.length, second.seen.length]
    first.port.hold('link-0', 60_000)
    await until('broken on both', () => first.up()[0] === false && second.up()[0] === false)
    for (const { port } of [first, second]) port.hold('link-1', 60_000)
    const heard = (): number[] => [first, second].map(({ port }) => port.view().links[1]?.received ?? 0)
    const before = heard()
    await until('both hear on', () => heard().every((received, place) => received > (before[place] ?? 0) + 10))
    expect([...first.seen.slice(views[0]), ...second.seen.slice(views[1])].every(({ view }) => view.peerAlive)).toBe(true)
  })

  test('a link gets other addresses in the running program: the others go on, and nobody calls the other one dead', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('both up', () => [...first.up(), ...second.up()].every(Boolean))
    const pid = await pidOf(one)
    const before = first.port.view().links[0]!.received
    const moved = { ...LINKS[1]!, addresses: { RMHW131: '127.0.0.3', RMHW132: '127.0.0.4' } }
    const [configOfOne, configOfTwo] = [one.config, two.config]
    for (const places of [one, two]) places.config = { ...places.config, links: [LINKS[0]!, moved] }
    await first.port.reconfigure()
    expect(first.port.view().peerAlive).toBe(true)
    await second.port.reconfigure()
    await until('the moved one is up', () => [...first.up(), ...second.up()].every(Boolean))
    expect(first.port.view().links.map(({ local }) => local)).toEqual([`127.0.0.1:${BASE_PORT}`, `127.0.0.3:${BASE_PORT + 1}`])
    expect(await pidOf(one)).toBe(pid)
    expect(first.port.view().links[0]!.received).toBeGreaterThan(before)
    for (const { seen } of [first, second]) {
      const since = seen.findIndex(({ view }) => view.peerAlive)
      expect(seen.slice(since).every(({ view }) => view.peerAlive)).toBe(true)
    }
    await first.port.close(false)
    const next = await engine(one)
    expect(await pidOf(one)).toBe(pid)
    expect(next.up()).toEqual([true, true])
    one.config = configOfOne
    two.config = configOfTwo
  })

  test('the peer dies: each link is down after its interval × misses, not before; it comes back with a new program', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('up', () => [...first.up(), ...second.up()].every(Boolean))
    const pid = await pidOf(two)
    await second.port.close(false)
    const diedMs = performance.now()
    process.kill(pid, 'SIGKILL')
    await until('down', () => !first.port.view().peerAlive)
    const downMs = (name: string): number =>
      (first.seen.find((each) => each.atMs > diedMs && each.view.links.some((one) => one.name === name && !one.up))?.atMs ?? Infinity) - diedMs
    expect(downMs('link-0')).toBeGreaterThan(140)
    expect(downMs('link-0')).toBeLessThan(DOWN_MS_MAX)
    expect(downMs('link-1')).toBeGreaterThan(190)
    expect(downMs('link-1')).toBeLessThan(DOWN_MS_MAX)
    const again = await engine(two)
    await until('up again', () => [...first.up(), ...again.up()].every(Boolean))
  })

  test('its own program dies under a running engine: a successor is started, and the peer is not called dead for that', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('up', () => [...first.up(), ...second.up()].every(Boolean))
    const before = first.seen.length
    const pid = await pidOf(one)
    process.kill(pid, 'SIGKILL')
    await until('a successor', async () => ![0, pid].includes(await pidOf(one)))
    await until('heard', () => first.port.view().links.every((each) => each.up && (each.ageMs ?? Infinity) < 1_000 && each.received > 0))
    expect(first.seen.slice(before).every((each) => each.view.peerAlive)).toBe(true)
  })

  test('a clean stop of the node is announced', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('up', () => first.up().every(Boolean))
    await second.port.close(true)
    await until('leaving', () => first.port.view().peerLeaving)
    await until('down', () => !first.port.view().peerAlive)
    expect(first.port.view().peerLeaving).toBe(true)
  })

  test('the engine of the peer is gone while its node lives', async () => {
    const first = await engine(one)
    const second = await engine(two)
    await until('up', () => first.up().every(Boolean))
    await second.port.close(false)
    await until('silent', () => first.port.view().peerEngineSilentMs > 3_000, 8_000)
    expect(first.port.view().peerAlive).toBe(true)
    await engine(two)
    await until('it runs again', () => first.port.view().peerEngineSilentMs === 0)
  }, 20_000)

  test('foreign, damaged and replayed packets are counted and change nothing', async () => {
    const first = await engine(one)
    const packet = {
      cluster: nameId('seoul-db'),
      sender: nameId('RMHW132'),
      link: nameId('link-0'),
      incarnation: 7n,
      sequence: 1n,
      echoIncarnation: 0n,
      echoSequence: 0n,
      engineSilentMs: 0,
      leaving: true,
      hears: true
    }
    const socket = dgram.createSocket('udp4')
    const send = (bytes: Buffer): Promise<void> => new Promise((resolve) => socket.send(bytes, BASE_PORT, '127.0.0.1', () => resolve()))
    await send(Buffer.from('hello'))
    await send(Buffer.alloc(65_000))
    await send(encodePacket(packet, randomBytes(32)))
    await send(encodePacket({ ...packet, sender: nameId('RMHW131') }, KEY))
    await send(encodePacket({ ...packet, cluster: nameId('another') }, KEY))
    // Rightly signed, but a recording from before: it cannot echo what our program sends now.
    await send(encodePacket(packet, KEY))
    await until('counted', () => (first.port.view().links[0]?.rejected ?? 0) >= 5)
    expect(first.port.view()).toMatchObject({ peerAlive: false, peerLeaving: false })
    const second = await engine(two)
    await until('the true peer is believed', () => first.up().every(Boolean) && second.up().every(Boolean))
    socket.close()
  })

  test('another configuration starts the program anew', async () => {
    const first = await engine(one)
    const pid = await pidOf(one)
    await first.port.close(false)
    await engine({ ...one, config: { ...one.config, links: [link({ heartbeatPort: BASE_PORT, intervalMs: 70 })] } })
    expect(await pidOf(one)).not.toBe(pid)
  })

  test('no key: refused in words', async () => {
    const places = makePlaces('RMHW131', { links: LINKS })
    await expect(createHeartbeatPort(places, keptLog(), { command }).start(() => undefined)).rejects.toThrow(/heartbeat key .* cannot be used: ENOENT/)
    removePlaces(places)
  })
})
