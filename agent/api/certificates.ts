import fs from 'node:fs'
import path from 'node:path'
import { plainReason } from '../adapters/failure'
import { apiFailure } from './failure'

export interface NodeCertificates {
  ca: string
  cert: string
  key: string
}

export const tlsPlaces = (stateDirectory: string) => ({
  caFile: path.join(stateDirectory, 'tls', 'ca.crt'),
  caKeyFile: path.join(stateDirectory, 'tls', 'ca.key'),
  certFile: path.join(stateDirectory, 'tls', 'node.crt'),
  keyFile: path.join(stateDirectory, 'tls', 'node.key')
})

export function readCertificates(stateDirectory: string, node: string): NodeCertificates {
  const read = (file: string): string => {
    try {
      return fs.readFileSync(file, 'utf8')
    } catch (error) {
      throw apiFailure('E_API_CERTIFICATE', { node, file, why: plainReason(error) })
    }
  }
  const { caFile, certFile, keyFile } = tlsPlaces(stateDirectory)
  return { ca: read(caFile), cert: read(certFile), key: read(keyFile) }
}
