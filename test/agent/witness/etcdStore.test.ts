import { once } from 'node:events'
import fs from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { NodeCertificates } from '../../../agent/api/certificates'
import { makeAuthority, makeKeyPair, signNode } from '../../../agent/setup/x509'
import { EtcdStore } from '../../../agent/witness/etcdStore'
import { ANSWER_MS, temporaryFolder } from './kit'

const ADDRESS = '127.0.0.1'
/** Nobody listens there. */
const DEAD = `https://${ADDRESS}:1`
let folder: string
let server: https.Server
let member: string
let store: EtcdStore | null

/** Of an authority that is new each time. */
async function certificates(): Promise<Record<'member' | 'client', NodeCertificates>> {
  const { authority } = await makeAuthority('etcd')
  const sign = async (name: string): Promise<NodeCertificates> => {
    const { keys, keyPem } = await makeKeyPair()
    return { ca: authority.certificatePem, cert: await signNode(authority, keys.publicKey, name, [ADDRESS]), key: keyPem }
  }
  return { member: await sign('member'), client: await sign('client') }
}

const place = (name: keyof NodeCertificates): string => path.join(folder, name)
function write(client: NodeCertificates): void {
  for (const [name, text] of Object.entries(client)) fs.writeFileSync(place(name as keyof NodeCertificates), text)
}

const read = (endpoints: string[]): Promise<unknown> => {
  store ??= new EtcdStore({ endpoints, caFile: place('ca'), certFile: place('cert'), keyFile: place('key'), user: null, passwordFile: null })
  return store.read('mirrorpair/', performance.now() + ANSWER_MS)
}

beforeEach(async () => {
  folder = temporaryFolder()
  store = null
  const of = await certificates()
  write(of.client)
  server = https.createServer({ ...of.member, requestCert: true, rejectUnauthorized: true }, (_, response) => void response.end('{}'))
  await once(server.listen(0, ADDRESS), 'listening')
  member = `https://${ADDRESS}:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  await store?.close()
  server.closeAllConnections()
  server.close()
  fs.rmSync(folder, { recursive: true })
})

test('every member is asked before a question comes to nothing', async () => {
  expect(await read([DEAD, member, DEAD])).toBeNull()
})

test('certificates that were replaced are used by the next connection', async () => {
  expect(await read([member])).toBeNull()
  const next = await certificates()
  server.setSecureContext(next.member)
  write(next.client)
  server.closeAllConnections()
  // The first one may still be asked on the connection that has just ended.
  expect(await read([member]).catch(() => read([member]))).toBeNull()
})
