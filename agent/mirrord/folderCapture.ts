import fs from 'node:fs'
import { startCapture, type Capture, type CaptureOptions } from './capture/capture'
import { startWatch } from './capture/watch'

/** What the source needs of a captured folder, however it is captured. */
export type FolderCapture = Pick<Capture, 'path' | 'underlyingDirectory' | 'stop' | 'detach' | 'onFault' | 'onNeedsMirror' | 'flushTimes'>

export function startFolderCapture(kind: 'fuse' | 'watch', options: CaptureOptions): Promise<FolderCapture> {
  return kind === 'watch' ? startWatch(options) : startCapture(options)
}

/** As the kernel lists it among the mounts. */
export function realPath(path: string): string {
  try {
    return fs.realpathSync(path)
  } catch {
    return path
  }
}
