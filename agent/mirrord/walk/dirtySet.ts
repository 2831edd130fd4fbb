/** What may differ in one folder. Paths are byte strings; the folder itself is ''. */
export interface DirtyFolder {
  /** The names in this directory, and those of its entries whose ctime on the source is not older than `sinceNs`, whole. */
  names: { directory: string; sinceNs: bigint }[]
  /** These stretches of a file. `toEnd`: from `offset` to wherever the file ends. */
  extents: { path: string; ranges: { offset: number; length: number }[]; toEnd: number | null }[]
  /** Everything at and below this path. */
  subtrees: string[]
}

/** By the folder's place in the job's configuration. */
export type DirtySet = DirtyFolder[]
