import { shortDuration, thousands } from './text'

/** A bar with bytes and time left on a terminal; nothing elsewhere, where it would only fill a log. */
export interface Progress {
  update(percent: number, leftBytes: number, leftMs: number | null): void
  stop(): void
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined }

export async function createProgress(stream: NodeJS.WritableStream & { isTTY?: boolean }, title: string): Promise<Progress> {
  if (stream.isTTY !== true) return SILENT
  const { SingleBar } = (await import('cli-progress')) as typeof import('cli-progress')
  const format = `${title} [{bar}] {percentage}%  Left Bytes {bytes}  Left Time {time}`
  const bar = new SingleBar({ stream, format, barCompleteChar: '#', barIncompleteChar: '.', barsize: 20, hideCursor: true, stopOnComplete: false })
  bar.start(100, 0, { bytes: 'NA', time: 'NA' })
  return {
    update: (percent, leftBytes, leftMs) => bar.update(percent, { bytes: thousands(leftBytes), time: leftMs === null ? 'NA' : shortDuration(leftMs) }),
    stop: () => bar.stop()
  }
}
