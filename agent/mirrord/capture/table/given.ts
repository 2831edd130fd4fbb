import { giveBack, keep, nodeLabel } from '../../keeper/keptFolder'
import type { Holder } from '../serving'
import { CaptureTable } from './captureTable'

/** What the main thread gives a capture thread that has a keeper. */
export interface TableGiven {
  descriptor: number
  bytes: number
  /** A dead process has left it, with these open files without a name (by node); null: a new one. */
  restored: [number, number][] | null
}

export function openTable({ descriptor, bytes, restored }: TableGiven, hopeless: (why: string) => void): CaptureTable | null {
  if (restored === null) {
    const table = CaptureTable.create(descriptor, hopeless)
    if (table === null) hopeless('there is no memory to note what a successor has to know')
    return table
  }
  const table = CaptureTable.open(descriptor, bytes, hopeless)
  if (table === null) throw new Error('what the process before has noted of the folder cannot be read by this version')
  return table
}

export function folderHolder(slot: number, hopeless: (why: string) => void): Holder {
  return {
    hold(node, fd) {
      if (!keep(nodeLabel(slot, node), fd)) hopeless('its keeper does not take descriptors')
    },
    release: (node) => void giveBack(nodeLabel(slot, node))
  }
}
