import fs from 'node:fs'
import path from 'node:path'
import { witnessName } from '../../src/wire/witness'
import { plainReason } from '../adapters/failure'
import { syncDirectorySync } from '../adapters/files'
import { tlsPlaces } from '../api/certificates'
import { setupFailure } from '../setup/failure'
import { splitCode } from '../setup/invitation'
import { askToJoin, findAuthority, parseTarget } from '../setup/join'
import { writeKeyFiles } from '../setup/keyFiles'
import type { Output } from '../setup/options'
import { makeKeyPair, makeRequest } from '../setup/x509'
import { witnessFailure } from './failure'
import { askLocal } from './local'
import { clusterDirectories, clusterOf, type ClusterPlaces, newClusterDirectory } from './places'

/** A witness that runs may be writing there. */
const REMOVE_TRIES = 5

export interface Joining {
  stateDirectory: string
  host: string
  address: string
  code: string
}

/**
 * This machine becomes the witness of a pair. It begins with nothing, even if it has been that pair's witness before: what it holds may be
 * older than what another witness has recorded since.
 */
export async function join({ stateDirectory, host, address, code }: Joining, { print }: Output): Promise<number> {
  const target = parseTarget(address)
  if (target === null) throw setupFailure('E_SETUP_USAGE', { what: `${address} is no address`, usage: 'mirrorpair-agent witness join ADDRESS[:PORT] CODE' })
  const halves = splitCode(code)
  if (!halves) throw setupFailure('E_SETUP_CODE', {})
  const authority = await findAuthority(target, halves.caWord)
  const pair = await makeKeyPair()
  const certificateRequest = await makeRequest(pair, witnessName(host))
  const answer = await askToJoin(target, authority.toString(), { code: halves.secret, node: host, role: 'witness', certificateRequest })
  const directory = newClusterDirectory(stateDirectory, authority.raw)
  forget(clusterDirectories(stateDirectory, halves.caWord))
  const { caFile, certFile, keyFile } = tlsPlaces(directory)
  const files = [
    { file: caFile, content: authority.toString(), secret: false },
    { file: certFile, content: answer.certificate, secret: false },
    { file: keyFile, content: pair.keyPem, secret: true }
  ]
  writeKeyFiles(files, false)
  for (let each = path.dirname(keyFile); each.startsWith(stateDirectory); each = path.dirname(each)) syncDirectorySync(each)
  const running = await askLocal(stateDirectory, 'reload')
  const { name } = clusterOf(directory)
  print(`${host} is a witness of ${name} now. ${running ? 'The witness that runs here serves it from now on.' : 'Next: mirrorpair-agent witness run.'}`)
  return 0
}

/** Everything that is kept of a pair goes, its certificate too. */
export async function leave(stateDirectory: string, name: string, { print }: Output): Promise<number> {
  const clusters = clusterDirectories(stateDirectory).flatMap(joined)
  const left = clusters.filter((cluster) => cluster.name === name || cluster.word === name)
  if (left.length === 0) throw witnessFailure('E_WITNESS_PAIR', { name, known: clusters.map((cluster) => cluster.name).join(', ') || 'none' })
  forget(left.map(({ directory }) => directory))
  await askLocal(stateDirectory, 'reload')
  print(`This is no witness of ${name} any more.`)
  return 0
}

/** One whose joining broke off is no pair yet, and does not stand in the way of the others. */
function joined(directory: string): ClusterPlaces[] {
  try {
    return [clusterOf(directory)]
  } catch {
    return []
  }
}

/** Gone for certain before anything new is there: what is older must never come back. */
function forget(directories: string[]): void {
  for (const directory of directories) {
    try {
      fs.rmSync(directory, { recursive: true, force: true, maxRetries: REMOVE_TRIES })
      syncDirectorySync(path.dirname(directory))
    } catch (error) {
      throw setupFailure('E_SETUP_WRITE', { file: directory, why: plainReason(error) })
    }
  }
}
