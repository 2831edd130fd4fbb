import * as z from 'zod'
import { JOB_MODES, type JobRecord, LICENCE_WORDS } from '../model'
import { VERIFY_PAGE_MAX, type CommandRequest, type LoginRequest } from './api'
import { configPrepareSchema, configVersionSchema } from './configSchemas'
import { DETACH_MS, JOB_COMMANDS, RESOURCE_ACTIONS, type JobCommand } from './command'
import { CHECK_MODES } from './frameFields'
import type { MirrordStatus } from './mirrord'
import type { TakeoverView } from './history'
import type { DecisionView } from './why'
import { JEOPARDY_CAUSES, type JobView, type LinkView, type NodeView, type PeerMessage, type PeerReply, type QuorumView, WITNESS_WORDS } from './peer'
import { detachedSchema, resourcesSchema } from './keptState'
import { monitorViewSchema, typedConditionsSchema } from './monitorSchemas'
import { ballotSchema, voteMessageSchema } from './voteSchemas'

/**
 * Checks what comes in from outside. Bodies of a person's client are strict. What the peer says keeps the keys this version does not
 * know: during an upgrade one node is newer than the other. The types on the left make the compiler compare each schema with its contract.
 */
const TEXT_LENGTH_MAX = 65_536
const NAME_LENGTH_MAX = 256
const LIST_LENGTH_MAX = 10_000
const WAIT_MS_MAX = 60_000

const text = z.string().max(TEXT_LENGTH_MAX)
const name = z.string().min(1).max(NAME_LENGTH_MAX)
const count = z.int().nonnegative()
const list = <T extends z.ZodType>(item: T) => z.array(item).max(LIST_LENGTH_MAX)

export const loginRequestSchema: z.ZodType<LoginRequest> = z.strictObject({ account: name, password: z.string().max(1024) })

const safety = z.enum(['full', 'off'])
const BANDWIDTH_BYTES_MIN = 16 * 1024

const commandOptions = {
  action: z.enum(['start', 'stop', 'pause', 'resume', ...RESOURCE_ACTIONS]).optional(),
  application: name.optional(),
  mode: z.enum(CHECK_MODES).optional(),
  bytesPerSecond: z.int().min(BANDWIDTH_BYTES_MIN).nullable().optional(),
  safety: safety.optional(),
  node: name.optional(),
  confirm: name.optional(),
  stopData: z.boolean().optional(),
  forMs: z.int().min(DETACH_MS.min).max(DETACH_MS.max).optional()
}

export const jobCommandSchema: z.ZodType<JobCommand> = z.enum(JOB_COMMANDS)

export const commandRequestSchema: z.ZodType<CommandRequest> = z.strictObject({
  dryRun: z.boolean().optional(),
  reason: z.string().max(1024).optional(),
  ...commandOptions
})

/** POST /v1/join: the key stays on the joining node, only the request for its certificate travels. */
export interface JoinRequest {
  code: string
  /** A witness says the name of its machine. */
  node: string
  role?: 'witness' | undefined
  /** PKCS#10, PEM. */
  certificateRequest: string
}

export interface JoinAnswer {
  /** PEM. */
  caCertificate: string
  certificate: string
  /** base64, 32 bytes; null: a witness gets none. */
  heartbeatKey: string | null
}

export const joinRequestSchema: z.ZodType<JoinRequest> = z.strictObject({
  code: name,
  node: name,
  role: z.literal('witness').optional(),
  certificateRequest: text
})
export const joinAnswerSchema: z.ZodType<JoinAnswer> = z.object({
  caCertificate: z.string(),
  certificate: z.string(),
  heartbeatKey: z.base64().nullable()
})

const needToVerify = z.enum(['No', 'Yes', 'Manually'])

const jobRecordSchema: z.ZodType<JobRecord> = z.looseObject({
  job: name,
  roleSequence: count,
  owner: name,
  desired: z.enum(['online', 'offline']),
  takeReason: z.enum(['manual', 'failover', 'initial', 'forced']),
  takeTimeMs: z.number(),
  handover: z.looseObject({ to: name, roleSequence: count, ticket: name }).nullable(),
  errorFlag: text.nullable(),
  needToVerify,
  copyComplete: z.boolean(),
  safety,
  safetySequence: count,
  mirrorInSync: z.boolean(),
  syncSequence: count,
  selectedSequence: count,
  detached: detachedSchema.nullish(),
  detachSequence: count.optional(),
  unserved: z.boolean().optional(),
  detachUnheard: z.looseObject({ before: detachedSchema.nullable() }).nullish(),
  dataHeld: z.boolean().optional(),
  resources: resourcesSchema.optional(),
  history: list(z.looseObject({ roleSequence: count, owner: name }))
})

