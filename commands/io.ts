/** Everything the shell touches outside itself; tests hand in their own. */
export interface Io {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?(raw: boolean): unknown }
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  env: NodeJS.ProcessEnv
  /** Calls back at Ctrl-C until the answer is called. */
  onInterrupt(listener: () => void): () => void
  /** Calls back when the process is told to end, just before it does, until the answer is called. */
  onEnd(listener: () => void): () => void
}

/** Numbers of the signals that end a shell: its exit code is 128 and the number. */
const ENDS = { SIGTERM: 15, SIGHUP: 1 } as const
const SIGNAL_EXIT = 128

export const realIo = (): Io => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  onInterrupt: (listener) => {
    process.on('SIGINT', listener)
    return () => process.off('SIGINT', listener)
  },
  onEnd: (listener) => {
    const end = (signal: keyof typeof ENDS): void => process.exit(SIGNAL_EXIT + ENDS[signal])
    process.on('exit', listener).on('SIGTERM', end).on('SIGHUP', end)
    return () => {
      process.off('exit', listener).off('SIGTERM', end).off('SIGHUP', end)
    }
  }
})
