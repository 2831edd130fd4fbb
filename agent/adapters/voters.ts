import type { VoteMessage, VoteReply } from '../../src/wire'
import { voteReplySchema } from '../../src/wire/voteSchemas'
import type { PeerPort, VotersPort } from '../ports'

type Ask = (message: VoteMessage, timeoutMs: number) => Promise<VoteReply | null>

/** The two other voters of a job. `witness` null: the cluster has none. */
export function createVotersPort(peer: Pick<PeerPort, 'send'>, witness: Ask | null): VotersPort {
  const askPeer: Ask = async (vote, timeoutMs) => {
    const reply = await peer.send({ kind: 'vote', vote }, timeoutMs)
    return reply.ok ? voteReplySchema.parse(reply.result) : null
  }
  return {
    ask: async (to, message, timeoutMs) => {
      const ask = to === 'peer' ? askPeer : witness
      try {
        return (await ask?.(message, timeoutMs)) ?? null
      } catch {
        // Silence, a refusal, or a version that knows nothing of votes: no vote.
        return null
      }
    }
  }
}
