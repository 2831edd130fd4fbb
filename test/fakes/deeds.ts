import type { Action, HandoverAnswer, Outcome } from '../../src/core'
import type { JobRecord } from '../../src/model'
import type { VoteReply } from '../../src/wire'
import { type FakeNode, machineOf, seatOf } from './fakeNode'
import type { World } from './world'

type Performed = Exclude<Action, { do: 'persist' }>

const REACH_MS = 1_000

/** What follows from the actions that an engine asks for, as agent/perform.ts does it. */
export class FakeDeeds {
  constructor(private readonly world: World) {}

  perform(node: FakeNode, action: Performed): void {
    switch (action.do) {
      case 'log':
      case 'history':
      case 'monitorNote':
      case 'alarm':
      case 'exportUsage':
        return
      case 'reply':
        return this.world.messages.replied(node, action.request, action.outcome)
      case 'order':
        return this.world.orders.order(node, action)
      case 'askReach': {
        const { engineStarts } = node
        const { number } = action
        return this.world.onNode(node, REACH_MS, () => {
          if (node.engineStarts !== engineStarts) return
          const reached = !this.world.network.gatewayLost.has(node.name)
          this.world.emit(node, { kind: 'reachTold', number, reached, why: reached ? '' : 'the gateway did not answer' })
        })
      }
      case 'look':
        return this.world.emit(node, { kind: 'vipsSeen', job: action.job, attempt: action.attempt, held: [...machineOf(node, action.job).vips] })
      case 'sendState':
        return this.world.messages.send(
          node,
          'state',
          (request) => ({ kind: 'peerStateReceived', request, view: action.view }),
          null,
          (to) => to.agreeing?.peerSeen(action.view)
        )
      case 'sendHandover': {
        const { job, roleSequence, record, start, ticket } = action
        return this.world.messages.send(
          node,
          'handover',
          (request) => ({ kind: 'handoverReceived', request, job, roleSequence, record, start, ticket }),
          this.answered(node, action, 'offer')
        )
      }
      case 'sendWithdraw': {
        const { job, roleSequence, ticket } = action
        return this.world.messages.send(
          node,
          'withdraw',
          (request) => ({ kind: 'withdrawReceived', request, job, roleSequence, ticket }),
          this.answered(node, action, 'withdraw')
        )
      }
      case 'sendOutOfSync': {
        const { job, roleSequence, syncSequence } = action
        return this.world.messages.send(
          node,
          'outOfSync',
          (request) => ({ kind: 'outOfSyncReceived', request, job, roleSequence, syncSequence }),
          (outcome) => this.world.emit(node, { kind: 'outOfSyncAnswered', job, roleSequence, syncSequence, answer: answerOf(outcome) })
        )
      }
      case 'expose': {
        const { job, roleSequence } = action
        const { engineStarts } = node
        return this.world.after(this.world.delay('message'), () => {
          const outcome = this.world.jobs.dataOf(job).expose(node, roleSequence)
          if (node.engineStarts === engineStarts && node.state) this.world.emit(node, { kind: 'exposeEnded', job, roleSequence, outcome })
        })
      }
      case 'sendVote': {
        const { to, job, message } = action
        const told = (reply: VoteReply | null): void => {
          if (reply?.ballot) node.agreeing?.versionSeen(reply.ballot.configVersion)
          this.world.emit(node, { kind: 'voteAnswered', job, voter: to, number: message.number, reply })
        }
        if (to === 'witness') return this.world.messages.askWitness(node, message, node.state?.config.quorum ?? null, told)
        return this.world.messages.send(
          node,
          'vote',
          (request) => ({ kind: 'voteAsked', request, job, message }),
          (outcome) => told(outcome?.ok ? (outcome.result as VoteReply) : null)
        )
      }
      case 'lease':
        return this.world.guard.setGuard(node, action)
      case 'unlease':
        seatOf(node, action.job).guard = null
        return
      case 'forget':
        return this.world.jobs.forget(node, action.job)
      case 'forward': {
        const { do: _, request: asked, ...command } = action
        return this.world.messages.send(
          node,
          'command',
          (request) => ({ kind: 'commandGiven', request, ...command }),
          (outcome) => outcome && this.world.messages.replied(node, asked, outcome)
        )
      }
    }
  }

  private answered(node: FakeNode, sent: { job: string; roleSequence: number; ticket: string }, asked: 'offer' | 'withdraw') {
    const { job, roleSequence, ticket } = sent
    return (outcome: Outcome | null): void => {
      this.world.emit(node, { kind: 'handoverAnswered', job, roleSequence, ticket, asked, answer: answerOf(outcome) })
    }
  }
}

function answerOf(outcome: Outcome | null): HandoverAnswer {
  if (outcome === null) return { is: 'silence', why: 'timeout' }
  return outcome.ok ? { is: 'record', record: outcome.result as JobRecord } : { is: 'refusal', error: outcome.error }
}
