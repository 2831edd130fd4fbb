import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { CopyStateFile } from '../../../agent/mirrord/copyState'
import {
  HELLO_BYTES_MAX,
  packBegin,
  packHello,
  packSessionNews,
  packWelcome,
  readBegin,
  readHello,
  readSessionNews,
  readWelcome,
  STREAM_PROTOCOL
} from '../../../agent/mirrord/stream/hello'
import { ReportError } from '../../../src/report/report'
import { damaged } from '../../kit/damage'

const SEEDS = 600

/** The code of the refusal, or what was made of it; anything but a ReportError fails the test. */
function codeOf(use: () => unknown): { refused: string } | { read: unknown } {
  try {
    return { read: use() }
  } catch (error) {
    if (error instanceof ReportError) return { refused: error.report.code }
    throw error
  }
}

const GREETINGS = {
  hello: {
    bytes: packHello({
      protocol: STREAM_PROTOCOL,
      job: 'DB_Group',
      node: 'RMHW131',
      roleSequence: 7,
      lineage: 'one',
      safety: 'full',
      safetySequence: 3,
      folders: ['/srv/DB_Group']
    }),
    read: readHello
  },
  welcome: {
    bytes: packWelcome({
      protocol: STREAM_PROTOCOL,
      job: 'DB_Group',
      node: 'RMHW132',
      roleSequence: 7,
      session: 'before',
      lineage: 'one',
      receivedLsn: 2 ** 40,
      appliedLsn: 5,
      copyComplete: true,
      diverged: false,
      exposed: false,
      dirty: 'none',
      suspended: { code: 'E_REDO', message: 'no space' },
      sourceOf: [1, 2, 3]
    }),
    read: readWelcome
  },
  begin: { bytes: packBegin({ decision: 'resume', session: 'before', lineage: 'one', fromLsn: 9, tolerant: false }), read: readBegin },
  session: {
    bytes: packSessionNews({ safety: 'full', safetySequence: 3, state: 'SYNCHRONIZED', why: null, failoverLsn: 8, exposed: false }),
    read: readSessionNews
  }
}

test.each(Object.entries(GREETINGS))(`a damaged %s is refused with a code, or says something of the same form (${SEEDS} seeds)`, (_name, { bytes, read }) => {
  const form = (value: unknown) => Object.keys(value as object).sort()
  const good = form(read(bytes))
  let refusals = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { bytes: wrong, what } = damaged(Buffer.from(bytes), seed)
    const result = codeOf(() => read(wrong))
    if ('refused' in result) {
      refusals += 1
      expect({ what, ...result }).toEqual({ what, refused: expect.stringMatching(/^E_FRAME_(DAMAGED|FOREIGN)$/) })
    } else expect({ what, form: form(result.read) }).toEqual({ what, form: good })
  }
  // A flipped bit in a name is still a name: the frame's checksum finds it, not the form.
  expect(refusals).toBeGreaterThan(SEEDS / 2)
})

test('a greeting that is too large is refused before it is read', () => {
  const large = Buffer.from(JSON.stringify({ job: 'x'.repeat(HELLO_BYTES_MAX) }))
  for (const { read } of Object.values(GREETINGS)) expect(codeOf(() => read(large))).toEqual({ refused: 'E_FRAME_DAMAGED' })
})

test(`a copy.json that was damaged in any way is refused, and never read as another state (${SEEDS} seeds)`, () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-fuzz-'))
  try {
    const file = path.join(directory, 'DB_Group.copy.json')
    new CopyStateFile(file).update({ role: 'target', roleSequence: 41, copyComplete: true, session: 's', lineage: 'l', appliedLsn: 123_456, sourceOf: [7, 9] })
    const good = fs.readFileSync(file)
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { bytes, what } = damaged(good, seed)
      fs.writeFileSync(file, bytes)
      expect({ what, ...codeOf(() => new CopyStateFile(file).get()) }).toEqual({ what, refused: 'E_MIRRORD_STATE' })
    }
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
})
