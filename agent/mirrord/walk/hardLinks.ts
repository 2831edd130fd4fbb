interface KnownFile {
  /** true: a step of this walk has made this name on the target. false: it was compared, and may turn out to be missing. */
  names: Map<string, boolean>
  /** The inode's change counter when its content was last sent, or compared. */
  version: number
}

/**
 * The names under which a file with several hard links has been sent or compared in this walk. Its memory grows with the number of
 * hard links in the tree, as that of every program that copies them.
 */
export class HardLinks {
  private readonly files = new Map<string, KnownFile>()
  /** Which file had this name when it was sent or compared. */
  private readonly byName = new Map<string, string>()
  private readonly key = (folder: number, what: bigint | string): string => `${folder}:${what}`

  /** Grows with whatever becomes known. */
  changes = 0

  private name(folder: number, inode: bigint, path: string, file: KnownFile, sent: boolean): void {
    this.changes++
    file.names.set(path, sent || file.names.get(path) === true)
    this.byName.set(this.key(folder, path), this.key(folder, inode))
  }

  /** This name is one of the file that is known already; `sent`: it was just made on the target. */
  add(folder: number, inode: bigint, path: string, sent: boolean): void {
    const file = this.files.get(this.key(folder, inode))
    if (file !== undefined) this.name(folder, inode, path, file, sent)
  }

  /** All of the file is sent, under this name first, and `linked` to these: any other leads to what it was before. */
  sent(folder: number, inode: bigint, path: string, version: number, linked: ReadonlySet<string>): void {
    const names = this.files.get(this.key(folder, inode))?.names
    for (const name of names?.keys() ?? []) if (!linked.has(name)) names!.set(name, false)
    this.know(folder, inode, path, version, true)
  }

  /** All of the file is compared under this name. */
  compared(folder: number, inode: bigint, path: string, version: number): void {
    this.know(folder, inode, path, version, false)
  }

  private know(folder: number, inode: bigint, path: string, version: number, sent: boolean): void {
    const key = this.key(folder, inode)
    const file = this.files.get(key) ?? { names: new Map<string, boolean>(), version }
    file.version = version
    this.files.set(key, file)
    this.name(folder, inode, path, file, sent)
  }

  /** The target has not got this name, whatever was sent. */
  isMissing(folder: number, path: string): void {
    const file = this.files.get(this.byName.get(this.key(folder, path)) ?? '')
    if (file?.names.has(path)) file.names.set(path, false)
  }

  /** A step has made this name on the target. */
  isSent(folder: number, inode: bigint, path: string): boolean {
    return this.files.get(this.key(folder, inode))?.names.get(path) === true
  }

  of(folder: number, inode: bigint): Iterable<string> {
    return this.files.get(this.key(folder, inode))?.names.keys() ?? []
  }

  *inFolder(folder: number): Iterable<{ inode: bigint; names: ReadonlySet<string> }> {
    const prefix = `${folder}:`
    for (const [key, { names }] of this.files) if (key.startsWith(prefix)) yield { inode: BigInt(key.slice(prefix.length)), names: new Set(names.keys()) }
  }

  /** Nothing has changed in it since it was sent. */
  isFresh(folder: number, inode: bigint, version: number): boolean {
    return this.files.get(this.key(folder, inode))?.version === version
  }

  /** What was sent of this file does not count any more. */
  forget(folder: number, inode: bigint): string[] {
    return this.drop(this.key(folder, inode))
  }

  private drop(key: string): string[] {
    const names = [...(this.files.get(key)?.names.keys() ?? [])]
    const folder = key.slice(0, key.indexOf(':'))
    for (const name of names) if (this.byName.get(`${folder}:${name}`) === key) this.byName.delete(`${folder}:${name}`)
    this.files.delete(key)
    return names
  }

  /**
   * The name had another file than this one (null: than none) when that was sent or compared: what is known of that file does not count any more.
   * Answers its other names.
   */
  forgetFormer(folder: number, path: string, inode: bigint | null): string[] {
    const key = this.byName.get(this.key(folder, path))
    if (key === undefined || (inode !== null && key === this.key(folder, inode))) return []
    return this.drop(key).filter((name) => name !== path)
  }

  forgetBelow(folder: number, directory: string): void {
    const prefix = directory === '' ? '' : `${directory}/`
    for (const [key, { names }] of this.files) {
      if (key.startsWith(`${folder}:`)) for (const name of names.keys()) if (name.startsWith(prefix)) names.delete(name)
    }
  }

  clear(): void {
    this.files.clear()
    this.byName.clear()
  }
}
