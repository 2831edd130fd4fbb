import { TO_END } from '../dirty/extents'
import type { Marks, Standing } from '../dirty/marks'
import type { Node } from './nodes'
import {
  FATTR_ATIME,
  FATTR_GID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_SIZE,
  FATTR_UID,
  IN_HEADER_BYTES,
  O_TRUNC,
  Opcode,
  RENAME_EXCHANGE,
  S_IFDIR,
  S_IFMT,
  readU64
} from './protocol'
import type { Serving } from './serving'

/**
 * Which marks of the dirty map a request needs before it may change anything. Each of these only asks; when something is not hard yet the request is set
 * aside and asks again later. Requests that change nothing are not here.
 */
type Needs = (serving: Serving, marks: Marks) => void

const BODY = IN_HEADER_BYTES
/** fallocate(2): what lies behind moves. */
const FALLOC_COLLAPSE = 8
const FALLOC_INSERT = 32
const ATTRIBUTES = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_ATIME | FATTR_MTIME

function write(serving: Serving, marks: Marks): void {
  const { input } = serving
  const node = serving.handles.get(readU64(input, BODY))?.node
  if (node === undefined) return
  const offset = readU64(input, BODY + 8)
  marks.file(node, offset, offset + input.readUInt32LE(BODY + 16))
}

function fallocate(serving: Serving, marks: Marks): void {
  const { input } = serving
  const node = serving.handles.get(readU64(input, BODY))?.node
  if (node === undefined) return
  const offset = readU64(input, BODY + 8)
  const moves = (input.readUInt32LE(BODY + 24) & (FALLOC_COLLAPSE | FALLOC_INSERT)) !== 0
  marks.file(node, offset, moves ? TO_END : offset + readU64(input, BODY + 16))
}

/** Attributes are compared with the directory that the names are in. */
function attributes(serving: Serving, marks: Marks): void {
  const { node } = serving
  if (node !== undefined) attributesOf(serving, marks, node)
}

function attributesOf(serving: Serving, marks: Marks, node: Node): void {
  if (node.isDirectory) return marks.names(node)
  const parent = serving.nodes.sentPathOf(node) === null ? null : serving.nodes.parentOf(node)
  if (parent !== null) marks.names(parent)
  // Its name is not known, so nobody can tell where to look.
  else if (node.namedElsewhere) marks.subtree('')
}

function setattr(serving: Serving, marks: Marks): void {
  const { node, input } = serving
  if (node === undefined) return
  const valid = input.readUInt32LE(BODY)
  if ((valid & FATTR_SIZE) !== 0) marks.file(node, readU64(input, BODY + 16), TO_END)
  if ((valid & ATTRIBUTES) !== 0) attributesOf(serving, marks, node)
}

function open(serving: Serving, marks: Marks): void {
  const { node, input } = serving
  if (node !== undefined && (input.readUInt32LE(BODY) & O_TRUNC) !== 0) marks.file(node, 0, TO_END)
}

const newName =
  (nameAt: number, isDirectory: boolean): Needs =>
  (serving, marks) => {
    const parent = serving.node
    if (parent === undefined) return
    marks.names(parent)
    marks.appears(parent, serving.nameAt(nameAt), isDirectory)
  }

function link(serving: Serving, marks: Marks): void {
  const node = serving.nodes.byNodeId(readU64(serving.input, BODY))
  const parent = serving.node
  if (node === undefined || parent === undefined) return
  const name = serving.nameAt(8)
  // Both names of the file are looked at, so that it is seen to be one.
  const other = serving.nodes.parentOf(node)
  if (other !== null) marks.names(other)
  marks.names(parent)
  marks.replaced(parent, name, { birth: node.birth, directory: false })
  marks.appears(parent, name, false)
}

function remove(serving: Serving, marks: Marks): void {
  const parent = serving.node
  if (parent === undefined) return
  marks.names(parent)
  const name = serving.nameAt(0)
  const standing = standingAt(serving, parent, name)
  if (standing !== null) nameGoes(marks, parent, name, standing)
}

