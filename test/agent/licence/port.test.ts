import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createLicencePort } from '../../../agent/adapters'
import { factsOf } from '../../../agent/adapters/licence/facts'
import { sha256 } from '../../../agent/adapters/licence/hash'
import { Licensing as NodeLicensing } from '../../../agent/engine/licensing'
import type { LicencePort } from '../../../agent/ports'
import { runSetup } from '../../../agent/setup'
import { hostIdOf, judgeLicence, type LicenceFacts, type NetworkCard } from '../../../src/model'
import { quiet } from '../api/kit'
import { inDays, type Licensing, newLicensor } from './kit'

const CARDS: NetworkCard[] = [{ name: 'eno1', hardware: '52:54:00:12:34:56' }]
const HOST = hostIdOf(CARDS, sha256) as string
const OTHER_HOST = 'G2MJ4RBZ592MSFY29TWZ'

let esk: Licensing
let folder: string
beforeAll(async () => {
  esk = await newLicensor()
})
afterAll(() => esk.remove())
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'licence-'))
  fs.mkdirSync(path.join(folder, 'state'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const text = (file: string): string => fs.readFileSync(file, 'utf8')
const installed = (): string => path.join(folder, 'state', 'license.lic')
const port = (cards = CARDS): LicencePort =>
  createLicencePort({ configFile: path.join(folder, 'mirrorpair.yaml'), stateDirectory: path.join(folder, 'state') }, async () => cards)
const required = (content = esk.licensor): void => fs.writeFileSync(path.join(folder, 'licensor.json'), content, { mode: 0o600 })
const factsWith = (licence: string | null): LicenceFacts => factsOf({ licensor: esk.licensor, trouble: null, licence }, HOST)
const wordOf = (facts: LicenceFacts): string => judgeLicence(facts, Date.now()).word

describe('a file', () => {
  test('that the distributor has signed for this machine is valid', async () => {
    const facts = factsWith(text(await esk.sign(HOST.toLowerCase(), inDays(100))))
    expect(facts).toMatchObject({ bad: null, licence: { hostId: HOST, licensee: '서울 DB', expires: inDays(100) } })
    expect(wordOf(facts)).toBe('Valid')
  })

  test('in which any word was changed since is not', async () => {
    const signed = JSON.parse(text(await esk.sign(HOST, inDays(1)))) as Record<string, unknown>
    for (const change of [
      { expires: inDays(1000) },
      { expires: null },
      { hostId: OTHER_HOST },
      { licensee: 'Busan DB' },
      { serial: '2' },
      { issued: '2001-01-01' }
    ])
      expect([change, wordOf(factsWith(JSON.stringify({ ...signed, ...change })))]).toEqual([change, 'BadSignature'])
  })

  test('that another distributor has signed is not', async () => {
    const other = await newLicensor()
    expect(wordOf(factsWith(text(await other.sign(HOST))))).toBe('BadSignature')
    other.remove()
  })

  test.each(['', '{}', 'null', '[]', '{"product":"mirrorpair"}', '\0', '{"expires":"tomorrow"}'])('of %j is none, and breaks nothing', (content) => {
    expect(factsWith(content)).toMatchObject({ licence: null, bad: expect.stringContaining('no licence') })
  })

  test('with what could pass for another line of what is signed is none', async () => {
    const signed = JSON.parse(text(await esk.sign(HOST))) as Record<string, unknown>
    expect(factsWith(JSON.stringify({ ...signed, licensee: 'A\nB' })).licence).toBeNull()
    expect(factsWith(JSON.stringify({ ...signed, more: 1 })).licence).toBeNull()
    expect(factsWith(JSON.stringify({ ...signed, expires: '2027-02-30' })).licence).toBeNull()
  })
})

describe('a node', () => {
  test('without licensor.json is free, whatever stands in its state directory', async () => {
    fs.writeFileSync(installed(), 'rubbish')
    expect(await port().look()).toMatchObject({ licensor: null, trouble: null, bad: null })
  })

  test('with one needs a licence; what is installed is there after a restart, and goes when it is removed', async () => {
    required()
    expect(wordOf(await port().look())).toBe('Missing')
    await port().save(text(await esk.sign(HOST)))
    expect(wordOf(await port().look())).toBe('Valid')
    expect(fs.statSync(installed()).mode & 0o777).toBe(0o600)
    expect(wordOf(await port([{ name: 'eno1', hardware: '52:54:00:12:34:99' }]).look())).toBe('WrongHost')
    await port().save(null)
    await port().save(null)
    expect(wordOf(await port().look())).toBe('Missing')
  })

  test('does not trust a licensor.json that others can change, or that is no JSON, and says so', async () => {
    required()
    fs.chmodSync(path.join(folder, 'licensor.json'), 0o622)
    expect(await port().look()).toMatchObject({ licensor: null, trouble: expect.stringContaining('can be changed by others') })
    fs.chmodSync(path.join(folder, 'licensor.json'), 0o600)
    for (const content of ['', '{', JSON.stringify({ ...JSON.parse(esk.licensor), formatVersion: 2 }), ' '.repeat(20_000)]) {
      required(content)
      expect(await port().look()).toMatchObject({ licensor: null, trouble: expect.stringContaining('licensor.json cannot be used') })
    }
  })

  test('with a file too large for a licence has none', async () => {
    required()
    fs.writeFileSync(installed(), `${text(await esk.sign(HOST))}${' '.repeat(20_000)}`)
    expect(await port().look()).toMatchObject({ licence: null, bad: expect.any(String) })
  })
})

describe('install', () => {
  const seen: LicenceFacts[] = []
  const said: string[] = []
  const licensing = (licence = port()): NodeLicensing =>
    new NodeLicensing({
      node: 'RMHW131',
      ports: {
        licence,
        log: { event: (_level, line) => void said.push(line) },
        clock: { nowMs: () => 0, bootId: () => 'this-boot', wallMs: () => Date.now(), after: () => () => undefined }
      },
      seen: (facts) => void seen.push(facts)
    })
  beforeEach(() => {
    seen.length = 0
    said.length = 0
  })
  const codeOf = async (work: Promise<unknown>): Promise<string> =>
    await work.then(
      () => 'done',
      (error: { report: { code: string } }) => error.report.code
    )

  test('a dry run says what would be and writes nothing; then it is in force at once', async () => {
    required()
    const node = licensing()
    const licence = text(await esk.sign(HOST, inDays(10)))
    expect(await node.change({ text: licence, dryRun: true }, 'root')).toMatchObject({
      dryRun: true,
      before: { word: 'Missing' },
      after: { word: 'Valid', daysLeft: 11 }
    })
    expect(fs.existsSync(installed())).toBe(false)
    expect(await node.change({ text: licence }, 'root')).toMatchObject({ before: { word: 'Missing' }, after: { word: 'Valid' } })
    expect(seen.map(wordOf)).toEqual(['Missing', 'Valid'])
    expect(said).toEqual(['The licence of RMHW131 was installed, typed by root'])
    expect(node.judged().word).toBe('Valid')
    expect(await node.show()).toMatchObject({ node: 'RMHW131', hostId: HOST, licensor: 'ESK Solution', licensee: '서울 DB', required: true })
  })

  test('what is wrong with a file is named, and the one that is there stays', async () => {
    required()
    const node = licensing()
    const good = text(await esk.sign(HOST))
    await node.change({ text: good }, 'root')
    const signed = JSON.parse(good) as object
    const wrong: [string, string][] = [
      ['rubbish', 'E_LICENSE_FILE'],
      [JSON.stringify({ ...signed, licensee: 'x' }), 'E_LICENSE_SIGNATURE'],
      [text(await esk.sign(OTHER_HOST)), 'E_LICENSE_HOST'],
      [text(await esk.sign(HOST, inDays(-2))), 'E_LICENSE_EXPIRED']
    ]
    for (const [content, code] of wrong)
      for (const dryRun of [true, false]) {
        expect([code, await codeOf(node.change({ text: content, dryRun }, 'root'))]).toEqual([code, code])
        expect(text(installed())).toBe(good)
      }
    expect(node.judged().word).toBe('Valid')
  })

  test('a temporary one is followed by the final one, and a node that is free takes none', async () => {
    const node = licensing()
    expect(await codeOf(node.change({ text: text(await esk.sign(HOST)) }, 'root'))).toBe('E_LICENSE_FREE')
    required()
    await node.change({ text: text(await esk.sign(HOST, inDays(3))) }, 'root')
    expect((await node.change({ text: text(await esk.sign(HOST, 'never')) }, 'root')).after).toMatchObject({ word: 'Valid', expires: null })
    expect((await node.change({ text: null }, 'root')).after.word).toBe('Missing')
    expect(fs.existsSync(installed())).toBe(false)
  })

  test('a disk that does not take it is told, and what is in force stays', async () => {
    required()
    const broken = { ...port(), save: () => Promise.reject(new Error('ENOSPC: no space left on device')) }
    const node = licensing(broken)
    expect(await codeOf(node.change({ text: text(await esk.sign(HOST)) }, 'root'))).toBe('E_LICENSE_SAVE')
    expect(node.judged().word).toBe('Missing')
  })

  test('cards that cannot be read are told once, and what was seen before goes on counting', async () => {
    required()
    fs.writeFileSync(installed(), text(await esk.sign(HOST)), { mode: 0o600 })
    const whole = port()
    let readable = true
    const node = licensing({ ...whole, look: (instead) => (readable ? whole.look(instead) : Promise.reject(new Error('no answer within 5000 ms'))) })
    await node.show()
    readable = false
    expect(await codeOf(node.show())).toBe('E_LICENSE_LOOK')
    for (let i = 0; i < 3; i++) node.start()
    await codeOf(node.show())
    expect(said).toEqual(['RMHW131 cannot look at its licence: no answer within 5000 ms'])
    expect(node.judged().word).toBe('Valid')
  })
})

describe("the distributor's tool", () => {
  const tool = (...argv: string[]) => quiet(() => runSetup('license', argv))

  test('keeps its key from others, and never writes over one', async () => {
    expect(fs.statSync(path.join(esk.folder, 'licensor.key')).mode & 0o777).toBe(0o600)
    const before = text(path.join(esk.folder, 'licensor.key'))
    expect(await tool('keygen', '--name', 'Other', '--out', esk.folder)).toMatchObject({ code: 5, err: expect.stringContaining('E_LICENSE_EXISTS') })
    expect(text(path.join(esk.folder, 'licensor.key'))).toBe(before)
    expect(esk.licensor).not.toContain('PRIVATE')
  })

  test('says what is missing or wrong, and writes nothing', async () => {
    const out = path.join(folder, 'x.lic')
    const key = path.join(esk.folder, 'licensor.key')
    const whole = ['sign', '--key', key, '--host-id', HOST, '--licensee', 'A', '--expires', '2030-01-01', '--out', out]
    const without = (option: string): string[] => whole.filter((_, i) => whole[i] !== option && whole[i - 1] !== option)
    for (const option of ['--key', '--host-id', '--licensee', '--expires', '--out'])
      expect(await tool(...without(option))).toMatchObject({ code: 2, err: expect.stringContaining(`${option} is missing`) })
    expect(await tool(...without('--host-id'), '--host-id', 'short')).toMatchObject({ code: 2, err: expect.stringContaining('host id') })
    expect(await tool(...without('--expires'), '--expires', 'soon')).toMatchObject({ code: 2, err: expect.stringContaining('expires') })
    expect(await tool(...without('--key'), '--key', out)).toMatchObject({ code: 1, err: expect.stringContaining('E_LICENSE_KEY') })
    expect(await tool('frobnicate')).toMatchObject({ code: 2 })
    expect(fs.existsSync(out)).toBe(false)
    expect((await tool(...whole)).code).toBe(0)
    expect((await tool(...whole)).code).toBe(5)
  })

  test('a licence that is not required is shown, and nothing is refused without', async () => {
    const gentle = await newLicensor('--not-required')
    expect(judgeLicence(factsOf({ licensor: gentle.licensor, trouble: null, licence: null }, HOST), Date.now())).toMatchObject({
      word: 'Valid',
      refuses: false
    })
    gentle.remove()
  })
})