const mirrordStatusSchema: z.ZodType<MirrordStatus> = z.looseObject({
  role: z.enum(['none', 'source', 'target']),
  roleSequence: count,
  connected: z.boolean(),
  link: name.nullable(),
  links: list(z.looseObject({ name, state: z.enum(['OK', 'Error']) })),
  mirror: z.looseObject({ state: z.enum(['Idle', 'Mirror', 'Pause', 'Stop']), percent: z.number(), leftBytes: z.number(), leftMs: z.number().nullable() }),
  verify: z.looseObject({
    state: z.enum(['Idle', 'Verifying', 'Stop']),
    mode: z.enum(['full', 'difference']),
    percent: z.number(),
    leftBytes: z.number(),
    leftMs: z.number().nullable(),
    differences: count.nullable()
  }),
  replication: z.enum(['Idle', 'Replicating', 'Pause', 'Stop']),
  session: z.looseObject({
    safety,
    safetySequence: count,
    state: z.enum(['SYNCHRONIZING', 'SYNCHRONIZED', 'SUSPENDED', 'DISCONNECTED']).nullable(),
    why: text.nullable(),
    failoverLsn: count,
    exposure: z.enum(['protected', 'wanted', 'granted']),
    exposedSinceMs: z.number().nullable()
  }),
  speedBytesPerSecond: z.number(),
  sentBytes: z.number(),
  queuedBytes: z.number(),
  pagefileBytes: z.number().nullable(),
  dirtyBytes: z.number().nullable(),
  redoQueueBytes: z.number(),
  bandwidthBytesPerSecond: z.number().nullable(),
  needToVerify,
  targetSide: z.enum(['Idle', 'Full Mirror', 'Verifying', 'Stop', 'Absent']),
  lsn: z.number(),
  appliedLsn: z.number(),
  copyComplete: z.boolean(),
  fault: z.looseObject({ code: name, message: text }).nullable(),
  program: z.looseObject({ version: name, pid: count, pausedMs: z.number().nullable(), insteadWhy: text.nullable() }).optional()
})

const dataSettingsSchema = z.looseObject({
  folders: list(z.looseObject({ path: text, exclude: list(text) })),
  capture: z.enum(['fuse', 'watch']),
  queueBytes: count,
  pagefileBytes: count,
  redoQueueBytes: count,
  partnerTimeoutMs: count
})

const stepLineSchema = z.looseObject({ atMs: z.number(), node: name, text, state: z.enum(['begin', 'done', 'failed']) })

const quorumViewSchema: z.ZodType<QuorumView> = z.looseObject({
  leaseLeftMs: z.number().nullable(),
  witness: z.enum(WITNESS_WORDS).nullable(),
  witnessAddress: text.nullable().optional(),
  witnessHolds: z.looseObject({ ballot: ballotSchema.nullable(), leasedTo: text.nullable(), ageMs: z.number() }).nullable().optional()
})

const applicationSchema = z.looseObject({
  name,
  state: z.enum(['online', 'offline', 'starting', 'stopping', 'error']),
  word: name.optional(),
  sinceMs: z.number().nullable().optional(),
  by: text.nullable().optional(),
  restarts: count.optional(),
  restartsMax: count.optional(),
  why: text.nullable().optional()
})

const jobViewSchema: z.ZodType<JobView> = z.looseObject({
  record: jobRecordSchema,
  phase: z.enum(['offline', 'starting', 'online', 'stopping', 'switching', 'standby', 'error']),
  state: z.enum(['online', 'offline', 'starting', 'stopping', 'switching', 'error']),
  note: text.nullable(),
  vips: list(z.looseObject({ name, address: name, prefix: count, up: z.boolean() })),
  applications: list(applicationSchema),
  data: mirrordStatusSchema.nullable(),
  drained: z.boolean().optional(),
  dataSettings: dataSettingsSchema.nullable().optional(),
  mode: z.enum(JOB_MODES).optional(),
  jeopardy: list(z.looseObject({ cause: z.enum(JEOPARDY_CAUSES), text, sinceMs: z.number() })).optional(),
  quorum: quorumViewSchema.nullable().optional(),
  activity: z.looseObject({ ticket: name, steps: list(stepLineSchema), done: z.boolean(), ok: z.boolean() }).nullable()
})

const linkViewSchema: z.ZodType<LinkView> = z.looseObject({
  name,
  state: z.enum(['ok', 'error']),
  local: text,
  remote: text,
  ageMs: z.number().nullable(),
  sent: count,
  received: count,
  missed: count,
  rejected: count
})

const nodeViewSchema: z.ZodType<NodeView> = z.looseObject({
  node: name,
  incarnation: name,
  heard: name.nullable(),
  number: count.optional(),
  configHash: text,
  configVersion: count.optional(),
  configAgreed: z.boolean().optional(),
  jobs: z.record(name, jobViewSchema),
  links: list(linkViewSchema),
  licence: z.looseObject({
    state: z.literal('Valid'),
    expires: text.nullable(),
    word: z.enum(LICENCE_WORDS).optional(),
    why: text.nullable().optional()
  }),
  monitor: monitorViewSchema.optional()
})

