import fs from 'node:fs'
import path from 'node:path'
import { nodeView } from '../../src/core'
import { problems } from '../../src/core/problems'
import { judgeLicence, type LicenceFacts } from '../../src/model'
import { WALL_MS, type World } from '../fakes/world'
import { B } from '../fakes/pairConfig'
import { play } from '../scenarios/runner'
import { type Answer, Desk, owner, peerView, standby, withoutData } from './desk'

const HOST = '8HGE91Y528G9CN5QJCRD'
const LICENCE = { serial: '1', licensee: 'Seoul DB', hostId: HOST, issued: '2019-01-01', expires: '2019-11-05' }
const FACTS: LicenceFacts = { licensor: { name: 'ESK', required: true }, trouble: null, hostId: HOST, licence: LICENCE, bad: null }
const FREE: LicenceFacts = { licensor: null, trouble: null, hostId: HOST, licence: null, bad: null }
const MISSING: LicenceFacts = { ...FACTS, licence: null }
const EXPIRED: LicenceFacts = { ...FACTS, licence: { ...LICENCE, expires: '2019-09-22' } }

const at = (text: string): number => Date.parse(text)
const DURING = at('2019-10-01T12:00:00Z')

describe('what a licence is', () => {
  test.each([
    ['nobody asks for one', FREE, DURING, 'Valid', false],
    ['not looked at yet', null, DURING, 'Valid', false],
    ['valid', FACTS, DURING, 'Valid', false],
    ['its last second', FACTS, at('2019-11-05T23:59:59.999Z'), 'Valid', false],
    ['the second after', FACTS, at('2019-11-06T00:00:00Z'), 'Expired', true],
    ['for ever', { ...FACTS, licence: { ...LICENCE, expires: null } }, at('2999-01-01T00:00:00Z'), 'Valid', false],
    ['a clock that was set back', FACTS, at('1970-01-02T00:00:00Z'), 'Valid', false],
    ['another machine', { ...FACTS, hostId: 'G2MJ4RBZ592MSFY29TWZ' }, DURING, 'WrongHost', true],
    ['a machine without cards', { ...FACTS, hostId: null }, DURING, 'WrongHost', true],
    ['changed by somebody', { ...FACTS, bad: 'it was not signed by ESK' }, DURING, 'BadSignature', true],
    ['none', MISSING, DURING, 'Missing', true],
    ['a licensor that cannot be read', { ...FREE, trouble: 'licensor.json is no JSON' }, DURING, 'BadSignature', true],
    ['none, and it is not required', { ...MISSING, licensor: { name: 'ESK', required: false } }, DURING, 'Valid', false],
    ['over, and it is not required', { ...EXPIRED, licensor: { name: 'ESK', required: false } }, DURING, 'Expired', false]
  ] as [string, LicenceFacts | null, number, string, boolean][])('%s', (_, facts, wallMs, word, refuses) => {
    const judged = judgeLicence(facts, wallMs)
    expect(judged).toMatchObject({ word, refuses })
    expect(judged.why === null).toBe(word === 'Valid')
  })

  test('days are counted with today', () => {
    const left = (time: string) => judgeLicence(FACTS, at(time)).daysLeft
    expect([left('2019-11-05T00:00:00Z'), left('2019-11-05T23:00:00Z'), left('2019-11-04T23:00:00Z'), left('2019-10-07T01:00:00Z')]).toEqual([1, 1, 2, 30])
  })
})

const codeOf = (answer: Answer): string => (answer.is === 'refused' ? answer.error.code : answer.is)

/** The same node, and what it was told of its licence. */
function told(desk: Desk, facts: LicenceFacts): Desk {
  desk.tell({ kind: 'licenceSeen', facts })
  return desk
}

/** The owner, and the job is out of service. */
function out(): Desk {
  const desk = owner(withoutData())
  desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
  desk.command('bringout')
  desk.endAll()
  return desk
}

describe('what is refused for it', () => {
  test('a job that is out of service is not brought in, with what to do; nothing begins', () => {
    const desk = told(out(), MISSING)
    const answer = desk.command('bringin')
    expect(answer).toMatchObject({
      is: 'refused',
      error: { code: 'E_LICENSE_REQUIRED', exitCode: 5, message: expect.stringContaining('Missing'), tryThis: expect.stringContaining('license install') }
    })
    expect(desk.orders).toEqual([])
    expect(codeOf(desk.command('bringin', { dryRun: true }))).toBe('E_LICENSE_REQUIRED')
    expect(codeOf(told(desk, FACTS).command('bringin'))).toBe('accepted')
  })

  test('what is not required, or free, refuses nothing', () => {
    for (const facts of [FREE, { ...EXPIRED, licensor: { name: 'ESK', required: false } }])
      expect(codeOf(told(out(), facts).command('bringin'))).toBe('accepted')
  })

  test('everything else that can be typed at a job that serves is answered as with a valid one', () => {
    const commands = [
      'bringin',
      'bringout',
      'switch',
      'takeover',
      'mirror',
      'verify',
      'transmit',
      'bandwidth',
      'safety',
      'detach',
      'resource',
      'upgrade'
    ] as const
    const more = { mirror: { action: 'start' }, verify: { action: 'start' }, transmit: { action: 'pause' }, safety: { safety: 'off' } } as Record<
      string,
      object
    >
    const answers = (facts: LicenceFacts) =>
      commands.map((command) => {
        const desk = told(owner(), facts)
        desk.peerSays(peerView(B, { desired: 'online', mirrorInSync: true }, { config: desk.config }))
        const options = command === 'resource' ? { application: 'AGENT', action: 'offline' as const } : (more[command] ?? {})
        return [command, codeOf(desk.command(command, options))]
      })
    expect(answers(EXPIRED)).toEqual(answers(FACTS))
    expect(answers(EXPIRED).flat()).not.toContain('E_LICENSE_REQUIRED')
  })

  test('a detached job is watched again, and a lost one is forced into service, without one', () => {
    const desk = owner(withoutData())
    desk.peerSays(peerView(B, { desired: 'online' }, { config: desk.config }))
    desk.command('detach')
    const { detached = null, detachSequence = 0 } = desk.job.record
    desk.peerSays(peerView(B, { desired: 'online', detached, detachSequence }, { config: desk.config }))
    expect(codeOf(told(desk, EXPIRED).command('bringin'))).toBe('accepted')
    const alone = () => standby({ owner: B, desired: 'online' }).hear({ peerAlive: false })
    expect(codeOf(told(alone(), EXPIRED).command('forcetake', { dryRun: true }))).toBe(codeOf(told(alone(), FACTS).command('forcetake', { dryRun: true })))
  })
})

