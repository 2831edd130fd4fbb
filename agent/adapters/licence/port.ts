import { hostIdOf, type NetworkCard } from '../../../src/model'
import type { LicencePort } from '../../ports'
import { readCards } from './cards'
import { sha256 } from './hash'

export function createLicencePort(read: () => Promise<NetworkCard[]> = readCards): LicencePort {
  return {
    hostId: async () => {
      const cards = await read()
      return { hostId: hostIdOf(cards, sha256), cards }
    }
  }
}
