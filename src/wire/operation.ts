/**
 * One change inside a job's folders, as capture saw it and as redo repeats it.
 *
 * Paths are relative to the folder, without a leading slash ('' is the folder itself). They are *byte strings*: one
 * character for each byte (latin1), because a POSIX name need not be UTF-8.
 * `folder` is the folder's place in the job's configuration. Times are nanoseconds since 1970.
 */
export type Operation = { folder: number } & (
  | { kind: 'write'; path: string; offset: number; data: Uint8Array }
  | { kind: 'truncate'; path: string; size: number }
  /** `mode` as in fallocate(2): KEEP_SIZE 1, PUNCH_HOLE 2, COLLAPSE 8, ZERO 16, INSERT 32. */
  | { kind: 'fallocate'; path: string; mode: number; offset: number; length: number }
  | { kind: 'create'; path: string; mode: number; uid: number; gid: number }
  | { kind: 'mkdir'; path: string; mode: number; uid: number; gid: number }
  | { kind: 'mknod'; path: string; mode: number; rdev: number; uid: number; gid: number }
  | { kind: 'symlink'; path: string; target: string; uid: number; gid: number }
  | { kind: 'link'; path: string; newPath: string }
  /** `flags` as in renameat2(2): NOREPLACE 1, EXCHANGE 2. */
  | { kind: 'rename'; path: string; newPath: string; flags: number }
  | { kind: 'unlink'; path: string }
  | { kind: 'rmdir'; path: string }
  | { kind: 'chmod'; path: string; mode: number }
  | { kind: 'chown'; path: string; uid: number; gid: number }
  /** Never follows a symbolic link. null: leave as it is. */
  | { kind: 'times'; path: string; atimeNs: bigint | null; mtimeNs: bigint | null }
  | { kind: 'setxattr'; path: string; name: string; value: Uint8Array; flags: number }
  | { kind: 'removexattr'; path: string; name: string }
)

export type OperationKind = Operation['kind']
