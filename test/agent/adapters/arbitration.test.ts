import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { FENCE_DIRECTORIES, fence } from '../../../agent/adapters/arbitration/fence'
import { reach } from '../../../agent/adapters/arbitration/reach'
import { identify } from '../../../agent/adapters/processes'
import type { FenceConfig } from '../../../src/model'
import { ReportError } from '../../../src/report/report'
import { FENCE_AGENT, testUnless, whyNoFenceAgent } from '../../e2e/kit/needs'
import { A, B } from '../../fakes/pairConfig'

/** Nobody has it, and nobody can (RFC 1112). */
const NOBODY = '240.0.0.1'
const HERE = '127.0.0.1'

test.each<[reach: string[], need: 'any' | 'all', reached: boolean]>([
  [[HERE], 'any', true],
  [[NOBODY], 'any', false],
  [[NOBODY, HERE], 'any', true],
  [[NOBODY, HERE], 'all', false],
  [[HERE, '::1'], 'all', true]
])('of %p, %s: reached %p', async (addresses, need, reached) => {
  const answer = await reach({ reach: addresses, need, timeoutMs: 600, fence: null })
  expect(answer.reached).toBe(reached)
  expect(answer.why.includes(NOBODY)).toBe(addresses.includes(NOBODY))
})

describe('a fence agent', () => {
  let directory: string
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-fence-'))
  })
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

  const config = (change: Partial<FenceConfig> = {}): FenceConfig => ({
    agent: 'fence_standin',
    timeoutMs: 5_000,
    options: { username: 'admin' },
    nodes: { [A]: { plug: '1' }, [B]: { plug: '2' } },
    passwordFile: null,
    ...change
  })

  /** A stand-in, not an agent: it writes down what it is told, and how it was called. */
  function standIn(lines: string): string {
    const noted = path.join(directory, 'noted')
    const script = ['#!/bin/sh', `told=$(cat); printf '%s\\n--\\n' "$told" >> ${noted}; tr '\\0' ' ' < /proc/$$/cmdline >> ${noted}.call`, lines]
    fs.writeFileSync(path.join(directory, 'fence_standin'), `${script.join('\n')}\n`, { mode: 0o755 })
    return noted
  }
  const isStatus = 'case "$told" in *action=status*) '

  const why = async (call: Promise<void>): Promise<string> => {
    const error = await call.then(
      () => null,
      (problem: unknown) => problem
    )
    return error instanceof ReportError && error.report.code === 'E_FENCE' ? error.report.message : `no refusal: ${String(error)}`
  }

  test('is told everything on its standard input, the password too, and nothing on its command line', async () => {
    const passwordFile = path.join(directory, 'password')
    fs.writeFileSync(passwordFile, 'tiger\n')
    const noted = standIn(`${isStatus} exit 2;; esac; exit 0`)
    await fence(B, config({ passwordFile }), A, [directory])
    const calls = fs.readFileSync(noted, 'utf8').split('--\n')
    expect(calls.slice(0, 2)).toEqual(['off', 'status'].map((action) => `action=${action}\nusername=admin\nplug=1\npasswd=tiger\n`))
    expect(fs.readFileSync(`${noted}.call`, 'utf8')).not.toMatch(/tiger|plug|action/)
  })

  test('that says "off" and means it not is asked twice, then it is refused', async () => {
    const noted = standIn('exit 0')
    expect(await why(fence(B, config(), A, [directory]))).toContain(`status says that ${A} is on`)
    expect(fs.readFileSync(noted, 'utf8').match(/action=off/g)).toHaveLength(2)
  })

  test('that fails at first is asked a second time', async () => {
    standIn(`${isStatus} [ -e ${directory}/second ] && exit 2; touch ${directory}/second; exit 1;; esac; exit 0`)
    expect(await fence(B, config(), A, [directory])).toBeUndefined()
  })

  test('that hangs is ended with all that it has started', async () => {
    standIn(`sleep 300 & echo $! > ${directory}/child; wait`)
    expect(await why(fence(B, config({ timeoutMs: 300 }), A, [directory]))).toContain('off did not end within 300 ms')
    const child = Number(fs.readFileSync(path.join(directory, 'child'), 'utf8'))
    expect(identify(child)).toBeNull()
  })

  /** As the connection that `ssh` keeps open for the next call. */
  const leavesBehind = (): string => `setsid sleep 300 & echo $! >> ${directory}/left`
  const endLeftBehind = (): void => {
    for (const pid of fs.readFileSync(path.join(directory, 'left'), 'utf8').trim().split('\n')) process.kill(Number(pid), 'SIGKILL')
  }

  test('that leaves something behind which keeps its output open is believed by its exit code', async () => {
    standIn(`${isStatus} exit 2;; esac; ${leavesBehind()}; exit 0`)
    expect(await fence(B, config(), A, [directory])).toBeUndefined()
    endLeftBehind()
  })

  test('that hangs, with something in a session of its own, does not keep its caller waiting', async () => {
    standIn(`${leavesBehind()}; sleep 300`)
    expect(await why(fence(B, config({ timeoutMs: 300 }), A, [directory]))).toContain('off did not end within 300 ms')
    endLeftBehind()
  })

  test('does not get its password into a message', async () => {
    const passwordFile = path.join(directory, 'password')
    fs.writeFileSync(passwordFile, 'tiger')
    standIn('echo "login with tiger was refused" >&2; exit 1')
    const message = await why(fence(B, config({ passwordFile }), A, [directory]))
    expect(message).toContain('login with •••')
    expect(message).not.toContain('tiger')
  })

  test('that is not installed, or whose password cannot be read, is named', async () => {
    expect(await why(fence(B, config({ agent: 'fence_none' }), A, [directory]))).toContain(directory)
    standIn('exit 0')
    expect(await why(fence(B, config({ passwordFile: path.join(directory, 'none') }), A, [directory]))).toContain('password cannot be read')
  })

  /** The real one, of Debian's package. */
  testUnless(whyNoFenceAgent())(
    'of Debian (fence_dummy) switches off, and is believed by its status',
    async () => {
      const status = path.join(directory, 'status')
      fs.writeFileSync(status, 'on')
      await fence(B, config({ agent: FENCE_AGENT, timeoutMs: 20_000, options: { type: 'file', status_file: status }, nodes: {} }), A, FENCE_DIRECTORIES)
      expect(fs.readFileSync(status, 'utf8').trim()).toBe('off')
    },
    60_000
  )
})
