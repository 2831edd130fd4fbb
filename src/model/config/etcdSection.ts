import type { EtcdConfig, WitnessConfig } from '../config'
import { isLoopback, parseIp } from './address'
import { scalarText, type Section } from './section'

export const ETCD_KEYS = ['etcd', 'ca', 'cert', 'key', 'user', 'passwordFile']
const EXAMPLE = 'https://192.168.150.161:2379'
const ENDPOINTS_MAX = 9
const ENDPOINT = /^(https?):\/\/(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+)):(\d{1,5})$/

interface Endpoint {
  text: string
  host: string
  port: number
}

/** `witness: { etcd: [ https://…:2379, … ], ca: FILE, cert: FILE, key: FILE, user: NAME, passwordFile: FILE }` */
export function readEtcd(section: Section): WitnessConfig | null {
  const items = section.list('etcd', `[ ${EXAMPLE} ]`)
  const parsed = items.map((item) => parseEndpoint(scalarText(item) ?? ''))
  const expected = `the members of an etcd cluster, at most ${ENDPOINTS_MAX}, with https`
  const strange = items[parsed.indexOf(null)]
  if (strange !== undefined) {
    // The list is right as a list: the member is what has to be named.
    const found = scalarText(strange) ?? 'a list or a map in it'
    section.source.refuse(strange, 'E_CONFIG_VALUE', { key: 'etcd', where: 'witness', found, expected, example: `[ ${EXAMPLE} ]` })
    return null
  }
  const endpoints = parsed.filter((each) => each !== null)
  const [first] = endpoints
  if (first === undefined || endpoints.length > ENDPOINTS_MAX) {
    section.refuse('etcd', expected, `[ ${EXAMPLE} ]`)
    return null
  }
  const etcd: EtcdConfig = {
    endpoints: endpoints.map(({ text }) => text),
    caFile: readFile(section, 'ca', 'etcd-ca.crt'),
    certFile: readFile(section, 'cert', 'etcd.crt'),
    keyFile: readFile(section, 'key', 'etcd.key'),
    user: section.text('user', null, 'mirrorpair'),
    passwordFile: readFile(section, 'passwordFile', 'etcd-password')
  }
  if ((etcd.certFile === null) !== (etcd.keyFile === null)) section.refuse('cert', 'a certificate and its key, or neither', '/etc/mirrorpair/etcd.crt')
  if ((etcd.user === null) !== (etcd.passwordFile === null)) section.refuse('user', 'a user and the file with its password, or neither', 'mirrorpair')
  return { address: first.host, port: first.port, etcd }
}

/** Passwords and votes do not travel in clear, but for a try on one machine. */
function parseEndpoint(text: string): Endpoint | null {
  const [, scheme, bracketed, plain, digits] = ENDPOINT.exec(text) ?? []
  const host = bracketed ?? plain ?? ''
  const ip = parseIp(host)
  const port = Number(digits)
  if (host === '' || port < 1 || port > 65_535 || (bracketed !== undefined && ip === null)) return null
  return scheme === 'https' || (ip !== null && isLoopback(ip)) ? { text, host, port } : null
}

function readFile(section: Section, key: string, example: string): string | null {
  const file = section.text(key, null, `/etc/mirrorpair/${example}`)
  if (file === null || file.startsWith('/')) return file
  section.refuse(key, 'the whole path of a file', `/etc/mirrorpair/${example}`)
  return null
}
