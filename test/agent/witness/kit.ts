import { randomUUID, X509Certificate } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type NodeCertificates, tlsPlaces } from '../../../agent/api/certificates'
import { createClockPort } from '../../../agent/adapters/clock'
import { type Authority, makeAuthority, makeKeyPair, signNode } from '../../../agent/setup/x509'
import { createWitnessClient, type WitnessClient, type WitnessClientOptions } from '../../../agent/witness/client'
import { newClusterDirectory } from '../../../agent/witness/places'
import { type RunningWitness, startWitnessProgram } from '../../../agent/witness/run'
import type { Ballot, VoteMessage, VoteReply } from '../../../src/wire'
import { witnessName } from '../../../src/wire/witness'

export const LEASE_MS = 1_000
export const DRIFT_MS = 20
export const ANSWER_MS = 5_000

export const temporaryFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-witness-'))

/** A cluster as its nodes have it: an authority, and what it has signed. */
export interface Pair {
  authority: Authority
  sign(name: string): Promise<NodeCertificates>
  /** The witness in this directory has joined. */
  enrol(stateDirectory: string): Promise<string>
}

export async function makePair(cluster: string): Promise<Pair> {
  const { authority } = await makeAuthority(cluster)
  const sign = async (name: string): Promise<NodeCertificates> => {
    const { keys, keyPem } = await makeKeyPair()
    return { ca: authority.certificatePem, cert: await signNode(authority, keys.publicKey, name, []), key: keyPem }
  }
  const enrol = async (stateDirectory: string): Promise<string> => {
    const directory = newClusterDirectory(stateDirectory, new X509Certificate(authority.certificatePem).raw)
    const { caFile, certFile, keyFile } = tlsPlaces(directory)
    const { ca, cert, key } = await sign(witnessName('here'))
    fs.mkdirSync(path.dirname(caFile), { recursive: true })
    for (const [file, text] of [
      [caFile, ca],
      [certFile, cert],
      [keyFile, key]
    ] as const)
      fs.writeFileSync(file, text)
    return directory
  }
  return { authority, sign, enrol }
}

export const startHere = (stateDirectory: string, port = 0, clock = createClockPort()): Promise<RunningWitness> =>
  startWitnessProgram({ stateDirectory, host: 'here', listen: '127.0.0.1', port }, { standardError: false, clock })

export const logOf = (stateDirectory: string): string => fs.readFileSync(path.join(stateDirectory, 'events.log'), 'utf8')

/** A node that asks: it counts its questions and remembers the incarnation, as the core does. */
export class Asker {
  number = 0
  /** The witness's incarnation, by job. */
  private readonly voters = new Map<string, string>()
  troubles: (string | null)[] = []
  since = 0
  readonly client: WitnessClient
  private readonly sender = randomUUID()

  constructor(
    readonly node: string,
    readonly peer: string,
    through: WitnessClient | (Partial<Omit<WitnessClientOptions, 'certificates'>> & { port: number; certificates: NodeCertificates })
  ) {
    if ('ask' in through) {
      this.client = through
      return
    }
    const { certificates, ...options } = through
    this.client = createWitnessClient({
      address: '127.0.0.1',
      certificates: () => certificates,
      times: () => ({ leaseMs: LEASE_MS, driftMs: DRIFT_MS }),
      since: () => this.since,
      troubled: (why) => this.troubles.push(why),
      ...options
    })
  }

  message(ballot: Ballot, ask: VoteMessage['ask'], job = 'DB_Group'): VoteMessage {
    this.number += 1
    return { job, from: this.node, peer: this.peer, sender: this.sender, number: this.number, voter: this.voters.get(job) ?? null, ballot, ask }
  }

  async ask(ballot: Ballot, ask: VoteMessage['ask'], job = 'DB_Group'): Promise<VoteReply | null> {
    const reply = await this.client.ask(this.message(ballot, ask, job), ANSWER_MS)
    if (reply) this.voters.set(job, reply.incarnation)
    return reply
  }

  report = (held: Ballot, job?: string): Promise<VoteReply | null> => this.ask(held, { do: 'report' }, job)
  renew = (held: Ballot, job?: string): Promise<VoteReply | null> => this.ask(held, { do: 'renew' }, job)
  claim = (held: Ballot, ballot: Ballot, job?: string): Promise<VoteReply | null> => this.ask(held, { do: 'propose', ballot }, job)
}

export const held = (owner: string, roleSequence = 1, more: Partial<Ballot> = {}): Ballot => ({
  roleSequence,
  owner,
  mirrorInSync: true,
  syncSequence: roleSequence,
  configVersion: 1,
  ...more
})
