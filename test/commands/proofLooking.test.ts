import fs from 'node:fs'
import path from 'node:path'
import { wordsOf } from '../../commands/line'
import { KeptPair, LOOKS, ONLINE, PAIR_FILE, picture } from './simulation'

const MANUAL = fs.readFileSync(path.join(__dirname, '..', '..', 'man', 'cui.1'), 'utf8')
const JSON_SECTION = MANUAL.slice(MANUAL.indexOf('.Sh JSON'), MANUAL.indexOf('.Sh ENVIRONMENT'))

/** Every line that only looks: the keys of its object, and where it is refused: the code, the exit code. */
const LOOKING: [line: string, keys: string, refused: string, code: string, exitCode: number][] = [
  ['agents list', 'agents unheard', 'agents describe', 'E_USAGE', 2],
  ['allstate', 'hosts heartbeats jobs problems', 'allstate --node RMHW139', 'E_NODE_NOT_OPEN', 3],
  ['hbtstate', 'links problems', 'hbtstate --node RMHW139', 'E_NODE_NOT_OPEN', 3],
  ['jobstate', 'jobs problems', 'jobstate --node RMHW139', 'E_NODE_NOT_OPEN', 3],
  [
    'jobstate DB_Group',
    'job owner state ageMs properties record mode observers phase note detached monitor vips applications data problems',
    'jobstate Mail',
    'E_JOB_NOT_FOUND',
    2
  ],
  ['list', 'nodes', 'list RMHW131', 'E_USAGE', 2],
  ['use DB_Group', 'node job', 'use Mail', 'E_USAGE', 2],
  ['mirror DB_Group status', 'job partners witness problems', 'mirror Mail status', 'E_JOB_NOT_FOUND', 2],
  ['verify DB_Group report', 'job node mode state startedAtMs endedAtMs total listed differences', 'verify Mail report', 'E_JOB_NOT_FOUND', 2],
  ['history DB_Group', 'job changes unheard', 'history Mail', 'E_JOB_NOT_FOUND', 2],
  ['drill DB_Group history', 'job entries', 'drill Mail history', 'E_JOB_NOT_FOUND', 2],
  ['why DB_Group', 'job owner standby serve failover switch monitor unheard disagreement', 'why Mail', 'E_JOB_NOT_FOUND', 2],
  ['ready DB_Group', 'job ready questions owner standby', 'ready DB_Group monitor', 'E_NOT_READY', 5],
  ['status query DB_Group is-online', 'job query answer why', 'status query Mail is-online', 'E_JOB_NOT_FOUND', 1],
  ['wait DB_Group online', 'job state node waitedMs', 'wait DB_Group offline --timeout 1s', 'E_WAIT_TIMEOUT', 6],
  ['log --last 5', 'events problems', 'log --since yesterday', 'E_USAGE', 2],
  ['watch DB_Group', 'hosts heartbeats jobs problems job', 'watch Mail', 'E_JOB_NOT_FOUND', 2],
  ['hostid', 'nodes problems', 'hostid --node RMHW139', 'E_NODE_NOT_OPEN', 3],
  ['license show', 'nodes problems', 'license show RMHW139', 'E_NODE_NOT_OPEN', 3],
  [`config check ${PAIR_FILE}`, 'file ok problems unchecked config', 'config check /nowhere.yaml', 'E_SHELL_FILE', 1],
  ['config show', 'isAgreed version hash text by why node wallMs witnessSince id', 'config show 9', 'E_NO_SUCH_PART', 2],
  ['config history', 'node isAgreed prepared versions', 'config history --reason', 'E_USAGE', 2],
  [`config diff ${PAIR_FILE}`, 'node version differences problems', 'config diff /nowhere.yaml', 'E_SHELL_FILE', 1],
  ['link list', 'links', 'link list --node RMHW139', 'E_NODE_NOT_OPEN', 3],
  ['job show DB_Group', 'job node version isAgreed text config', 'job show Mail', 'E_JOB_NOT_FOUND', 2],
  ['witness show', 'witness', 'witness show --node RMHW139', 'E_NODE_NOT_OPEN', 3],
  ['monitor list', 'nodes', 'monitor list RMHW139', 'E_NO_SUCH_PART', 2],
  ["monitor test RMHW131 --condition 'cpu >= 70%'", 'nodes', "monitor test RMHW131 --condition 'cpu is high'", 'E_USAGE', 2],
  ['monitor history', 'entries', 'monitor history RMHW139', 'E_NO_SUCH_PART', 2],
  ['help switch', 'name summary usage example guide options', 'help fly', 'E_COMMAND_UNKNOWN', 2],
  ['version', 'version', 'version 2', 'E_USAGE', 2],
  ['sim', 'file atMs wallMs machines witness cuts broken', 'sim fly', 'E_USAGE', 2]
]

const pair = new KeptPair()
beforeAll(async () => {
  await pair.done([...ONLINE, 'sim advance 1m'])
})
afterAll(() => pair.end())

describe.each(LOOKING)('%s', (line, keys, refused, code, exitCode) => {
  test('in words, and as one object whose keys are those of the manual; nothing is changed by it', async () => {
    const before = picture(await pair.done(LOOKS))
    const said = await pair.cui(wordsOf(line))
    expect(said).toMatchObject({ exitCode: 0, err: '' })
    expect(said.out).not.toMatch(/^$|^\{|\bat .*:\d+:\d+/)
    const object = await pair.cui([...wordsOf(line), '--json'])
    expect(Object.keys(JSON.parse(object.out) as object)).toEqual(keys.split(' '))
    expect(keys.split(' ').filter((key) => !new RegExp(`\\b${key}\\b`).test(JSON_SECTION))).toEqual([])
    expect((await pair.done([line]))[0]).toHaveProperty(keys.split(' ')[0] ?? '')
    expect(picture(await pair.done(LOOKS))).toBe(before)
  })

  test(`what cannot be is told with what to do: ${refused}`, async () => {
    const ran = await pair.cui([...wordsOf(refused), '--json'])
    expect({ ran, exitCode: ran.exitCode }).toMatchObject({ exitCode })
    expect(JSON.parse(ran.out)).toEqual({ error: { code, message: expect.stringMatching(/\w/), tryThis: expect.stringMatching(/\w/), node: null, exitCode } })
    const words = await pair.cui(wordsOf(refused))
    expect(words).toMatchObject({ exitCode, out: '', err: expect.stringContaining('\nTry: ') })
  })
})
