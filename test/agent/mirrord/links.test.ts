import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import tls from 'node:tls'
import { checksum } from '../../../agent/mirrord/stream/checksum'
import { packHello, STREAM_PROTOCOL } from '../../../agent/mirrord/stream/hello'
import { LinkTable } from '../../../agent/mirrord/stream/linkTable'
import { CONNECT_TIMEOUT_MS, KEEPALIVE_MS, LINK_SILENT_MS, PROBE_TIMEOUT_MS } from '../../../agent/mirrord/stream/secure'
import { encodeFrame } from '../../../src/wire/frame'
import { compareTrees } from '../../kit/compareTrees'
import { delay, makeCertificates, makePair, type TestPair } from './pair'
import { Relay } from './relay'

const asRoot = process.getuid?.() === 0 && fs.existsSync('/dev/fuse') ? describe : describe.skip
jest.setTimeout(60_000)

/** After the last word: the silence, the question, and the connection over the next link on a busy machine. */
const FAILOVER_MS = KEEPALIVE_MS + LINK_SILENT_MS + PROBE_TIMEOUT_MS + 1_000
const STRANGERS = 60

asRoot('data links', () => {
  let pair: TestPair
  let relay: Relay
  beforeEach(async () => {
    pair = makePair()
    const { port, links } = pair.one.config
    relay = new Relay(port, '127.0.0.9', links[0]!.peerAddress)
    await relay.plugIn()
    links[0]!.peerAddress = relay.address
    await pair.one.start()
    await pair.two.start()
    fs.writeFileSync(path.join(pair.one.folder, 'first'), 'content')
    await pair.two.ask({ do: 'target', roleSequence: 3 })
    await pair.one.ask({ do: 'source', roleSequence: 3, peerCopyComplete: false })
    await pair.one.until('complete', ({ connected, needToVerify }) => connected && needToVerify === 'No')
  })
  afterEach(async () => {
    await pair.end()
    relay.end()
  })

  const bothWork = async (): Promise<void> => {
    for (const side of [pair.one, pair.two])
      await side.until('on two good links', ({ links }) => links.length === 2 && links.every(({ state }) => state === 'OK'))
  }

  test('all links get other addresses while files are written: the stream goes over where it was, and the folders stay mounted', async () => {
    await bothWork()
    const moved = (side: TestPair['one']) => {
      const { links } = side.config
      const mine = side === pair.one ? 21 : 22
      const theirs = side === pair.one ? 22 : 21
      return {
        ...side.config,
        partnerTimeoutMs: 7_000,
        links: links.map(({ name }, i) => ({ name, localAddress: `127.0.${mine}.${i}`, peerAddress: `127.0.${theirs}.${i}` }))
      }
    }
    const writing = setInterval(() => fs.appendFileSync(path.join(pair.one.folder, 'written'), 'more\n'), 5)
    await pair.two.ask({ do: 'configure', config: moved(pair.two) })
    await pair.one.ask({ do: 'configure', config: moved(pair.one) })
    // For a moment it may still tell of the connection before.
    const goesOn = (): boolean => pair.one.log.includes('resume from LSN')
    await pair.one.until('connected over the new ones', ({ connected, links }) => goesOn() && connected && links.every(({ state }) => state === 'OK'))
    clearInterval(writing)
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect(pair.one.log.match(/(mirror|verify) from LSN/g)).toHaveLength(1)
    await expect(pair.one.ask({ do: 'configure', config: { ...moved(pair.one), queueBytes: 1 << 24 } })).rejects.toThrow()
  })

  test('the idle link is shown as good; a link that goes silent is left without a mirror, and taken again when it is back', async () => {
    await bothWork()
    expect((await pair.one.status()).link).toBe('link-0')
    relay.pull()
    const pulledMs = Date.now()
    fs.writeFileSync(path.join(pair.one.folder, 'meanwhile'), Buffer.alloc(3_000_000, 'x'))
    await pair.one.until('on the other link', ({ link }) => link === 'link-1', 10_000)
    expect(Date.now() - pulledMs).toBeLessThan(FAILOVER_MS)
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect((await pair.one.status()).links).toEqual([
      { name: 'link-0', state: 'Error' },
      { name: 'link-1', state: 'OK' }
    ])
    await pair.two.until('without the first link', ({ links }) => links[0]!.state === 'Error')

    await relay.plugIn()
    await pair.one.until('back', ({ link }) => link === 'link-0', 10 * LinkTable.PROBE_MS)
    await bothWork()
    fs.writeFileSync(path.join(pair.one.folder, 'after'), 'all')
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
  })

  test('a source whose peer does not answer stops at once: it does not wait until its attempt to connect is over', async () => {
    await bothWork()
    relay.pull()
    const silence = net.createServer((socket) => socket.on('error', () => undefined).resume())
    await new Promise<void>((resolve) => silence.listen(pair.one.config.port, relay.address, resolve))
    const asked = once(silence, 'connection')
    await pair.two.kill()
    // The standby's own mount stays behind it.
    spawnSync('umount', ['-l', pair.two.folder])
    relay.end()
    await asked
    const beginMs = performance.now()
    await pair.one.ask({ do: 'stop', force: true })
    expect(performance.now() - beginMs).toBeLessThan(CONNECT_TIMEOUT_MS / 2)
    silence.close()
  })

  const greet = (node: string, hello: Parameters<typeof packHello>[0]): Promise<string> =>
    new Promise((resolve) => {
      const read = (name: string): Buffer => fs.readFileSync(path.join(pair.directory, name))
      const socket = tls.connect({
        host: '127.0.0.3',
        port: pair.one.config.port,
        ca: read('ca.crt'),
        cert: read(`${node}.crt`),
        key: read(`${node}.key`),
        checkServerIdentity: () => undefined
      })
      let heard = ''
      socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
      socket.on('error', (error) => (heard += String((error as NodeJS.ErrnoException).code)))
      socket.on('close', () => resolve(heard))
      socket.on('secureConnect', () => socket.write(encodeFrame({ kind: 'hello', folder: 0, payload: packHello(hello) }, 0, hello.roleSequence, checksum)))
    })

  test('strangers on the data port are refused, in number and time, and the pair goes on', async () => {
    const good = {
      protocol: STREAM_PROTOCOL,
      job: 'DB_Group',
      node: 'RMHW131',
      roleSequence: 3,
      lineage: null,
      safety: 'off',
      safetySequence: 1,
      folders: ['/x']
    } as const
    expect(await greet('RMHW131', { ...good, folders: [...good.folders], roleSequence: 2 })).toContain('E_ROLE_SEQUENCE_OLD')
    expect(await greet('RMHW131', { ...good, folders: [...good.folders], job: 'Other' })).toContain('E_HELLO')
    expect(await greet('RMHW131', { ...good, folders: [...good.folders], node: 'RMHW139' })).toContain('E_HELLO')
    expect(await greet('RMHW132', { ...good, folders: [...good.folders] })).toContain('E_PEER_NAME')
    fs.mkdirSync(path.join(pair.directory, 'foreign'))
    makeCertificates(path.join(pair.directory, 'foreign'), ['RMHW131'])
    for (const end of ['crt', 'key']) fs.copyFileSync(path.join(pair.directory, 'foreign', `RMHW131.${end}`), path.join(pair.directory, `foreign.${end}`))
    expect(await greet('foreign', { ...good, folders: [...good.folders] })).not.toContain('{')

    const { port } = pair.one.config
    const garbage = net.connect(port, '127.0.0.3').on('error', () => undefined)
    garbage.write(Buffer.alloc(200_000, 'GET / HTTP/1.1\r\n'))
    await new Promise((resolve) => garbage.once('close', resolve))
    const silent = Array.from({ length: STRANGERS }, () => net.connect(port, '127.0.0.3').on('error', () => undefined))
    let closed = 0
    for (const socket of silent) socket.on('close', () => closed++).resume()
    fs.writeFileSync(path.join(pair.one.folder, 'during'), 'strangers')
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    for (const deadline = Date.now() + 15_000; closed < STRANGERS && Date.now() < deadline; ) await delay(100)
    expect(closed).toBe(STRANGERS)
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
    expect((await pair.one.status()).connected).toBe(true)
    expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
  })
})
