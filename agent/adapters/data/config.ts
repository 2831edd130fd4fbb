import path from 'node:path'
import { hasQuorum, type JobConfig } from '../../../src/model'
import type { MirrordConfig } from '../../../src/wire'
import type { Places } from '../../ports'

/** What a job's mirrord is configured with on this node. */
export function mirrordConfig(places: Places, job: JobConfig): MirrordConfig {
  const { config, node, stateDirectory } = places
  const peerNode = Object.keys(config.nodes).find((name) => name !== node) ?? ''
  const links = config.links.flatMap((link) => {
    const localAddress = link.addresses[node]
    const peerAddress = link.addresses[peerNode]
    return link.data && localAddress !== undefined && peerAddress !== undefined ? [{ name: link.name, localAddress, peerAddress }] : []
  })
  const tls = path.join(stateDirectory, 'tls')
  return {
    job: job.name,
    node,
    peerNode,
    folders: (job.data?.folders ?? []).map(({ path: folder, exclude, name }) => ({ path: folder, exclude, ...(name === undefined ? {} : { name }) })),
    capture: job.data?.capture ?? 'fuse',
    queueBytes: job.data?.queueBytes ?? 0,
    pagefileBytes: job.data?.pagefileBytes ?? 0,
    redoQueueBytes: job.data?.redoQueueBytes ?? 0,
    dataDirectory: path.join(stateDirectory, `${job.name}.data`),
    partnerTimeoutMs: job.data?.partnerTimeoutMs ?? 0,
    bandwidthBytesPerSecond: job.data?.bandwidthBytesPerSecond ?? null,
    port: job.data?.port ?? 0,
    links,
    tls: { caFile: path.join(tls, 'ca.crt'), certFile: path.join(tls, 'node.crt'), keyFile: path.join(tls, 'node.key') },
    ...(hasQuorum(job.mode) ? { leased: true } : {})
  }
}
