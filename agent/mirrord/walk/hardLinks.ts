interface SentFile {
  names: Set<string>
  /** The inode's change counter when its content was last sent. */
  version: number
}

/**
 * The names under which a file with several hard links has been sent in this walk. Its memory grows with the number of
 * hard links in the tree, as that of every program that copies them.
 */
export class HardLinks {
  private readonly files = new Map<string, SentFile>()
  private readonly key = (folder: number, inode: bigint): string => `${folder}:${inode}`

  /** This name is one of the file that was sent already. */
  add(folder: number, inode: bigint, path: string): void {
    this.files.get(this.key(folder, inode))?.names.add(path)
  }

  /** All of the file is sent, under this name first. */
  sent(folder: number, inode: bigint, path: string, version: number): void {
    const key = this.key(folder, inode)
    const known = this.files.get(key)
    if (known === undefined) this.files.set(key, { names: new Set([path]), version })
    else {
      known.names.add(path)
      known.version = version
    }
  }

  of(folder: number, inode: bigint): Iterable<string> {
    return this.files.get(this.key(folder, inode))?.names ?? []
  }

  /** Nothing has changed in it since it was sent. */
  isFresh(folder: number, inode: bigint, version: number): boolean {
    return this.files.get(this.key(folder, inode))?.version === version
  }

  /** What was sent of this file does not count any more. */
  forget(folder: number, inode: bigint): string[] {
    const names = [...this.of(folder, inode)]
    this.files.delete(this.key(folder, inode))
    return names
  }

  forgetBelow(folder: number, directory: string): void {
    const prefix = directory === '' ? '' : `${directory}/`
    for (const [key, { names }] of this.files) {
      if (key.startsWith(`${folder}:`)) for (const name of names) if (name.startsWith(prefix)) names.delete(name)
    }
  }

  clear(): void {
    this.files.clear()
  }
}
