import fs from 'node:fs'
import tls from 'node:tls'
import { dataError } from '../../../src/wire/frame'
import type { MirrordConfig } from '../../../src/wire/mirrord'

export const CONNECT_TIMEOUT_MS = 3_000
/** Both sides say something at least so often. */
export const KEEPALIVE_MS = 500
/** After so long without a word the source asks whether the link still works ... */
export const LINK_SILENT_MS = 1_200
/** ... and gives it up, for the next one, when there is no answer to that: 2.5 s after the last word. */
export const PROBE_TIMEOUT_MS = 1_000
/** The link works, but the program at the other end says nothing: it may be busy with its disk for so long. */
export const PEER_SILENT_MS = 30_000
/** The target gives up a connection on which its source has said nothing for so long. */
export const SOURCE_SILENT_MS = 10_000

export type DataLink = MirrordConfig['links'][number]

/** Read again for each connection: certificates are renewed while mirrord runs. */
export function identity(config: MirrordConfig): tls.SecureContextOptions {
  const { caFile, certFile, keyFile } = config.tls
  return { ca: fs.readFileSync(caFile), cert: fs.readFileSync(certFile), key: fs.readFileSync(keyFile), minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }
}

/** The cluster's CA has signed it, and it is the peer's own: another node of the cluster is refused too. */
export function checkPeerName(socket: tls.TLSSocket, expected: string): void {
  const seen = String(socket.getPeerCertificate().subject?.CN ?? 'nobody')
  if (!socket.authorized || seen !== expected) throw dataError('E_PEER_NAME', { expected, seen })
}

/** Resolves when the TLS handshake is done and the peer is who it should be; rejects at once when nobody waits for it any more. */
export function connect(config: MirrordConfig, link: DataLink, unwanted: AbortSignal): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const options: tls.ConnectionOptions & { localAddress: string } = {
      ...identity(config),
      host: link.peerAddress,
      port: config.port,
      localAddress: link.localAddress,
      rejectUnauthorized: true,
      // Node names are no DNS names; the common name is compared below.
      checkServerIdentity: () => undefined
    }
    const socket = tls.connect(options)
    const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS)
    const giveUp = (): void => void socket.destroy(new Error('it is asked to stop'))
    unwanted.addEventListener('abort', giveUp, { once: true })
    const waited = (): void => {
      clearTimeout(timer)
      unwanted.removeEventListener('abort', giveUp)
    }
    socket.once('error', reject)
    socket.once('close', () => {
      waited()
      reject(new Error('closed before the handshake was done'))
    })
    socket.once('secureConnect', () => {
      waited()
      try {
        checkPeerName(socket, config.peerNode)
        socket.off('error', reject)
        socket.setNoDelay(true)
        resolve(socket)
      } catch (error) {
        reject(error)
        socket.destroy()
      }
    })
  })
}
