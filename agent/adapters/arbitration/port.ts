import type { ArbitrationPort, Places } from '../../ports'
import { FENCE_DIRECTORIES, fence } from './fence'
import { reach } from './reach'

export function createArbitrationPort({ node }: Pick<Places, 'node'>): ArbitrationPort {
  return {
    reach: (config) => reach(config),
    fence: (config, victim) => fence(node, config, victim, FENCE_DIRECTORIES)
  }
}
