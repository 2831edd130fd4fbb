import { spawn, spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { checkUser, usersFileOf } from '../../../agent/api/usersFile'
import { serveMachine } from '../../../agent/engine/localDoor'
import { runSetup } from '../../../agent/setup'
import { configText, makeKeys, type Node, quiet, startNode, temporaryFolder } from '../api/kit'

const OCTET = 55
let folder: string
let config: string
const state = (node: string) => path.join(folder, node)
const read = (node: string, file: string) => fs.readFileSync(path.join(state(node), file))
const setup = (...words: string[]) => quiet(() => runSetup(words[0] as string, words.slice(1)))
const init = (...more: string[]) => setup('init', '--config', config, '--state', state('RMHW131'), '--node', 'RMHW131', ...more)

beforeEach(() => {
  folder = temporaryFolder()
  config = path.join(folder, 'mirrorpair.yaml')
  fs.writeFileSync(config, configText(OCTET, 47305))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function expectNode(node: string, octet: number): void {
  const certificate = new X509Certificate(read(node, 'tls/node.crt'))
  const authority = new X509Certificate(read(node, 'tls/ca.crt'))
  expect(certificate.verify(authority.publicKey) && certificate.checkIssued(authority)).toBe(true)
  expect([certificate.subject, certificate.ca, authority.ca]).toEqual([`CN=${node}`, false, true])
  expect(certificate.subjectAltName).toBe(
    `DNS:${node}, ${[`127.${OCTET}.0.${octet}`, `127.${OCTET}.1.${octet}`, `127.${OCTET}.2.${octet}`].map((address) => `IP Address:${address}`).join(', ')}`
  )
  expect(createPublicKey(createPrivateKey(read(node, 'tls/node.key'))).equals(certificate.publicKey)).toBe(true)
  expect(read(node, 'heartbeat.key')).toHaveLength(32)
  for (const secret of ['tls/node.key', 'heartbeat.key']) expect(fs.statSync(path.join(state(node), secret)).mode & 0o777).toBe(0o600)
}

test('init makes the keys of a node, and a second init changes nothing without --force', async () => {
  expect((await init()).out).toContain('mirrorpair-agent invite')
  expectNode('RMHW131', 1)
  const before = read('RMHW131', 'tls/node.key')
  expect(await init()).toMatchObject({ code: 5, err: expect.stringContaining('E_SETUP_EXISTS') })
  expect(read('RMHW131', 'tls/node.key')).toEqual(before)
  expect((await init('--force')).code).toBe(0)
  expect(read('RMHW131', 'tls/node.key')).not.toEqual(before)
})

test('init --all makes the keys of both nodes, of one authority and with one heartbeat key', async () => {
  expect((await setup('init', '--all', '--out', folder, '--config', config)).code).toBe(0)
  expectNode('RMHW131', 1)
  expectNode('RMHW132', 2)
  expect(read('RMHW131', 'tls/ca.crt')).toEqual(read('RMHW132', 'tls/ca.crt'))
  expect(read('RMHW131', 'heartbeat.key')).toEqual(read('RMHW132', 'heartbeat.key'))
  expect(fs.existsSync(path.join(state('RMHW131'), 'tls', 'ca.key'))).toBe(false)
})

test.each([
  ['a node of another cluster', ['init', '--node', 'RMHW139'], 1, 'E_SETUP_NODE'],
  ['an unknown option', ['init', '--al'], 2, 'E_SETUP_USAGE'],
  ['--all without --out', ['init', '--all'], 2, 'E_SETUP_USAGE'],
  ['an unknown command', ['frobnicate'], 2, 'E_SETUP_USAGE']
])('%s is refused in words', async (_what, words, code, text) => {
  const more = words[0] === 'init' ? ['--config', config, '--state', state('x')] : []
  expect(await setup(...words, ...more)).toMatchObject({ code, err: expect.stringContaining(text) })
  expect(fs.existsSync(state('x'))).toBe(false)
})

test('a wrong configuration is told with its line', async () => {
  fs.writeFileSync(config, configText(OCTET, 47305).replace('cluster: test', 'clustr: test'))
  expect(await init()).toMatchObject({ code: 1, err: expect.stringMatching(/line 1: .*clustr.*Did you mean cluster/s) })
})

describe('join', () => {
  let node: Node
  const join = (code: string, ...more: string[]) => setup('join', `127.${OCTET}.0.1:47305`, code, '--state', state('RMHW132'), '--node', 'RMHW132', ...more)
  const invite = async () => {
    const { out } = await setup('invite', '--config', config, '--state', state('RMHW131'), '--node', 'RMHW131')
    return /join \S+ (\S+)/.exec(out)?.[1] as string
  }

  beforeEach(async () => {
    await init()
    node = await startNode('RMHW131', folder)
    node.clock.ms = Date.now()
  })
  afterEach(() => node.stop())

  test('brings certificate and heartbeat key to the other node, and the two then talk', async () => {
    expect(await join((await invite()).toLowerCase())).toMatchObject({ code: 0, err: '' })
    expectNode('RMHW132', 2)
    expect(read('RMHW132', 'heartbeat.key')).toEqual(read('RMHW131', 'heartbeat.key'))
    expect(fs.existsSync(path.join(state('RMHW132'), 'tls', 'ca.key'))).toBe(false)
    const other = await startNode('RMHW132', folder)
    other.peer.onMessage(async () => ({ ok: true, result: 'hello' }))
    expect(await node.peer.send({ kind: 'ticket', ticket: 't', sinceStep: 0, waitMs: 0 }, 5_000)).toEqual({ ok: true, result: 'hello' })
    await other.stop()
    expect(node.audit()).toMatchObject([{ who: 'RMHW132', what: 'join', result: 'done' }])
  })

  test('works from a process of its own, with the keys made there', async () => {
    const main = path.join(folder, 'join.cjs')
    const sources = path.join(__dirname, '../../../agent/setup/index.ts')
    require('esbuild').buildSync({
      stdin: {
        contents: `require(${JSON.stringify(sources)}).runSetup('join', process.argv.slice(2)).then((code) => process.exit(code))`,
        resolveDir: __dirname
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node24',
      external: ['koffi'],
      supported: { 'dynamic-import': false },
      outfile: main
    })
    const words = [main, `127.${OCTET}.0.1:47305`, await invite(), '--state', state('RMHW132'), '--node', 'RMHW132']
    const code = await new Promise((resolve) => spawn(process.execPath, words, { stdio: 'ignore' }).once('exit', resolve))
    expect(code).toBe(0)
    expectNode('RMHW132', 2)
  })

  test('a code counts once', async () => {
    const code = await invite()
    expect((await join(code)).code).toBe(0)
    expect(await join(code, '--force')).toMatchObject({ code: 4, err: expect.stringContaining('E_JOIN_REFUSED') })
  })

  test('a code counts for ten minutes', async () => {
    const code = await invite()
    node.clock.ms += 10 * 60_000 + 1_000
    expect(await join(code)).toMatchObject({ code: 4, err: expect.stringContaining('E_JOIN_REFUSED') })
    expect(fs.existsSync(state('RMHW132'))).toBe(false)
  })

  test('five wrong codes end the invitation', async () => {
    const code = await invite()
    const wrong = `0000-0000-0000-0000.${code.split('.')[1]}`
    for (let tries = 0; tries < 5; tries++) expect((await join(wrong)).code).toBe(4)
    expect((await join(code)).code).toBe(4)
  })

  test('only the other node of the pair may join', async () => {
    expect(await join(await invite(), '--node', 'RMHW131')).toMatchObject({ code: 4, err: expect.stringContaining('E_JOIN_NODE') })
  })

  test('the secret half is not said to an agent of another cluster', async () => {
    const code = await invite()
    await node.stop()
    const otherCluster = await makeKeys(configText(OCTET, 47305))
    const impostor = await startNode('RMHW131', otherCluster)
    expect(await join(code)).toMatchObject({ code: 4, err: expect.stringContaining('E_JOIN_OTHER_CLUSTER') })
    expect(fs.existsSync(path.join(otherCluster, 'RMHW131', 'audit.log'))).toBe(false)
    await impostor.stop()
    fs.rmSync(otherCluster, { recursive: true })
  })

  test('what is not a code, and an agent that is away, are told', async () => {
    expect(await join('1234')).toMatchObject({ code: 2, err: expect.stringContaining('E_SETUP_CODE') })
    const code = await invite()
    await node.stop()
    expect(await join(code)).toMatchObject({ code: 3, err: expect.stringContaining('E_JOIN_UNREACHABLE') })
  })
})

test('users: added with a password from standard input, listed, removed', async () => {
  const main = path.join(folder, 'users.cjs')
  const sources = path.join(__dirname, '../../../agent/setup/index.ts')
  require('esbuild').buildSync({
    stdin: {
      contents: `require(${JSON.stringify(sources)}).runSetup('users', process.argv.slice(2)).then((code) => process.exit(code))`,
      resolveDir: __dirname
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: ['koffi'],
    supported: { 'dynamic-import': false },
    outfile: main
  })
  const add = (name: string, password: string) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [main, 'add', name, '--password-stdin', '--state', folder], { stdio: ['pipe', 'ignore', 'ignore'] })
      child.once('exit', resolve)
      child.stdin.end(`${password}\n`)
    })
  expect([await add('kim', '한글 비밀번호 1'), await add('lee', 'longenough'), await add('park', 'short'), await add('a b', 'longenough')]).toEqual([
    0, 0, 2, 2
  ])
  const file = usersFileOf(folder)
  expect([await checkUser(file, 'kim', '한글 비밀번호 1'), await checkUser(file, 'kim', 'x'), await checkUser(file, 'constructor', 'x')]).toEqual([
    true,
    false,
    false
  ])
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  expect((await setup('users', 'list', '--state', folder)).out).toBe('kim\nlee\n')
  expect((await setup('users', 'remove', 'lee', '--state', folder)).code).toBe(0)
  expect(await setup('users', 'remove', 'lee', '--state', folder)).toMatchObject({ code: 2, err: expect.stringContaining('E_USERS_NAME') })
  expect((await setup('users', 'list', '--state', folder)).out).toBe('kim\n')
})

describe('leave and units', () => {
  test.each([
    ['no engine', [], 3, 'E_LEAVE_NO_ENGINE'],
    ['a time that is none', ['--timeout', 'soon'], 2, 'E_SETUP_USAGE'],
    ['a time that is too long', ['--timeout', '2h'], 2, 'E_SETUP_USAGE'],
    ['a word too many', ['DB_Group'], 2, 'E_SETUP_USAGE']
  ])('leave with %s is refused in words', async (_what, words, code, text) => {
    expect(await setup('leave', '--run', folder, ...words)).toMatchObject({ code, err: expect.stringContaining(text) })
  })

  test('leave waits until all has left, and tells each change once', async () => {
    const views = [['DB_Group: is stopped on A'], ['DB_Group: is stopped on A'], ['DB_Group: B owns it']]
    let asked = 0
    const close = await serveMachine(folder, { leave: () => ({ left: asked > 1, lines: views[asked++] ?? [] }) })
    const { code, out } = await setup('leave', '--run', folder)
    close()
    expect({ code, lines: out.split('\n').slice(0, 2) }).toEqual({ code: 0, lines: ['DB_Group: is stopped on A', 'DB_Group: B owns it'] })
    expect(out).toMatch(/Left after [\d.]+ s/)
  })

  test('leave gives up at its timeout and says what is left', async () => {
    const close = await serveMachine(folder, { leave: () => ({ left: false, lines: ['DB_Group: still runs on A'] }) })
    expect(await setup('leave', '--run', folder, '--timeout', '1s')).toMatchObject({
      code: 6,
      err: expect.stringContaining('within 1s: DB_Group: still runs on A')
    })
    close()
  })

  test('a unit that is stopped while the machine goes on hands nothing over', async () => {
    const programs = path.join(folder, 'bin')
    fs.mkdirSync(programs)
    fs.writeFileSync(path.join(programs, 'systemctl'), '#!/bin/sh\necho running\n', { mode: 0o755 })
    const before = process.env.PATH
    process.env.PATH = `${programs}:${before}`
    let asked = 0
    const close = await serveMachine(folder, { leave: () => ({ left: true, lines: [`${asked++}`] }) })
    expect(await setup('leave', '--run', folder, '--when-shutting-down')).toMatchObject({ code: 0, out: expect.stringContaining('does not shut down') })
    expect(asked).toBe(0)
    fs.writeFileSync(path.join(programs, 'systemctl'), '#!/bin/sh\necho stopping\nexit 1\n', { mode: 0o755 })
    expect((await setup('leave', '--run', folder, '--when-shutting-down')).code).toBe(0)
    expect(asked).toBe(1)
    close()
    process.env.PATH = before
  })

  test('the units are what systemd takes', async () => {
    const program = path.join(folder, 'mirrorpair-agent')
    fs.writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
    expect((await setup('units', '--out', folder, '--program', program)).out).toContain(
      'systemctl enable --now mirrorpair-agent.service mirrorpair-shutdown.service'
    )
    expect((await setup('units', '--witness', '--out', folder, '--program', program)).code).toBe(0)
    const files = ['mirrorpair-agent.service', 'mirrorpair-shutdown.service', 'mirrorpair-witness.service'].map((name) => path.join(folder, name))
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8', env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning' } })
    if (verified.error && process.env.CI !== 'true') return process.stdout.write('left out: systemd-analyze verify: systemd is not installed\n')
    expect(verified.error).toBeUndefined()
    expect({ status: verified.status, said: verified.stderr.split('\n').filter((line) => line.includes('mirrorpair')) }).toEqual({ status: 0, said: [] })
  })

  test('systemd never gives up starting the programs: what they lack at a boot may come later', async () => {
    for (const options of [[], ['--witness']]) {
      const programs = (await setup('units', ...options)).out.split(/^# /m).filter((unit) => unit.includes('Restart=always'))
      expect(programs).toHaveLength(1)
      expect(/\[Unit\]\n(?:.+\n)*/.exec(programs[0]!)?.[0]).toContain('StartLimitIntervalSec=0\n')
    }
  })

  test('what the manual shows is what units prints', async () => {
    const manual = fs.readFileSync(path.join(__dirname, '../../../man/mirrorpair-agent.8'), 'utf8')
    const { out } = await setup('units')
    for (const line of out.split('\n').filter((each) => each.includes('='))) expect(manual.split('\n')).toContain(line)
  })
})
