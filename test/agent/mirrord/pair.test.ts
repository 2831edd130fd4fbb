import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { randomSource } from '../../kit/randomFiles'
import { compareTrees } from '../../kit/compareTrees'
import { makePair, isMirrored, type TestPair } from './pair'

const root = process.getuid?.() === 0 && fs.existsSync('/dev/fuse')
const asRoot = root ? describe : describe.skip
jest.setTimeout(90_000)

const IGNORED = { names: (name: string) => name.endsWith('.pid') }
const CUT_AFTER_BYTES = 5_000_000
const WRITER = `
const fs = require('node:fs'), path = require('node:path')
const [folder, seed] = [process.argv[1], Number(process.argv[2])]
let state = seed
const dice = (n) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return (state >>> 8) % n }
const name = () => 'w' + dice(3) + '/f' + dice(40)
for (const d of ['w0','w1','w2']) fs.mkdirSync(path.join(folder, d), { recursive: true })
process.on('SIGTERM', () => process.exit(0))
const quietly = (f) => { try { f() } catch (e) { if (!['ENOENT','EEXIST'].includes(e.code)) throw e } }
function step() {
  const a = path.join(folder, name()), b = path.join(folder, name())
  quietly([
    () => fs.writeFileSync(a, Buffer.alloc(dice(60000), dice(256))),
    () => { const fd = fs.openSync(a, 'r+'); fs.writeSync(fd, Buffer.alloc(5000, dice(256)), 0, 5000, dice(100000)); fs.closeSync(fd) },
    () => fs.renameSync(a, b), () => fs.unlinkSync(a), () => fs.linkSync(a, b), () => fs.truncateSync(a, dice(30000)),
    () => fs.chmodSync(a, 0o600 + dice(64)),
    () => { const fd = fs.openSync(path.join(folder, 'large'), 'r+'); fs.writeSync(fd, Buffer.alloc(8192, dice(256)), 0, 8192, dice(24000000)); fs.closeSync(fd) },
    () => fs.renameSync(path.join(folder, 'moved'), path.join(folder, 'w1/moved')), () => fs.renameSync(path.join(folder, 'w1/moved'), path.join(folder, 'moved')),
  ][dice(10)])
  setTimeout(step, dice(3))
}
process.stdout.write('ready\\n'); step()
`

/** What a first copy has to bring: sparse, linked, odd names, large, and a target full of stale things. */
function fillTree(folder: string): void {
  const at = (name: string): string => path.join(folder, name)
  for (const directory of ['a/b/c', 'many', 'moved/deep', 'w1']) fs.mkdirSync(at(directory), { recursive: true })
  for (let i = 0; i < 300; i++) fs.writeFileSync(at(`many/file-${i}`), `content ${i}\n`.repeat(i))
  fs.writeFileSync(at('moved/deep/x'), 'moves with its directory')
  fs.writeFileSync(at('large'), Buffer.alloc(24_000_000, 'large'))
  fs.closeSync(fs.openSync(at('sparse'), 'w'))
  fs.truncateSync(at('sparse'), 40_000_000)
  const sparse = fs.openSync(at('sparse'), 'r+')
  fs.writeSync(sparse, 'island', 20_000_000)
  fs.closeSync(sparse)
  fs.linkSync(at('large'), at('a/b/large-too'))
  fs.linkSync(at('many/file-7'), at('a/seven'))
  fs.symlinkSync('/etc/passwd', at('a/link out'))
  fs.symlinkSync('../many', at('a/link dir'))
  fs.writeFileSync(Buffer.concat([Buffer.from(at('a/b/')), Buffer.from([0xff, 0xfe, 0x41])]), 'no UTF-8')
  fs.chmodSync(at('a/b'), 0o2750)
  fs.chownSync(at('a/b/c'), 1234, 4321)
  fs.utimesSync(at('many/file-3'), 1_000_000_000, 1_000_000_000)
  fs.writeFileSync(at('server.pid'), 'of this node')
}

function fillStale(folder: string): void {
  const at = (name: string): string => path.join(folder, name)
  fs.mkdirSync(at('large/under'), { recursive: true })
  fs.mkdirSync(at('w0'))
  fs.writeFileSync(at('a'), 'a file where a directory belongs')
  fs.writeFileSync(at('w0/f1'), 'stale')
  fs.linkSync(at('w0/f1'), at('w0/f2'))
  fs.mkdirSync(at('gone/deep'), { recursive: true })
  fs.writeFileSync(at('gone/deep/file'), 'too much')
  fs.symlinkSync('/tmp', at('many'))
  fs.writeFileSync(at('standby.pid'), 'of the other node')
}