describe('what is said of it', () => {
  /** The wall clock of a desk is its own; the licence is made to end so many days from now instead. */
  const endingIn = (desk: Desk, days: number): LicenceFacts => {
    const expires = new Date(desk.state.wallMs + days * 86_400_000).toISOString().slice(0, 10)
    return { ...FACTS, licence: { ...LICENCE, expires } }
  }

  test('nothing while it is far from its end, then 30 days before it, and again when it comes nearer', () => {
    const desk = owner()
    const saidAt = (days: number) => told(desk, endingIn(desk, days)).logs.filter((line) => line.includes('licence'))
    expect(saidAt(400)).toEqual([])
    expect(problems(desk.state).filter((text) => text.includes('licence'))).toEqual([])
    expect(saidAt(29)).toEqual([expect.stringMatching(/^warning: The licence of RMHW131 ends on .*, in 29 days; /)])
    expect(problems(desk.state)).toContainEqual(expect.stringMatching(/^the licence of RMHW131 ends on /))
    expect(saidAt(28)).toEqual([])
    expect(saidAt(13)).toHaveLength(1)
    expect(saidAt(0)).toEqual([expect.stringMatching(/^warning: .*today/)])
    expect(saidAt(-1)).toEqual([expect.stringMatching(/^error: The licence of RMHW131 is Expired: .*what runs goes on/)])
    desk.tell({ kind: 'ticked', heartbeat: null })
    expect(desk.logs).toEqual([])
    expect(saidAt(400)).toEqual([expect.stringMatching(/^info: The licence of RMHW131 is Valid until /)])
  })

  test('it ends by the clock alone, and the log is told then', () => {
    const desk = owner()
    told(desk, endingIn(desk, 0))
    desk.tell({ kind: 'ticked', heartbeat: null }, 2 * 86_400_000)
    expect(desk.logs).toContainEqual(expect.stringContaining('Expired'))
    expect(nodeView(desk.state).licence).toMatchObject({ state: 'Valid', word: 'Expired' })
  })

  test('where nobody asks for one the view is what it always was', () => {
    expect(nodeView(told(owner(), FREE).state).licence).toEqual({ state: 'Valid', expires: null })
    expect(nodeView(owner().state).licence).toEqual({ state: 'Valid', expires: null })
  })
})

/** Every story that is told of the pair, with a licence that is over from the moment the job serves, and with one that is valid. */
describe('no story takes another way for it', () => {
  const stories = path.join(__dirname, '..', 'scenarios')
  const files = fs.readdirSync(stories).filter((file) => file.endsWith('.txt'))

  const OVER = { ...FACTS, licence: { ...LICENCE, expires: new Date(WALL_MS - 2 * 86_400_000).toISOString().slice(0, 10) } }
  const toldWith = (story: string[], facts: LicenceFacts): string[] => {
    let served = false
    const lines = play(story, (world: World, line) => {
      served ||= line.startsWith('bringin')
      if (served) for (const node of Object.values(world.nodes)) if (node.state?.licence === null) world.emit(node, { kind: 'licenceSeen', facts })
    })
    expect(lines.some((line) => line.includes('is Expired'))).toBe(served && facts === OVER)
    return lines.filter((line) => !line.includes('licenceSeen') && !line.includes('The licence of'))
  }

  test.each(files)('%s', (file) => {
    const text = fs.readFileSync(path.join(stories, file), 'utf8')
    const story = text.split('\n').flatMap((line) => (line.startsWith('> ') ? [line.slice(2)] : []))
    const valid = { ...FACTS, licence: { ...LICENCE, expires: null } }
    const [without, withOne] = [toldWith(story, OVER), toldWith(story, valid)]
    const refused = without.findIndex((line) => line.includes('E_LICENSE_REQUIRED'))
    if (refused < 0) return expect(without).toEqual(withOne)
    // Up to the one thing that is refused: a job that was brought out is brought in again.
    expect(without[refused - 1]).toMatch(/commandGiven bringin/)
    expect(without.slice(0, refused)).toEqual(withOne.slice(0, refused))
    expect(story.filter((line) => line.startsWith('bringout'))).not.toEqual([])
  })
})