const checkSchema = z.looseObject({ check: name, met: z.boolean(), value: text, why: text.nullable(), observer: name, ageMs: z.number().nullable() })

/** One change of owner, as it is kept and as the other node hands it over. */
export const takeoverSchema: z.ZodType<TakeoverView> = z.looseObject({
  job: name,
  node: name,
  part: z.enum(['gives', 'takes']),
  roleSequence: count,
  from: name,
  to: name,
  command: name.nullable(),
  account: name.nullable(),
  reason: text.nullable(),
  takeReason: z.enum(['manual', 'failover', 'initial', 'forced']),
  atMs: z.number(),
  before: z.looseObject({ roleSequence: count, safety, safetySequence: count, mirrorInSync: z.boolean(), syncSequence: count, needToVerify: name }),
  links: list(z.looseObject({ name, up: z.boolean(), ageMs: z.number().nullable() })),
  peer: z.looseObject({ ageMs: z.number(), phase: name }).nullable(),
  votes: list(z.looseObject({ voter: name, ageMs: z.number().nullable(), leasedTo: text.nullable(), roleSequence: count.nullable() })),
  checks: list(checkSchema),
  timers: z.looseObject({ heartbeatMs: z.number(), leaseMs: z.number().nullable(), driftMs: z.number().nullable() }),
  loss: z
    .looseObject({
      none: z.boolean(),
      files: count.nullable(),
      bytes: z.number().nullable(),
      changes: z.number().nullable(),
      seconds: z.number().nullable(),
      bound: text
    })
    .nullable(),
  end: z.looseObject({ atMs: z.number(), outcome: z.enum(['online', 'offline', 'failed']), outageMs: z.number().nullable() }).nullable(),
  returned: z
    .looseObject({
      atMs: z.number(),
      compared: z.enum(['full', 'difference']).nullable(),
      differences: count.nullable(),
      files: count.optional(),
      bytes: z.number().optional()
    })
    .optional()
})

export const takeoversSchema: z.ZodType<TakeoverView[]> = list(takeoverSchema)

/** What the other node's engine answers to `why`. */
export const decisionsSchema: z.ZodType<DecisionView[]> = list(
  z.looseObject({
    question: z.enum(['serve', 'switch', 'failover', 'accept', 'monitor']),
    node: name,
    yes: z.boolean(),
    checks: list(checkSchema),
    trigger: list(checkSchema).optional()
  })
)

export const peerMessageSchema: z.ZodType<PeerMessage> = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('state'), state: nodeViewSchema }),
  z.looseObject({ kind: z.literal('handover'), job: name, roleSequence: count, record: jobRecordSchema, start: z.boolean(), ticket: name }),
  z.looseObject({ kind: z.literal('withdraw'), job: name, roleSequence: count, ticket: name }),
  z.looseObject({
    kind: z.literal('command'),
    job: name,
    command: jobCommandSchema,
    ...commandOptions,
    account: name,
    reason: text.nullable(),
    dryRun: z.boolean()
  }),
  z.looseObject({ kind: z.literal('outOfSync'), job: name, roleSequence: count, syncSequence: count }),
  z.looseObject({ kind: z.literal('vote'), vote: voteMessageSchema }),
  z.looseObject({ kind: z.literal('configPrepare'), prepare: configPrepareSchema, dryRun: z.boolean() }),
  z.looseObject({ kind: z.literal('configAgreed'), agreed: configVersionSchema }),
  z.looseObject({ kind: z.literal('configAsk') }),
  z.looseObject({ kind: z.literal('verifyReport'), job: name, from: count, max: count.max(VERIFY_PAGE_MAX) }),
  z.looseObject({ kind: z.literal('why'), job: name }),
  z.looseObject({ kind: z.literal('history'), job: name }),
  z.looseObject({ kind: z.literal('monitorTest'), conditions: typedConditionsSchema.nullable() }),
  z.looseObject({ kind: z.literal('monitorHistory') }),
  z.looseObject({ kind: z.literal('ticket'), ticket: name, sinceStep: count, waitMs: count.max(WAIT_MS_MAX) })
])

export const peerReplySchema: z.ZodType<PeerReply> = z.discriminatedUnion('ok', [
  z.looseObject({ ok: z.literal(true), result: z.unknown() }),
  z.looseObject({ ok: z.literal(false), error: z.looseObject({ code: name, message: text, tryThis: text, exitCode: z.int() }) })
])

/** The first thing wrong, in words: `password: expected string`. */
export function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0]
  const place = issue?.path.join('.') ?? ''
  return `${place === '' ? 'the body' : place}: ${issue?.message ?? 'not valid'}`
}
