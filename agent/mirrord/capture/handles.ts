import type { Handle, Node } from './nodes'
import type { CaptureTable } from './table/captureTable'

export class HandleTable {
  private readonly handles: (Handle | null)[] = []
  private readonly free: number[] = []

  constructor(private readonly table: CaptureTable | null = null) {}

  add(fd: number, node: Node, flags: number): Handle {
    const fh = this.free.pop() ?? this.handles.length
    const handle: Handle = { fh, fd, node, flags, cell: -1, directory: null }
    this.handles[fh] = handle
    node.handles.push(handle)
    if (this.table !== null) handle.cell = this.table.addHandle(fh, node.id, flags)
    return handle
  }

  /** All that a dead process had open; those that could not be opened again keep their numbers, and nothing works on them. */
  restore(handles: Handle[]): void {
    for (const handle of handles) {
      this.handles[handle.fh] = handle
      if (handle.fd >= 0) handle.node.handles.push(handle)
    }
    for (let fh = 0; fh < this.handles.length; fh++) {
      if (this.handles[fh]) continue
      this.handles[fh] = null
      this.free.push(fh)
    }
  }

  get(fh: number): Handle | undefined {
    return this.handles[fh] ?? undefined
  }

  remove(handle: Handle): void {
    this.table?.removeHandle(handle.cell)
    this.handles[handle.fh] = null
    this.free.push(handle.fh)
    const at = handle.node.handles.indexOf(handle)
    if (at >= 0) handle.node.handles.splice(at, 1)
  }

  *all(): IterableIterator<Handle> {
    for (const handle of this.handles) if (handle) yield handle
  }
}
