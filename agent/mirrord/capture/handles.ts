import type { Handle, Node } from './nodes'

export class HandleTable {
  private readonly handles: (Handle | null)[] = []
  private readonly free: number[] = []

  add(fd: number, node: Node): Handle {
    const fh = this.free.pop() ?? this.handles.length
    const handle: Handle = { fh, fd, node, directory: null }
    this.handles[fh] = handle
    node.handles.push(handle)
    return handle
  }

  get(fh: number): Handle | undefined {
    return this.handles[fh] ?? undefined
  }

  remove(handle: Handle): void {
    this.handles[handle.fh] = null
    this.free.push(handle.fh)
    const at = handle.node.handles.indexOf(handle)
    if (at >= 0) handle.node.handles.splice(at, 1)
  }

  *all(): IterableIterator<Handle> {
    for (const handle of this.handles) if (handle) yield handle
  }
}
