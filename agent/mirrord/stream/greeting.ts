import { dataError } from '../../../src/wire/frame'
import type { MirrordConfig } from '../../../src/wire/mirrord'
import type { CopyState } from '../copyState'
import type { TargetLog } from '../redolog/targetLog'
import { foldersSaid, identityOf } from './foldersSaid'
import { STREAM_PROTOCOL, type Begin, type Hello, type Welcome } from './hello'
import type { ReceiverView } from './receiverView'

/** The receiving end's side of the greeting: whom it takes, what it says of itself, and what it lets a source decide. */
function refuse({ job }: MirrordConfig, peer: string, why: string): never {
  throw dataError('E_HELLO', { job, peer, why })
}

export function checkHello(config: MirrordConfig, hello: Hello): void {
  const { job, peerNode, folders } = config
  if (hello.job !== job) refuse(config, hello.node, `it speaks of the job ${hello.job}`)
  if (hello.node !== peerNode) refuse(config, hello.node, `${peerNode} was expected`)
  if (hello.folders.length !== folders.length) refuse(config, hello.node, `it has ${hello.folders.length} folders, this node ${folders.length}`)
  const own = foldersSaid(config).map(identityOf)
  const other = hello.folders.map(identityOf).findIndex((theirs, place) => theirs !== null && theirs !== own[place])
  if (other >= 0) refuse(config, hello.node, `its folder ${other + 1} is another one than ${folders[other]?.path}, or something else is excluded there`)
}

export function welcomeOf({ job, node }: MirrordConfig, state: Readonly<CopyState>, log: TargetLog, view: ReceiverView, marked: boolean): Welcome {
  const { diverged, sourceOf, lineage, exposed } = state
  const { copyComplete, roleSequence } = view
  return {
    protocol: STREAM_PROTOCOL,
    job,
    node,
    roleSequence,
    session: log.session(),
    receivedLsn: log.hard.lsn,
    appliedLsn: log.applied.lsn,
    copyComplete,
    diverged,
    lineage,
    exposed: exposed !== null,
    dirty: marked ? 'follows' : copyComplete || log.session() !== null ? 'none' : 'unknown',
    suspended: log.suspended,
    sourceOf: [...sourceOf]
  }
}

export function checkBegin(config: MirrordConfig, log: TargetLog, { decision, session, fromLsn }: Begin, copyComplete: boolean): void {
  const refused = (why: string): never => refuse(config, config.peerNode, why)
  if (decision === 'resume' && (session !== log.session() || fromLsn > log.end.lsn)) refused('it would resume what this node does not have')
  if (decision === 'adopt' && !copyComplete) refused('it takes this copy for complete')
  if (decision === 'adopt' && log.suspended !== null) refused('redo has not applied all that this node has')
}
