import { once } from 'node:events'
import type { EtcdConfig, WitnessConfig } from '../../src/model'
import { plainReason } from '../adapters/failure'
import { readCertificates } from '../api/certificates'
import type { Places, WitnessTrial } from '../ports'
import { connectWitness } from './client'
import { EtcdStore } from './etcdStore'

/** The other node waits for the answer. */
const TRY_MS = 3_000
/** Of every pair: nothing has to be there, only the right to look. */
const ETCD_KEY = 'mirrorpair/'

/** Looks whether a witness that is to become the pair's can be asked from this machine. It is asked nothing, and nothing is written. */
export const tryWitness =
  (places: Pick<Places, 'stateDirectory' | 'node'>): WitnessTrial =>
  async (witness) => {
    try {
      await (witness.etcd ? lookInto(witness.etcd) : shakeHands(places, witness))
      return null
    } catch (error) {
      return plainReason(error)
    }
  }

/** A read that a quorum of the members has to answer, with our certificate and login. */
async function lookInto(etcd: EtcdConfig): Promise<void> {
  const store = new EtcdStore(etcd)
  try {
    await store.read(ETCD_KEY, performance.now() + TRY_MS)
  } finally {
    await store.close()
  }
}

async function shakeHands({ stateDirectory, node }: Pick<Places, 'stateDirectory' | 'node'>, witness: WitnessConfig): Promise<void> {
  const socket = connectWitness(witness, readCertificates(stateDirectory, node))
  const slow = setTimeout(() => socket.destroy(new Error('no connection in time')), TRY_MS)
  try {
    await once(socket, 'secureConnect')
  } finally {
    clearTimeout(slow)
    socket.on('error', () => undefined)
    socket.destroy()
  }
}