const startWriter = async (folder: string, seed: number): Promise<() => Promise<void>> => {
  const child = spawn(process.execPath, ['-e', WRITER, folder, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return async () => {
    if (child.exitCode !== null) throw new Error(`the writer failed with ${child.exitCode}`)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
}

async function equal(pair: TestPair): Promise<void> {
  await pair.one.ask({ do: 'drain', timeoutMs: 20_000 })
  expect(compareTrees(pair.one.folder, pair.two.folder, IGNORED)).toEqual([])
}

asRoot('a pair of mirrords', () => {
  let pair: TestPair
  beforeEach(async () => {
    pair = makePair()
    await pair.one.start()
    await pair.two.start()
  })
  afterEach(() => pair.end())

  const bothComplete = async (): Promise<void> => {
    await pair.one.until('complete', isMirrored)
    await pair.two.until('complete', ({ copyComplete }) => copyComplete)
  }

  test('a full mirror while a writer writes makes both sides equal, and they stay equal', async () => {
    fillTree(pair.one.folder)
    fillStale(pair.two.folder)
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    const stopWriter = await startWriter(pair.one.folder, 7)
    await bothComplete()
    await pair.one.ask({ do: 'mirror', action: 'start' })
    await pair.two.until('mirroring', ({ targetSide, copyComplete }) => targetSide === 'Full Mirror' && !copyComplete)
    await bothComplete()
    await stopWriter()
    await equal(pair)
    expect(fs.readFileSync(path.join(pair.two.folder, 'standby.pid'), 'utf8')).toBe('of the other node')
    expect(fs.existsSync(path.join(pair.two.folder, 'server.pid'))).toBe(false)
    expect(pair.one.faults).toEqual([])
  })

  test('roles swap without a mirror, a dead target gets a full one by itself, a lower role sequence is refused', async () => {
    fillTree(pair.one.folder)
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await bothComplete()
    await equal(pair)

    await pair.one.ask({ do: 'stop', force: false })
    await pair.two.ask({ do: 'stop', force: false })
    await pair.one.ask({ do: 'target', roleSequence: 2 })
    await pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: true })
    fs.writeFileSync(path.join(pair.two.folder, 'after the switch'), 'written on RMHW132')
    await pair.two.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(fs.readFileSync(path.join(pair.one.folder, 'after the switch'), 'utf8')).toBe('written on RMHW132')
    const sinceSwitch = pair.two.log.slice(pair.two.log.indexOf('source, role sequence 2'))
    expect(sinceSwitch).toContain('adopt from LSN')
    expect(sinceSwitch).not.toContain('mirror from LSN')
    await expect(pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })).rejects.toMatchObject({ code: 'E_ROLE_SEQUENCE_OLD' })

    await pair.one.kill()
    await pair.two.until('alone', ({ connected }) => !connected)
    fs.writeFileSync(path.join(pair.two.folder, 'while away'), 'x')
    await pair.one.start()
    expect((await pair.one.status()).role).toBe('none')
    await pair.one.ask({ do: 'target', roleSequence: 2 })
    await pair.one.until('mirrored', ({ copyComplete }) => copyComplete)
    await pair.two.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.two.folder, pair.one.folder, IGNORED)).toEqual([])
  })

  test('a target that ends in order goes on from its last LSN', async () => {
    fillTree(pair.one.folder)
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await bothComplete()
    await pair.two.leave()
    const random = randomSource(3)
    for (let i = 0; i < 50; i++) fs.writeFileSync(path.join(pair.one.folder, `many/file-${i}`), Buffer.alloc(Math.floor(random() * 9_000), i))
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.until('connected', ({ connected }) => connected)
    await equal(pair)
    expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
    expect(pair.one.log).toContain('resume from LSN')
  })

  test('a connection that is cut in the middle of the mirror is made again, and goes on from the last LSN', async () => {
    const { port, links } = pair.one.config
    let cuts = 0
    const relay = net.createServer((from) => {
      const to = net.connect(port, links[0]!.peerAddress)
      for (const [socket, other] of [
        [from, to],
        [to, from]
      ] as const) {
        socket
          .on('error', () => undefined)
          .on('close', () => other.destroy())
          .pipe(other)
      }
      let bytes = 0
      from.on('data', (chunk) => {
        bytes += chunk.length
        if (bytes > CUT_AFTER_BYTES && cuts++ === 0) from.destroy()
      })
    })
    await new Promise<void>((resolve) => relay.listen(port, '127.0.0.9', resolve))
    await pair.one.ask({ do: 'configure', config: { ...pair.one.config, links: [{ ...links[0]!, peerAddress: '127.0.0.9' }] } })
    fillTree(pair.one.folder)
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await bothComplete()
    await equal(pair)
    relay.close()
    expect(cuts).toBeGreaterThan(0)
    expect(pair.one.log.match(/mirror from LSN/g)).toHaveLength(1)
    expect(pair.one.log).toContain('resume from LSN')
  })

  test('a queue that overflows never stops the application; the target is mirrored again by itself', async () => {
    await pair.one.ask({ do: 'configure', config: { ...pair.one.config, pagefileBytes: 0 } })
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await bothComplete()
    await pair.two.end()
    await pair.one.until('alone', ({ connected }) => !connected)
    for (let i = 0; i < 40; i++) fs.writeFileSync(path.join(pair.one.folder, `big-${i}`), Buffer.alloc(1_000_000, i))
    await pair.one.until('overflowed', ({ needToVerify }) => needToVerify === 'Yes')
    await pair.two.start()
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.two.until('complete again', ({ copyComplete, connected }) => copyComplete && connected)
    await bothComplete()
    await equal(pair)
  })

  test('an old owner that went on writing is not overwritten before an administrator says so', async () => {
    fs.writeFileSync(path.join(pair.one.folder, 'both'), 'one')
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    fs.writeFileSync(path.join(pair.one.folder, 'only on one'), 'precious')
    await pair.two.ask({ do: 'source', roleSequence: 2, peerCopyComplete: false })
    await pair.one.ask({ do: 'target', roleSequence: 2 })
    await pair.two.until('undecided', ({ needToVerify }) => needToVerify === 'Manually')
    expect((await pair.one.status()).needToVerify).toBe('Manually')
    expect(fs.readFileSync(path.join(pair.one.folder, 'only on one'), 'utf8')).toBe('precious')
    await expect(pair.two.ask({ do: 'mirror', action: 'start' })).rejects.toMatchObject({ code: 'E_DIVERGED' })
    await pair.two.ask({ do: 'selectSource' })
    await pair.one.until('mirrored', ({ copyComplete }) => copyComplete)
    expect(fs.existsSync(path.join(pair.one.folder, 'only on one'))).toBe(false)
  })

  test('the control socket answers nonsense with an error and goes on', async () => {
    const reply = await pair.one.send('{"id": 77, "do": "dance"}', 77)
    expect(reply).toMatchObject({ id: 77, ok: false, error: { code: 'E_MIRRORD_REQUEST' } })
    expect(await pair.one.send('not JSON', 0)).toMatchObject({ ok: false, error: { code: 'E_MIRRORD_REQUEST' } })
    await expect(pair.one.ask({ do: 'configure', config: { ...pair.one.config, job: 'Other' } })).rejects.toMatchObject({ code: 'E_MIRRORD_CONFIG' })
    expect((await pair.one.status()).role).toBe('none')
  })
})

test('watch capture: the target follows what is written, renamed and removed, and a drain waits for it', async () => {
  const pair = makePair({ capture: 'watch' })
  try {
    const at = (name: string): string => path.join(pair.one.folder, name)
    await pair.one.start()
    await pair.two.start()
    fs.mkdirSync(at('before/deep'), { recursive: true })
    fs.writeFileSync(at('before/deep/file'), 'first')
    fs.writeFileSync(at('goes'), 'away')
    await pair.two.ask({ do: 'target', roleSequence: 1 })
    await pair.one.ask({ do: 'source', roleSequence: 1, peerCopyComplete: false })
    await pair.one.until('complete', ({ connected, needToVerify }) => connected && needToVerify === 'No')
    fs.writeFileSync(at('before/deep/file'), 'second')
    fs.renameSync(at('before'), at('after'))
    fs.unlinkSync(at('goes'))
    fs.mkdirSync(at('new/one'), { recursive: true })
    fs.writeFileSync(at('new/one/file'), Buffer.alloc(700_000, 'x'))
    await pair.one.ask({ do: 'drain', timeoutMs: 10_000 })
    expect(compareTrees(pair.one.folder, pair.two.folder)).toEqual([])
  } finally {
    await pair.end()
  }
})
