import fs from 'node:fs'
import { isInside } from '../../src/model/places'

export interface Mount {
  id: string
  /** The mount on which this one is mounted. */
  parent: string
  device: string
  /** Which directory of its file system it shows. */
  root: string
  point: string
  options: string[]
  /** Of the file system: `ext4`, `fuse.mirrorpair`. */
  type: string
}

/** What this process sees, the eldest first. proc_pid_mountinfo(5): `ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE …`. */
export function mounts(pid: number | 'self' = 'self'): Mount[] {
  return fs
    .readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', parent = '', device = '', root = '', point = '', options = ''] = line.split(' ')
      return {
        id,
        parent,
        device,
        root: unescapeMount(root),
        point: unescapeMount(point),
        options: options.split(','),
        type: / - (\S+) /.exec(line)?.[1] ?? ''
      }
    })
}

/** What one sees there: the last of the mounts on this folder. */
export const topMount = (folder: string): Mount | null => mounts().findLast(({ point }) => point === folder) ?? null

/** mountinfo writes blanks and backslashes as octal numbers. */
const unescapeMount = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** The file system that one sees there, as mountinfo and maps name it. */
export function deviceAt(place: string, all: readonly Mount[]): string | null {
  const holds = ({ point }: Mount): boolean => point === '/' || isInside(point, place)
  const longest = Math.max(0, ...all.filter(holds).map(({ point }) => point.length))
  return all.findLast((mount) => holds(mount) && mount.point.length === longest)?.device ?? null
}
