// The certificate library asks for this polyfill before it is loaded itself.
import 'reflect-metadata'
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Config } from '../../src/model'

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const CA_DAYS = 20 * 365
const NODE_DAYS = 10 * 365
/** The clocks of two nodes need not agree. */
const EARLIER_MS = 2 * DAY_MS
const SERIAL_BYTES = 16

x509.cryptoProvider.set(webcrypto)

/** The cluster's certificate authority with its key. */
export interface Authority {
  certificatePem: string
  certificate: x509.X509Certificate
  key: webcrypto.CryptoKey
}

export interface KeyPair {
  keys: webcrypto.CryptoKeyPair
  /** PKCS#8. */
  keyPem: string
}

export async function makeKeyPair(): Promise<KeyPair> {
  const keys = (await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  return { keys, keyPem: x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY') }
}

const life = (days: number) => ({ notBefore: new Date(Date.now() - EARLIER_MS), notAfter: new Date(Date.now() + days * DAY_MS) })
/** Positive, as the standard wants it. */
const serialNumber = (): string => `01${randomBytes(SERIAL_BYTES - 1).toString('hex')}`
const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem').trimEnd()}\n`

export async function makeAuthority(cluster: string): Promise<{ authority: Authority; keyPem: string }> {
  const { keys, keyPem } = await makeKeyPair()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`mirrorpair ${cluster}`] }],
    ...life(CA_DAYS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
    ]
  })
  return { authority: { certificatePem: pem(certificate), certificate, key: keys.privateKey }, keyPem: `${keyPem.trimEnd()}\n` }
}

export async function loadAuthority(certificatePem: string, keyPem: string): Promise<Authority> {
  const key: KeyObject = createPrivateKey(keyPem)
  const der = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }))
  return {
    certificatePem,
    certificate: new x509.X509Certificate(certificatePem),
    key: await webcrypto.subtle.importKey('pkcs8', der, CURVE, false, ['sign'])
  }
}

/** The node's name is in CN, which is what the peer looks at; name and addresses in the SANs, which is what other clients look at. */
export async function signNode(authority: Authority, publicKey: x509.PublicKeyType, node: string, addresses: string[]): Promise<string> {
  const host = node.replace(/^witness:/, '')
  const dnsName = /^[A-Za-z0-9_.-]+$/.test(host) ? [{ type: 'dns' as const, value: host }] : []
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [node] }],
    issuer: authority.certificate.subjectName,
    ...life(NODE_DAYS),
    publicKey,
    signingKey: authority.key,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...alternativeNames([...dnsName, ...addresses.map((value) => ({ type: 'ip' as const, value }))]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate)
    ]
  })
  return pem(certificate)
}

const alternativeNames = (names: x509.JsonGeneralName[]): x509.Extension[] => (names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [])

export async function makeRequest({ keys }: KeyPair, node: string): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: [{ CN: [node] }], keys, signingAlgorithm: SIGNATURE })
  return request.toString('pem')
}

/** The request proves that its sender has the key; its names are not looked at, those of the configuration count. */
export async function signRequest(authority: Authority, requestPem: string, node: string, addresses: string[]): Promise<string> {
  const request = new x509.Pkcs10CertificateRequest(requestPem)
  if (!(await request.verify())) throw new Error('the certificate request is not signed with its own key')
  const { name, namedCurve } = request.publicKey.algorithm as webcrypto.EcKeyAlgorithm
  if (name !== CURVE.name || namedCurve !== CURVE.namedCurve) throw new Error('the certificate request has no key of the curve P-256')
  return signNode(authority, request.publicKey, node, addresses)
}

/** All addresses the configuration gives a node. */
export function nodeAddresses(config: Config, node: string): string[] {
  const ofLinks = config.links.map((link) => link.addresses[node])
  return [...new Set([config.nodes[node]?.address, ...ofLinks])].filter((address): address is string => address !== undefined)
}

/** Those of its section in the configuration, if there is one yet. */
export const witnessAddresses = (config: Config): string[] => (config.witness && !config.witness.etcd ? [config.witness.address] : [])
