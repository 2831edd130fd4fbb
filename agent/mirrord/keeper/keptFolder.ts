import * as libc from '../../native/libc'
import { sendDescriptor } from '../../native/descriptorSocket'

/**
 * What mirrord and its keeper say to each other. Descriptors go through a socket of their own, each with a label, and are held from the moment they are
 * sent, whatever happens to mirrord then; lines of JSON go through a stream, and an empty line says that there is something at the socket.
 */
export const CHANNEL_FD = 3
export const SOCKET_FD = 4
/** The first of the descriptors that were kept for a successor, in the order of their labels. */
export const KEPT_FD = 5

/** `-LABEL` gives one back; `-PREFIX*` all that begin so. */
export const GIVE_BACK = '-'
export const ALL_OF = '*'

export type FolderPart = 'root' | 'fuse' | 'table'
export const folderLabel = (folder: number, part: FolderPart): string => `${folder}:${part}`
export const nodeLabel = (folder: number, node: number): string => `${folder}:node:${node}`

const LOOK = Buffer.from('\n')

/** False: the keeper is gone. */
export function keep(label: string, descriptor: number): boolean {
  return tell(label, descriptor)
}

export function giveBack(label: string): boolean {
  return tell(`${GIVE_BACK}${label}`, null)
}

export const giveBackFolder = (folder: number): boolean => giveBack(`${folder}:${ALL_OF}`)

function tell(text: string, descriptor: number | null): boolean {
  if (sendDescriptor(SOCKET_FD, text, descriptor) < 0) return false
  // It does not matter whether this one has room: what fills the stream makes the keeper look, too.
  libc.write(CHANNEL_FD, LOOK, LOOK.length)
  return true
}

/** A captured folder that a dead mirrord has left: descriptors of this process now. */
export interface KeptFolder {
  root: number
  fuse: number
  table: number
  /** Open files without a name, by node. */
  nodes: [number, number][]
}

/** Sorts what the keeper hands over by folders. */
export function keptFolders(labels: readonly string[]): Map<number, Partial<KeptFolder> & Pick<KeptFolder, 'nodes'>> {
  const folders = new Map<number, Partial<KeptFolder> & Pick<KeptFolder, 'nodes'>>()
  labels.forEach((label, index) => {
    const [number = '', part = '', node = ''] = label.split(':')
    const folder = folders.get(Number(number)) ?? { nodes: [] }
    folders.set(Number(number), folder)
    if (part === 'node') folder.nodes.push([Number(node), KEPT_FD + index])
    else if (part === 'root' || part === 'fuse' || part === 'table') folder[part] = KEPT_FD + index
  })
  return folders
}
