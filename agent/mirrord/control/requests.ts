import * as z from 'zod'
import { dataError } from '../../../src/wire/frame'
import { VERIFY_LIST_MAX, type MirrordRequest } from '../../../src/wire/mirrord'

const count = z.number().int().nonnegative()
const PORT_MAX = 65_535
const DRAIN_MS_MAX = 24 * 3_600_000

const safety = z.enum(['full', 'off'])

/** An engine that was upgraded first may say more than this version knows: what it says is kept for a successor. */
const config = z.looseObject({
  job: z.string().min(1),
  node: z.string().min(1),
  peerNode: z.string().min(1),
  folders: z
    .array(z.looseObject({ path: z.string().startsWith('/'), exclude: z.array(z.string()), name: z.string().optional() }))
    .min(1)
    .max(256),
  capture: z.enum(['fuse', 'watch']),
  queueBytes: count,
  pagefileBytes: count,
  redoQueueBytes: count,
  dataDirectory: z.string().startsWith('/'),
  partnerTimeoutMs: count,
  bandwidthBytesPerSecond: count.nullable(),
  port: z.number().int().min(1).max(PORT_MAX),
  links: z.array(z.looseObject({ name: z.string().min(1), localAddress: z.string().min(1), peerAddress: z.string().min(1) })).min(1),
  tls: z.looseObject({ caFile: z.string(), certFile: z.string(), keyFile: z.string() }),
  leased: z.boolean().optional()
})

const request = z.discriminatedUnion('do', [
  z.object({ id: count, do: z.literal('configure'), config }),
  z.object({ id: count, do: z.literal('status') }),
  z.object({ id: count, do: z.literal('source'), roleSequence: count, peerCopyComplete: z.boolean() }),
  z.object({ id: count, do: z.literal('target'), roleSequence: count }),
  z.object({ id: count, do: z.literal('drain'), timeoutMs: z.number().min(0).max(DRAIN_MS_MAX) }),
  z.object({ id: count, do: z.literal('stop'), force: z.boolean() }),
  z.object({ id: count, do: z.literal('mirror'), action: z.enum(['start', 'stop', 'pause', 'resume']) }),
  z.object({ id: count, do: z.literal('verify'), action: z.enum(['start', 'stop']), mode: z.enum(['full', 'difference']) }),
  z.object({ id: count, do: z.literal('verifyReport'), from: count, max: count.max(VERIFY_LIST_MAX) }),
  z.object({ id: count, do: z.literal('transmit'), action: z.enum(['pause', 'resume']) }),
  z.object({ id: count, do: z.literal('bandwidth'), bytesPerSecond: count.min(1).nullable() }),
  z.object({ id: count, do: z.literal('safety'), safety, safetySequence: count }),
  z.object({ id: count, do: z.literal('expose'), roleSequence: count }),
  z.object({ id: count, do: z.literal('lease'), roleSequence: count, untilMs: z.number().nonnegative() }),
  z.object({ id: count, do: z.literal('still'), untilMs: z.number().nonnegative() }),
  z.object({ id: count, do: z.literal('selectSource') }),
  z.object({ id: count, do: z.literal('handOver'), command: z.object({ file: z.string().min(1), args: z.array(z.string()) }).optional() }),
  z.object({ id: count, do: z.literal('rebuild'), config, look: z.boolean().optional() }),
  z.object({ id: count, do: z.literal('exit') })
]) satisfies z.ZodType<MirrordRequest>

/** One line of the control socket. `id` is what an error answer carries: 0 where none can be read. */
export function parseRequest(line: string): { request: MirrordRequest } | { id: number; error: Error } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { id: 0, error: dataError('E_MIRRORD_REQUEST', { why: 'it is not JSON' }) }
  }
  const parsed = request.safeParse(value)
  if (parsed.success) return { request: parsed.data }
  const id = z.object({ id: count }).safeParse(value)
  return { id: id.success ? id.data.id : 0, error: dataError('E_MIRRORD_REQUEST', { why: z.prettifyError(parsed.error).replaceAll('\n', ' ') }) }
}
