import type { FrameBody } from '../../../src/wire/frameFields'

const RENAME_EXCHANGE = 2

/** A file or directory that had a name in the log, whatever it is called later. */
export class VirtualNode {
  children: Map<string, VirtualNode> | null = null
  readonly names: { directory: VirtualNode; name: string }[] = []
}

/**
 * The names of a folder while a log is gone through in memory: nothing is read or changed on the disk. What has not been named before
 * is taken to be there under its name. So it can be told where a file that some change meant is at the end.
 */
export class VirtualNames {
  private readonly root = new VirtualNode()

  /** What this path leads to now. */
  node(path: string): VirtualNode {
    if (path === '') return this.root
    let node = this.root
    for (const name of path.split('/')) node = childOf(node, name)
    return node
  }

  /** All paths of it now; none: it is gone. */
  pathsOf(node: VirtualNode): string[] {
    if (node === this.root) return ['']
    return node.names.flatMap(({ directory, name }) => this.pathsOf(directory).map((path) => (path === '' ? name : `${path}/${name}`)))
  }

  /** A change of names; all other changes leave them alone. `undone`: it was forgiven and did not happen. */
  apply(body: FrameBody, undone: boolean, excluded: (path: string) => boolean): void {
    switch (body.kind) {
      case 'create':
      case 'mkdir':
      case 'mknod':
      case 'symlink':
      case 'walkFile':
      case 'walkSymlink':
      case 'walkNode':
        return this.put(body.path, new VirtualNode())
      case 'link':
      case 'walkLink':
        return undone ? undefined : this.put(body.newPath, this.node(body.path))
      case 'unlink':
      case 'rmdir':
        return this.take(body.path)
      case 'rename':
        return this.rename(body.path, body.newPath, (body.flags & RENAME_EXCHANGE) !== 0, undone)
      case 'walkListing':
      case 'checkListing':
        return this.keepOnly(body, excluded)
      default:
    }
  }

  private rename(path: string, newPath: string, exchange: boolean, undone: boolean): void {
    const [from, to] = [this.node(path), this.node(newPath)]
    // Two names of one file: rename(2) leaves both as they are.
    if (from === to) return
    if (exchange) {
      if (undone) return
      this.put(path, to)
      return this.put(newPath, from)
    }
    this.take(path)
    if (undone) this.take(newPath)
    else this.put(newPath, from)
  }

  private keepOnly(body: FrameBody & { kind: 'walkListing' | 'checkListing' }, excluded: (path: string) => boolean): void {
    const wanted = new Set(body.entries.map(({ name }) => name))
    const upTo = body.last ? null : (body.entries.at(-1)?.name ?? body.after)
    for (const name of [...(this.node(body.path).children?.keys() ?? [])]) {
      const path = body.path === '' ? name : `${body.path}/${name}`
      const covered = (body.after === '' || name > body.after) && (upTo === null || name <= upTo)
      if (covered && !wanted.has(name) && !excluded(path)) this.take(path)
    }
  }

  private place(path: string): { directory: VirtualNode; name: string } {
    const slash = path.lastIndexOf('/')
    return { directory: this.node(slash < 0 ? '' : path.slice(0, slash)), name: path.slice(slash + 1) }
  }

  private put(path: string, node: VirtualNode): void {
    const { directory, name } = this.place(path)
    const old = directory.children?.get(name)
    if (old !== undefined) removeName(old, directory, name)
    attach(node, directory, name)
  }

  private take(path: string): void {
    const { directory, name } = this.place(path)
    const old = directory.children?.get(name)
    if (old !== undefined) removeName(old, directory, name)
    directory.children?.delete(name)
  }
}

function attach(node: VirtualNode, directory: VirtualNode, name: string): void {
  directory.children ??= new Map()
  directory.children.set(name, node)
  node.names.push({ directory, name })
}

function removeName(node: VirtualNode, directory: VirtualNode, name: string): void {
  const index = node.names.findIndex((each) => each.directory === directory && each.name === name)
  if (index >= 0) node.names.splice(index, 1)
}

function childOf(directory: VirtualNode, name: string): VirtualNode {
  const known = directory.children?.get(name)
  if (known !== undefined) return known
  const node = new VirtualNode()
  attach(node, directory, name)
  return node
}
