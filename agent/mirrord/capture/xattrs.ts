import * as libc from '../../native/libc'
import { EINVAL, ENODATA, ESTALE } from '../../native/libcErrors'
import type { Node } from './nodes'
import { IN_HEADER_BYTES, OUT_HEADER_BYTES } from './protocol'
import type { Serving } from './serving'

const BODY = IN_HEADER_BYTES
const ANSWER_BYTES_MAX = 64 << 10

type ByPath = (path: Buffer) => number
type ByDescriptor = (fd: number) => number

/** Extended attributes work on an open descriptor where there is one (no path to follow: the kernel asks at the first write of a file), else on the name. */
function onNode(serving: Serving, node: Node, byPath: ByPath, byDescriptor: ByDescriptor): number {
  const handle = node.handles[0]
  if (handle !== undefined) return byDescriptor(handle.fd)
  const path = serving.nodes.pathOf(node)
  return path === null ? -ESTALE : byPath(serving.absolutePathBytes(path))
}

/** A size of 0 asks how large the answer would be. */
function answer(serving: Serving, size: number, read: (into: Buffer | null, bytes: number) => number): number {
  const { output } = serving
  if (size > 0) return read(output.subarray(OUT_HEADER_BYTES), Math.min(size, ANSWER_BYTES_MAX))
  const bytes = read(null, 0)
  if (bytes < 0) return bytes
  output.writeUInt32LE(bytes, OUT_HEADER_BYTES)
  output.writeUInt32LE(0, OUT_HEADER_BYTES + 4)
  return 8
}

export function getxattr(serving: Serving): number {
  const { node } = serving
  if (node === undefined) return -ESTALE
  const name = libc.cString(serving.nameAt(8))
  return answer(serving, serving.input.readUInt32LE(BODY), (into, bytes) =>
    onNode(
      serving,
      node,
      (path) => libc.lgetxattr(path, name, into, bytes),
      (fd) => libc.fgetxattr(fd, name, into, bytes)
    )
  )
}

export function listxattr(serving: Serving): number {
  const { node } = serving
  if (node === undefined) return -ESTALE
  return answer(serving, serving.input.readUInt32LE(BODY), (into, bytes) =>
    onNode(
      serving,
      node,
      (path) => libc.llistxattr(path, into, bytes),
      (fd) => libc.flistxattr(fd, into, bytes)
    )
  )
}

function hasXattr(serving: Serving, node: Node, name: Buffer): boolean {
  const bytes = onNode(
    serving,
    node,
    (path) => libc.lgetxattr(path, name, null, 0),
    (fd) => libc.fgetxattr(fd, name, null, 0)
  )
  return bytes >= 0
}

export function setxattr(serving: Serving): number {
  const { node, input } = serving
  if (node === undefined) return -ESTALE
  const size = input.readUInt32LE(BODY)
  const flags = input.readUInt32LE(BODY + 4)
  const name = serving.nameAt(8)
  const start = BODY + 8 + name.length + 1
  if (start + size > serving.requestBytes) return -EINVAL
  const value = input.subarray(start, start + size)
  const nameBytes = libc.cString(name)
  return serving.locked(() => {
    // Only where it matters whether it was there before does a successor have to know.
    if (flags !== 0) serving.table?.request.evidence({ inode: node.inode, existed: hasXattr(serving, node, nameBytes) })
    // CREATE that a dead process has performed: it is set once more.
    const asked = serving.madeIt() ? 0 : flags
    const result = onNode(
      serving,
      node,
      (path) => libc.lsetxattr(path, nameBytes, value, size, asked),
      (fd) => libc.fsetxattr(fd, nameBytes, value, size, asked)
    )
    if (result < 0) return result
    serving.log.changed(node.inode)
    const path = serving.sentPath(node)
    // The target may have it already or not (it was mirrored meanwhile): CREATE and REPLACE have been judged here.
    if (path !== null) serving.log.append({ folder: serving.folder, kind: 'setxattr', path, name, value, flags: 0 })
    return 0
  })
}

export function removexattr(serving: Serving): number {
  const { node } = serving
  if (node === undefined) return -ESTALE
  const name = serving.nameAt(0)
  const nameBytes = libc.cString(name)
  return serving.locked(() => {
    if (serving.table !== null && !serving.removedIt()) {
      serving.table.request.evidence({ inode: node.inode, existed: hasXattr(serving, node, nameBytes) })
    }
    const result = onNode(
      serving,
      node,
      (path) => libc.lremovexattr(path, nameBytes),
      (fd) => libc.fremovexattr(fd, nameBytes)
    )
    if (result < 0 && !(result === -ENODATA && serving.removedIt())) return result
    serving.log.changed(node.inode)
    const path = serving.sentPath(node)
    if (path !== null) serving.log.append({ folder: serving.folder, kind: 'removexattr', path, name })
    return 0
  })
}
