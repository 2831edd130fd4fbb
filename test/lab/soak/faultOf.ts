import { type Lab, otherNode } from '../../e2e/kit/lab'
import type { Node } from '../plan'
import type { Plan } from './plan'
import type { Story } from './story'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The two halves of a fault: it happens, and it is over. */
export interface Fault {
  strike(): Promise<void>
  /** The power is back, the cable is plugged in. */
  end(): Promise<void>
}

export function faultOf(plan: Plan, lab: Lab, source: Node, story: Story): Fault {
  const verb = async (...words: string[]) => story.tell((await lab.verb(words)).trim())
  const target = otherNode(source)
  if (plan.what === 'link') return cables(plan, verb)
  if (plan.what === 'both') return bothNodes(plan, verb)
  return oneNode(plan, plan.what === 'source' ? source : target, verb)
}

type Verb = (...words: string[]) => Promise<void>

function oneNode(plan: Plan, node: Node, verb: Verb): Fault {
  return {
    strike: () => verb('powercut', node),
    end: async () => {
      await verb('start', node)
      if (plan.againAfterMs === null) return
      await pause(plan.againAfterMs)
      await verb('powercut', node)
      await verb('start', node)
    }
  }
}

function bothNodes(plan: Plan, verb: Verb): Fault {
  return {
    strike: async () => {
      await verb('powercut', plan.firstOff)
      await verb('powercut', otherNode(plan.firstOff))
    },
    end: async () => {
      await verb('start', plan.firstOn)
      await pause(plan.aloneMs)
      await verb('start', otherNode(plan.firstOn))
    }
  }
}

function cables(plan: Plan, verb: Verb): Fault {
  return {
    strike: async () => {
      for (const cable of plan.cables) await verb('cut', cable)
    },
    end: () => verb('heal', 'all')
  }
}
