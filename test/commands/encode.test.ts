import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { decodeToken, encodeToken, type TokenPlace, tokenKeyFile } from '../../commands/kit/token'
import { fold } from '../../commands/kit/text'
import { Bench, callCui } from './harness'

let folder: string
let place: TokenPlace
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'token-'))
  place = { folder, uid: process.getuid?.() ?? 0, machine: 'a1b2c3' }
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'done'
  } catch (thrown) {
    return (thrown as { report: { code: string } }).report.code
  }
}

describe('a token', () => {
  test.each(['secret', '', ' with spaces ', '비밀번호 암호', 'x'.repeat(1024)])('gives back %j, and no two are alike', (password) => {
    const token = encodeToken(place, password)
    expect(decodeToken(place, `${token}\n`)).toBe(password)
    expect(token).toMatch(/^mpt1_[\w-]+$/)
    if (password !== '') expect(Buffer.from(token.slice(5), 'base64url').toString('latin1')).not.toContain(password)
    expect(encodeToken(place, password)).not.toBe(token)
  })

  test('does not show how long the password is', () => {
    expect(encodeToken(place, 'a').length).toBe(encodeToken(place, 'a much longer password than that').length)
    expect(codeOf(() => encodeToken(place, 'x'.repeat(1025)))).toBe('E_TOKEN_PASSWORD')
  })

  test('of another user, another machine, another home, or with one bit changed, opens nothing', () => {
    const token = encodeToken(place, 'secret')
    expect(codeOf(() => decodeToken({ ...place, machine: 'd4e5f6' }, token))).toBe('E_TOKEN_FOREIGN')
    expect(codeOf(() => decodeToken({ ...place, folder: path.join(folder, 'none') }, token))).toBe('E_TOKEN_FOREIGN')
    const bytes = Buffer.from(token.slice(5), 'base64url')
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(codeOf(() => decodeToken(place, `mpt1_${changed.toString('base64url')}`))).toBe('E_TOKEN_FOREIGN')
    }
    // Root may read the other one's key file, and still is somebody else.
    const stat = jest.spyOn(fs, 'statSync').mockReturnValue({ mode: 0o100600, uid: place.uid + 1 } as fs.Stats)
    expect(codeOf(() => decodeToken({ ...place, uid: place.uid + 1 }, token))).toBe('E_TOKEN_FOREIGN')
    expect(codeOf(() => decodeToken(place, token))).toBe('E_SHELL_FILE')
    stat.mockRestore()
  })

  test.each(['', 'secret', 'mpt1_', 'mpt1_AAAA', 'mpt2_', `mpt1_${'A'.repeat(9_000)}`, 'mpt1_ä'.repeat(40)])('is not %j', (text) => {
    encodeToken(place, 'secret')
    expect(codeOf(() => decodeToken(place, text))).toBe('E_TOKEN_STRANGE')
  })

  test('has a key that nobody else may read, which is made once', () => {
    const token = encodeToken(place, 'secret')
    const file = tokenKeyFile(place)
    const key = fs.readFileSync(file, 'utf8')
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    encodeToken(place, 'another')
    expect(fs.readFileSync(file, 'utf8')).toBe(key)
    expect(fs.readdirSync(folder)).toEqual(['token.key'])
    fs.chmodSync(file, 0o640)
    expect(codeOf(() => decodeToken(place, token))).toBe('E_SHELL_FILE')
    fs.chmodSync(file, 0o600)
    fs.writeFileSync(file, 'short')
    expect(codeOf(() => encodeToken(place, 'secret'))).toBe('E_SHELL_FILE')
  })
})

describe('encode, and open with what it gives', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await new Bench().up()
  })
  afterEach(() => bench.down())

  const opening = ['open', '192.168.150.151', '--account', 'administrator', '--trust-on-first-use']

  test('a script logs in with the token of a file, and the password stands nowhere', async () => {
    const file = path.join(bench.home, 'cui.token')
    const made = await bench.cui(['encode', '--password-file', bench.passwordFile, '--token-file', file])
    expect(made).toMatchObject({ exitCode: 0, out: expect.stringContaining(`The token is in ${file}.`) })
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    for (const name of fs.readdirSync(bench.home).filter((one) => one !== 'password'))
      expect(fs.readFileSync(path.join(bench.home, name), 'utf8')).not.toContain('secret')
    const opened = await bench.cui([...opening, '--token-file', file])
    expect(opened).toMatchObject({ exitCode: 0, out: expect.stringContaining('LicenseState: Valid') })
    expect(await bench.cui(['login', 'RMHW131', '--account', 'administrator', '--token-file', file])).toMatchObject({ exitCode: 0 })
    expect(await bench.cui(['encode', '--password-file', bench.passwordFile, '--token-file', file])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('there already')
    })
  })

  test('printed alone it can be kept by whoever called, and comes back through the environment', async () => {
    const { out } = await bench.cui(['encode', '--password-file', bench.passwordFile])
    expect(out).toMatch(/^mpt1_[\w-]+\n$/)
    const environment = { MIRRORPAIR_TOKEN: out.trim() }
    expect(await callCui(opening, bench.home, '', null, environment)).toMatchObject({ exitCode: 0 })
    const file = bench.file('kept', out)
    expect(await callCui(opening, bench.home, '', null, { MIRRORPAIR_TOKEN_FILE: file })).toMatchObject({ exitCode: 0 })
    expect(JSON.parse((await bench.cui(['encode', '--password-file', bench.passwordFile, '--json'])).out)).toMatchObject({
      dryRun: false,
      token: expect.stringMatching(/^mpt1_/),
      file: null
    })
  })

  test('a dry run writes nothing, not even a key', async () => {
    const before = fs.readdirSync(bench.home)
    expect(await bench.cui(['encode', '--dry-run', '--token-file', path.join(bench.home, 't')])).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('draw a key')
    })
    expect(fs.readdirSync(bench.home)).toEqual(before)
  })

  test('what cannot be used is refused before anything is sent', async () => {
    const token = (await bench.cui(['encode', '--password-file', bench.passwordFile])).out
    const file = bench.file('token', token)
    const heard = bench.a.heard.length
    fs.rmSync(path.join(bench.home, 'token.key'))
    expect(await bench.cui([...opening, '--token-file', file])).toMatchObject({ exitCode: 4, err: expect.stringContaining('token.key is not there') })
    expect(await bench.cui([...opening, '--token-file', bench.passwordFile])).toMatchObject({ exitCode: 4 })
    expect(await bench.cui([...opening, '--token-file', path.join(bench.home, 'none')])).toMatchObject({ exitCode: 1 })
    expect(await bench.cui([...opening, '--token-file', file, '--password-file', bench.passwordFile])).toMatchObject({ exitCode: 2 })
    expect(bench.a.heard.slice(heard).filter(({ line }) => line.includes('login'))).toEqual([])
    expect(await bench.cui(['encode'])).toMatchObject({ exitCode: 2, err: expect.stringContaining('--password-file FILE') })
  })
})

test('on a terminal that does not know its width, such as a serial console, the words stand as on any other', () => {
  expect(fold({ isTTY: true, columns: 0 }, 'once more:')).toBe('once more:')
})
