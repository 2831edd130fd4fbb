import { captureError } from './capture/captureReport'
import { startCapture, type Capture, type CaptureOptions } from './capture/capture'

/** What the source needs of a captured folder, however it is captured. */
export type FolderCapture = Pick<Capture, 'underlyingDirectory' | 'stop' | 'onFault' | 'onNeedsMirror' | 'flushTimes'>

export async function startFolderCapture(kind: 'fuse' | 'watch', options: CaptureOptions): Promise<FolderCapture> {
  if (kind === 'watch') throw captureError('E_CAPTURE_UNAVAILABLE', { folder: options.path, why: 'watch capture is not there yet' })
  return await startCapture(options)
}
