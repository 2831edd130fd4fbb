import fs from 'node:fs'
import path from 'node:path'
import type { JoinAnswer, JoinRequest } from '../../src/wire/apiSchemas'
import { invitationFile, takeInvitation } from '../setup/invitation'
import { tlsPlaces } from './certificates'
import { witnessName } from '../../src/wire/witness'
import type { Door } from './door'
import { apiFailure } from './failure'

/** Lets the other node in, once for each code: it gets a certificate for its name and the heartbeat key. A witness gets a certificate that says so, and no more. */
export class JoinDoor {
  /** One after the other, so that a code counts once. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(private readonly door: Door) {}

  handle(request: JoinRequest, from: string): Promise<JoinAnswer> {
    const answer = this.turn.then(() => this.admit(request, from))
    this.turn = answer.catch(() => {})
    return answer
  }

  private async admit(request: JoinRequest, from: string): Promise<JoinAnswer> {
    const { places, audit, clock, log } = this.door
    const { node, config, stateDirectory } = places
    const expected = Object.keys(config.nodes).find((name) => name !== node) as string
    const invited = request.role ?? 'node'
    const entry = { who: request.node, from, what: invited === 'node' ? 'join' : 'join as witness' }
    try {
      if (invited === 'node' && request.node !== expected) throw apiFailure('E_JOIN_NODE', { node, name: request.node, expected })
      if (!takeInvitation(invitationFile(stateDirectory, invited), request.code, clock.wallMs())) throw apiFailure('E_JOIN_REFUSED', { node })
      const answer = await this.sign(request)
      await audit.write({ ...entry, result: 'done' })
      log.event('info', `${invited === 'node' ? 'Node' : 'Witness'} ${request.node} joined from ${from}`)
      return answer
    } catch (error) {
      await audit.write({ ...entry, result: (error as { report?: { code: string } }).report?.code ?? 'E_API_INTERNAL' })
      throw error
    }
  }

  private async sign(request: JoinRequest): Promise<JoinAnswer> {
    const { config, stateDirectory } = this.door.places
    const places = tlsPlaces(stateDirectory)
    // Loaded only here: the library is large, and a node joins once.
    const { loadAuthority, nodeAddresses, signRequest, witnessAddresses } = require('../setup/x509') as typeof import('../setup/x509')
    const authority = await loadAuthority(fs.readFileSync(places.caFile, 'utf8'), fs.readFileSync(places.caKeyFile, 'utf8'))
    const witness = request.role === 'witness'
    const name = witness ? witnessName(request.node) : request.node
    const addresses = witness ? witnessAddresses(config) : nodeAddresses(config, request.node)
    const certificate = await signRequest(authority, request.certificateRequest, name, addresses).catch((error: Error) => {
      throw apiFailure('E_API_REQUEST', { node: this.door.places.node, what: error.message })
    })
    return {
      caCertificate: authority.certificatePem,
      certificate,
      heartbeatKey: witness ? null : fs.readFileSync(path.join(stateDirectory, 'heartbeat.key')).toString('base64')
    }
  }
}
