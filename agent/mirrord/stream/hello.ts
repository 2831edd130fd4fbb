import * as z from 'zod'
import { dataError } from '../../../src/wire/frame'

export const STREAM_PROTOCOL = 2
/** A greeting is small; more is refused before it is parsed. */
export const HELLO_BYTES_MAX = 64 * 1024
const SESSION_BYTES_MAX = 64

const count = z.number().int().nonnegative()
const session = z.string().min(1).max(SESSION_BYTES_MAX)
const lineage = session.nullable()
const safety = z.enum(['full', 'off'])
const problem = z.strictObject({ code: z.string(), message: z.string() }).nullable()

/** The source begins. */
const hello = z.strictObject({
  protocol: z.literal(STREAM_PROTOCOL),
  job: z.string(),
  node: z.string(),
  roleSequence: count,
  lineage,
  safety,
  safetySequence: count,
  folders: z.array(z.string())
})
/** The target says what it has. */
const welcome = z.strictObject({
  protocol: z.literal(STREAM_PROTOCOL),
  job: z.string(),
  node: z.string(),
  roleSequence: count,
  session: session.nullable(),
  lineage,
  /** All up to it is hard in the redo log; a session resumes after it. */
  receivedLsn: count,
  appliedLsn: count,
  copyComplete: z.boolean(),
  diverged: z.boolean(),
  /** It was the source and went on without a target, and has not been made equal since. */
  exposed: z.boolean(),
  /** Its own dirty map, from when it was the source: nothing in it, it follows in `dirty` frames, or it is not known what it changed. */
  dirty: z.enum(['none', 'follows', 'unknown']),
  /** The redo error at which it stands still. */
  suspended: problem,
  sourceOf: z.array(count).max(256)
})
/**
 * The source decides. `resume`: go on after `fromLsn`. `adopt`: the copy is equal, go on without a mirror. `difference`: frames are
 * missing, a comparison of what is marked dirty comes. `verify`: a comparison of everything comes. `mirror`: a full mirror comes.
 * Until the end mark of the last three the copy is not complete.
 */
const begin = z.strictObject({
  decision: z.enum(['resume', 'adopt', 'difference', 'verify', 'mirror']),
  session,
  lineage: session,
  fromLsn: count,
  tolerant: z.boolean()
})
/** Whenever one of these changes. */
const sessionNews = z.strictObject({
  safety,
  safetySequence: count,
  state: z.enum(['SYNCHRONIZING', 'SYNCHRONIZED', 'SUSPENDED']),
  why: z.string().nullable(),
  failoverLsn: count,
  exposed: z.boolean()
})
const refuse = z.strictObject({ code: z.string(), message: z.string() })

export type Hello = z.infer<typeof hello>
export type Welcome = z.infer<typeof welcome>
export type Begin = z.infer<typeof begin>
export type Refuse = z.infer<typeof refuse>
export type SessionNews = z.infer<typeof sessionNews>

const packed = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
export const packHello = (value: Hello): Uint8Array => packed(value)
export const packWelcome = (value: Welcome): Uint8Array => packed(value)
export const packBegin = (value: Begin): Uint8Array => packed(value)
export const packSessionNews = (value: SessionNews): Uint8Array => packed(value)
export const packRefuse = (value: Refuse): Uint8Array => packed(value)

function reader<T>(schema: z.ZodType<T>, what: string): (bytes: Uint8Array) => T {
  return (bytes) => {
    if (bytes.length > HELLO_BYTES_MAX) throw dataError('E_FRAME_DAMAGED', { why: `a ${what} of ${bytes.length} bytes` })
    const parsed = schema.safeParse(parseJson(bytes))
    if (!parsed.success) throw dataError('E_FRAME_FOREIGN', { why: `its ${what} is not one: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}` })
    return parsed.data
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return null
  }
}

export const readHello = reader(hello, 'hello')
export const readWelcome = reader(welcome, 'welcome')
export const readBegin = reader(begin, 'begin')
export const readSessionNews = reader(sessionNews, 'session')
export const readRefuse = reader(refuse, 'refusal')
