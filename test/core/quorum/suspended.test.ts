import type { Action } from '../../../src/core'
import { type Config, type JobMode, SAFETY_OF_MODE } from '../../../src/model'
import type { Ballot, MirrordStatus } from '../../../src/wire'
import { STATUS_DEFAULTS } from '../../fakes/dataDefaults'
import { A, B, DATA, JOB, jobConfig, QUORUM, quorumConfig } from '../../fakes/pairConfig'
import { Desk, dataStatus, peerView, record } from '../desk'

/*
 * The mirroring paper's tables 5 (safety FULL) and 6 (OFF), from the side of the decisions: each event that takes the mirror away, in each mode, with a
 * witness and without. Who has to have it on disk before anything is acknowledged without the mirror?
 */
type Event = 'the session is paused' | 'redo error on the mirror' | 'the mirror is unavailable'

const SESSIONS: Record<Event, Partial<MirrordStatus['session']>> = {
  'the session is paused': { state: 'SUSPENDED', why: 'sending was paused (transmit pause)' },
  'redo error on the mirror': { state: 'SUSPENDED', why: 'no space left' },
  'the mirror is unavailable': { state: 'DISCONNECTED', why: 'Data link link-0 does not connect' }
}

/** In high protection a redo error is the loss of the only other voter: nobody is asked, and nothing is acknowledged without the mirror. */
const ASKED: [mode: JobMode, witness: boolean, safety: 'full' | 'off', asked: string[]][] = [
  ['high-availability', true, 'full', ['peer', 'witness']],
  ['high-protection', true, 'full', ['peer']],
  ['high-protection', false, 'full', ['peer']],
  ['guide', true, 'full', ['sendOutOfSync']],
  ['guide', false, 'full', ['sendOutOfSync']],
  ['high-performance', true, 'off', []],
  ['high-performance', false, 'off', []],
  ['guide', false, 'off', []]
]

const rows = ASKED.flatMap(([mode, witness, safety, asked]) =>
  (Object.keys(SESSIONS) as Event[]).map((event) => {
    const waits = mode === 'high-protection' && event === 'redo error on the mirror'
    return [mode, witness ? 'with a witness' : 'without one', safety.toUpperCase(), event, safety, waits ? [] : asked] as const
  })
)

const sessionOf = (safety: 'full' | 'off', change: Partial<MirrordStatus['session']>) => ({ ...STATUS_DEFAULTS.session, safety, ...change })

function configOf(mode: JobMode, witness: string, safety: 'full' | 'off'): Config {
  const { witness: third, ...others } = quorumConfig(mode)
  expect(SAFETY_OF_MODE[mode] ?? safety).toBe(safety)
  const jobs = { [JOB]: jobConfig({ mode, data: { ...DATA, safety } }) }
  return { ...others, jobs, ...(witness === 'with a witness' && third ? { witness: third } : {}) }
}

/** The owner serves, its mirror is in sync; an engine before this one was let serve for a while yet. */
function serving(config: Config, safety: 'full' | 'off'): Desk {
  const desk = new Desk(A, config)
  desk.tell({ kind: 'booted', bootId: 'this-boot', records: { [JOB]: record({ safety }) } })
  const session = sessionOf(safety, { state: safety === 'full' ? 'SYNCHRONIZED' : 'SYNCHRONIZING', exposure: safety === 'full' ? 'protected' : 'granted' })
  const data = { ran: true, status: dataStatus({ role: 'source', roleSequence: 1, connected: true, session }) }
  desk.end('observe', null, { held: ['IP-DB_Group'], running: ['POSTGRES', 'AGENT'], data, leaseUntilMs: desk.atMs + QUORUM.leaseMs })
  desk.hear().peerSays(peerView(B, { safety }, { config }))
  expect(desk.job.phase).toBe('online')
  return desk
}

const wish = (desk: Desk, safety: 'full' | 'off', event: Event): Desk =>
  desk.dataSays({
    role: 'source',
    roleSequence: 1,
    connected: event !== 'the mirror is unavailable',
    replication: event === 'the session is paused' ? 'Pause' : 'Idle',
    session: sessionOf(safety, { ...SESSIONS[event], exposure: safety === 'full' ? 'wanted' : 'granted' })
  })

/** Who is asked to record that the mirror is not in sync. */
const askedIn = (actions: Action[]): string[] =>
  actions.flatMap((action) => {
    if (action.do === 'sendOutOfSync') return [action.do]
    return action.do === 'sendVote' && action.message.ask.do === 'propose' && !action.message.ask.ballot.mirrorInSync ? [action.to] : []
  })

const exposes = (desk: Desk): boolean => desk.actions.some((action) => action.do === 'expose')

test.each(rows)('tables 5 and 6: %s, %s, %s: %s', (mode, witness, _safety, event, safety, asked) => {
  const desk = wish(serving(configOf(mode, witness, safety), safety), safety, event)
  expect(askedIn(desk.actions)).toEqual(asked)
  expect(exposes(desk)).toBe(false)
  expect(desk.job.phase).toBe('online')
})

test.each(rows.filter(([, , safety, , , asked]) => safety === 'FULL' && asked[0] === 'peer'))(
  'tables 5 and 6: %s, %s, %s: %s; one more voter has recorded it, then the own disk, then it goes on',
  (mode, witness, _safety, event, safety, asked) => {
    const desk = wish(serving(configOf(mode, witness, safety), safety), safety, event)
    const voter = asked.at(-1) as 'peer' | 'witness'
    const first = desk.actions.find((action) => action.do === 'sendVote' && action.to === voter)
    if (first?.do !== 'sendVote') throw new Error('nobody was asked')
    const answer = (number: number, granted: boolean, ballot: Ballot) => {
      const reply = { number, incarnation: `${voter}-1`, granted, why: granted ? null : ('incarnation' as const), ballot, leasedTo: A }
      desk.tell({ kind: 'voteAnswered', job: JOB, voter, number, reply })
    }
    // A voter counts from when it has been heard in this life.
    answer(first.message.number, false, first.message.ballot)
    const again = desk.actions.find((action) => action.do === 'sendVote' && action.to === voter)
    if (again?.do !== 'sendVote' || again.message.ask.do !== 'propose') throw new Error('it was not asked again')
    expect(exposes(desk)).toBe(false)
    answer(again.message.number, true, again.message.ask.ballot)
    expect(desk.actions.map((action) => action.do).filter((what) => what === 'persist' || what === 'expose')).toEqual(['persist', 'expose'])
    expect(desk.job.record).toMatchObject({ mirrorInSync: false, syncSequence: 2 })
  }
)