interface Found extends Standing {
  node: Node | undefined
  links: number
  changedTicks: number
}

function standingAt(serving: Serving, parent: Node, name: string): Found | null {
  const path = serving.nodes.childPath(parent, name)
  if (path === null || serving.statPath(path) < 0) return null
  const { stat } = serving
  const { birth, mode } = stat.identity()
  return {
    birth,
    directory: (mode & S_IFMT) === S_IFDIR,
    node: serving.nodes.child(parent, name),
    links: stat.links,
    changedTicks: stat.changedTicks
  }
}

/** A file that keeps other names may have been changed under this one: then those are the ones to look at. */
function nameGoes(marks: Marks, parent: Node, name: string, standing: Found): void {
  marks.disappears(parent, name, standing)
  if (!standing.directory && standing.links > 1) otherNames(marks, parent, name, standing)
}

function otherNames(marks: Marks, parent: Node, name: string, { node, links, birth, changedTicks }: Found): void {
  const others = (node?.names ?? []).filter((each) => each.parent !== parent || each.name !== name)
  for (const other of others) {
    marks.names(other.parent)
    marks.replaced(other.parent, other.name, { birth, directory: false })
  }
  if (others.length < links - 1 && changedTicks >= marks.ring.oldestBegan()) marks.subtree('')
}

function rename(serving: Serving, marks: Marks, namesAt: number, flags: number): void {
  const oldParent = serving.node
  const newParent = serving.nodes.byNodeId(readU64(serving.input, BODY))
  if (oldParent === undefined || newParent === undefined) return
  const oldName = serving.nameAt(namesAt)
  const newName = serving.nameAt(namesAt + oldName.length + 1)
  marks.names(oldParent)
  marks.names(newParent)
  const moved = standingAt(serving, oldParent, oldName)
  const there = standingAt(serving, newParent, newName)
  if (moved === null) return
  // Either name may be the one that is on the disk after a power cut.
  moves(marks, oldParent, oldName, moved)
  marks.replaced(newParent, newName, moved)
  if (there === null) marks.appears(newParent, newName, moved.directory)
  else if ((flags & RENAME_EXCHANGE) !== 0) {
    moves(marks, newParent, newName, there)
    marks.replaced(oldParent, oldName, there)
  } else {
    marks.replaced(newParent, newName, there)
    nameGoes(marks, newParent, newName, there)
  }
}

/** What is at this name goes elsewhere. */
function moves(marks: Marks, parent: Node, name: string, standing: Found): void {
  marks.replaced(parent, name, standing)
  nameGoes(marks, parent, name, standing)
}

const needs: (Needs | undefined)[] = []
needs[Opcode.WRITE] = write
needs[Opcode.FALLOCATE] = fallocate
needs[Opcode.SETATTR] = setattr
needs[Opcode.SETXATTR] = attributes
needs[Opcode.REMOVEXATTR] = attributes
needs[Opcode.OPEN] = open
needs[Opcode.CREATE] = newName(16, false)
needs[Opcode.MKNOD] = newName(16, false)
needs[Opcode.MKDIR] = newName(8, true)
needs[Opcode.SYMLINK] = newName(0, false)
needs[Opcode.LINK] = link
needs[Opcode.UNLINK] = remove
needs[Opcode.RMDIR] = remove
needs[Opcode.RENAME] = (serving, marks) => rename(serving, marks, 8, 0)
needs[Opcode.RENAME2] = (serving, marks) => rename(serving, marks, 16, serving.input.readUInt32LE(BODY + 8))

/** The position in the marks' ring that must be hard before this request may be performed; null: it may be performed now. */
export function marksMissing(serving: Serving, opcode: number): number | null {
  const { marks } = serving
  const need = needs[opcode]
  if (marks === null || need === undefined || marks.ring.state() === 'unknown') return null
  marks.begin()
  need(serving, marks)
  return marks.waitsFor()
}
