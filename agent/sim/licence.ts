import { hostIdOf, type NetworkCard } from '../../src/model'
import { factsOf } from '../adapters/licence/facts'
import { sha256 } from '../adapters/licence/hash'
import type { LicencePort } from '../ports'
import type { SimNode } from './node'

const CARDS = ['eth0', 'eth1', 'eth2']
/** An address that no manufacturer has. */
const PREFIX = '02:4d:50'

/** The cards of a machine; `exchanged`: so many were replaced since. */
export const cardsOf = (name: string, exchanged: number): NetworkCard[] =>
  CARDS.map((card, place) => ({ name: card, hardware: hardwareOf(`${name} ${card} ${place === 0 ? exchanged : 0}`) }))

const hardwareOf = (text: string): string => [PREFIX, ...[...sha256(text).slice(0, 3)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')

/** `licensor`: the text of licensor.json, as it stands beside the configuration; null: there is none. */
export function licenceOf(node: SimNode, licensor: string | null): LicencePort {
  const hostId = (): string | null => hostIdOf(node.cards, sha256)
  return {
    hostId: async () => ({ hostId: hostId(), cards: node.cards }),
    look: async (instead) => factsOf({ licensor, trouble: null, licence: instead === undefined ? node.licence : instead }, hostId()),
    save: async (text) => {
      node.licence = text
    }
  }
}
