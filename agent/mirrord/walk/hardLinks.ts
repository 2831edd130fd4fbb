/**
 * The names under which a file with several hard links has been sent in this walk. Its memory grows with the number of
 * hard links in the tree, as that of every program that copies them.
 */
export class HardLinks {
  private readonly names = new Map<string, Set<string>>()
  private readonly key = (folder: number, inode: bigint): string => `${folder}:${inode}`

  add(folder: number, inode: bigint, path: string): void {
    const key = this.key(folder, inode)
    const names = this.names.get(key)
    if (names === undefined) this.names.set(key, new Set([path]))
    else names.add(path)
  }

  of(folder: number, inode: bigint): string[] {
    return [...(this.names.get(this.key(folder, inode)) ?? [])]
  }

  /** What was sent of this file does not count any more. */
  forget(folder: number, inode: bigint): string[] {
    const names = this.of(folder, inode)
    this.names.delete(this.key(folder, inode))
    return names
  }

  clear(): void {
    this.names.clear()
  }
}
