import type { NodeName } from '../../model'
import type { FolderSeen } from '../../wire'
import { sizeText } from '../words'

/** One folder of a job, as both nodes have it. */
interface Sides {
  from: NodeName
  to: NodeName
  source: FolderSeen
  target: FolderSeen
}

/** Folders that are new in a configuration: what the first copy from the job's owner to the other node replaces, and whether there is room for it. */
export function firstCopyWarnings(seen: Record<NodeName, FolderSeen[]>, ownerOf: (job: string) => NodeName): string[] {
  const [one = '', other = ''] = Object.keys(seen)
  const sides = (seen[one] ?? []).flatMap((here): Sides[] => {
    const there = seen[other]?.find(({ job, place }) => job === here.job && place === here.place)
    if (there === undefined) return []
    return [ownerOf(here.job) === other ? { from: other, to: one, source: there, target: here } : { from: one, to: other, source: here, target: there }]
  })
  return sides.flatMap((each) => [...replacedBy(each), ...whyNoRoom(each)])
}

function replacedBy({ from, to, target }: Sides): string[] {
  if (target.empty) return []
  return [`${to}: ${target.path} is not empty; the first copy of ${target.job} makes it what ${from} has, and what is only on ${to} is lost.`]
}

/** What the target has already may be replaced by what comes. */
function whyNoRoom({ from, to, source, target }: Sides): string[] {
  const roomBytes = target.freeBytes + (target.counted ? target.bytes : 0)
  if (source.bytes <= roomBytes) {
    const unknown = source.counted
      ? []
      : [`${from}: ${source.path} is large; whether ${to} has room for it (${sizeText(roomBytes)}) was not counted to the end.`]
    return unknown
  }
  const atLeast = source.counted ? '' : 'more than '
  return [`${to}: the first copy of ${source.job} needs ${atLeast}${sizeText(source.bytes)} in ${target.path}, and there is room for ${sizeText(roomBytes)}.`]
}
