import { randomBytes, X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { tlsPlaces } from '../api/certificates'
import { caWord } from '../setup/invitation'

export const DEFAULT_WITNESS_DIRECTORY = '/var/lib/mirrorpair/witness'
const JOINED_BYTES = 4

/** A pair that the witness has joined. */
export interface ClusterPlaces {
  /** The configuration's word for it, as its authority is called; two pairs may have the same. */
  name: string
  /** Of the authority: nobody else has it. Clients name it when they connect. */
  word: string
  directory: string
  authority: X509Certificate
}

const clustersDirectory = (stateDirectory: string): string => path.join(stateDirectory, 'clusters')
export const ballotsDirectory = (clusterDirectory: string): string => path.join(clusterDirectory, 'ballots')

/** The name that a client asks for in the TLS handshake; letters and digits only, whatever the pair is called. */
export const serverNameOf = (word: string): string => `${word.toLowerCase()}.witness.mirrorpair`

/** A folder of its own for each joining: what a program still writes into the one from before is lost with it, as it must be. */
export const newClusterDirectory = (stateDirectory: string, caDer: Uint8Array): string =>
  path.join(clustersDirectory(stateDirectory), `${caWord(caDer)}.${randomBytes(JOINED_BYTES).toString('hex')}`)

/** Folders of a pair (by its word), or of all. */
export function clusterDirectories(stateDirectory: string, word?: string): string[] {
  const directory = clustersDirectory(stateDirectory)
  if (!fs.existsSync(directory)) return []
  const names = fs.readdirSync(directory).filter((name) => /^[0-9A-Z]{16}\.[0-9a-f]{8}$/.test(name))
  return names.filter((name) => word === undefined || name.startsWith(`${word}.`)).map((name) => path.join(directory, name))
}

export function clusterOf(directory: string): ClusterPlaces {
  const authority = new X509Certificate(fs.readFileSync(tlsPlaces(directory).caFile))
  const name = /^CN=(?:mirrorpair )?(.*)$/m.exec(authority.subject)?.[1] ?? authority.subject
  return { name, word: caWord(authority.raw), directory, authority }
}
