import { type TakeoverView, VERIFY_LIST_MAX, VERIFY_PAGE_MAX } from '../../src/wire'
import type { DataPort } from '../ports'

/** What the comparison on the return of the old owner has listed, in files and bytes. Without an answer the number of places must do. */
export async function measured(data: Pick<DataPort, 'verifyReport'>, entry: TakeoverView): Promise<TakeoverView> {
  const { returned, job } = entry
  if (!returned?.differences) return entry
  const files = new Set<string>()
  let bytes = 0
  try {
    for (let from = 0; from < Math.min(returned.differences, VERIFY_LIST_MAX); from += VERIFY_PAGE_MAX) {
      const { differences } = await data.verifyReport(job, from, VERIFY_PAGE_MAX)
      for (const { folder, path, length } of differences) {
        files.add(`${folder}/${path}`)
        bytes += length
      }
    }
  } catch {
    return entry
  }
  return { ...entry, returned: { ...returned, files: files.size, bytes } }
}
