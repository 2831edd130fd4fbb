import { define } from './report'

interface Folder {
  folder: string
}

/** What capture says: the layer in the write path of a job's folder. */
export const captureReports = {
  E_CAPTURE_FOLDER: define<Folder & { why: string }>({
    exitCode: 1,
    message: ({ folder, why }) => `The folder ${folder} cannot be captured: ${why}; expected is a directory that is there.`,
    tryThis: () => 'Make the folder, mount its file system, or correct its path in the configuration, and start the job again.'
  }),
  E_CAPTURE_UNAVAILABLE: define<Folder & { why: string }>({
    exitCode: 1,
    message: ({ folder, why }) => `The folder ${folder} cannot be captured by FUSE: ${why}.`,
    tryThis: () => 'Run the agent as root with /dev/fuse (modprobe fuse), or let the job use capture "watch", which is asynchronous only.'
  }),
  E_CAPTURE_MOUNTED: define<Folder>({
    exitCode: 5,
    message: ({ folder }) => `The folder ${folder} is captured already, by a process that lives.`,
    tryThis: () => 'Stop the job in the other process (mirrorpair keeps one mirrord for each job), or look for it with: fuser -m FOLDER.'
  }),
  E_CAPTURE_BUSY: define<Folder & { why: string }>({
    exitCode: 5,
    message: ({ folder, why }) => `The folder ${folder} could not be released: ${why}.`,
    tryThis: ({ folder }) => `See who has files open there with: fuser -vm ${folder}. Stop it, or stop the job by force.`
  }),
  E_CAPTURE_FAILED: define<Folder & { why: string }>({
    exitCode: 1,
    message: ({ folder, why }) => `Capture of the folder ${folder} failed: ${why}.`,
    tryThis: () => 'The engine restarts the job or moves it to the other node. When it happens again, keep the event log and report it.'
  })
}
