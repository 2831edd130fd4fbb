declare module 'cli-progress' {
  interface BarOptions {
    stream: NodeJS.WritableStream
    format: string
    barCompleteChar: string
    barIncompleteChar: string
    barsize: number
    hideCursor: boolean
    stopOnComplete: boolean
  }
  export class SingleBar {
    constructor(options: BarOptions)
    start(total: number, value: number, payload: Record<string, string>): void
    update(value: number, payload: Record<string, string>): void
    stop(): void
  }
}
