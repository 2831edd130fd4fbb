/**
 * Orders for one thing (an address, an application, a job's data) go to its port one after the other. What ends a thing
 * does not wait behind what begins it: it runs at once, and once more when the beginning has settled, so that nothing
 * that was begun late stays behind.
 */
export class Lanes {
  private readonly beginnings = new Map<string, Promise<void>>()

  async begin<Result>(lane: string, call: () => Promise<Result>): Promise<Result> {
    const before = this.beginnings.get(lane)
    const result = before ? before.then(call) : call()
    const settled: Promise<void> = result.then(nothing, nothing).then(() => this.forget(lane, settled))
    this.beginnings.set(lane, settled)
    return await result
  }

  /** Neither begins nor ends anything: after what has been begun. */
  async after<Result>(lane: string, call: () => Promise<Result>): Promise<Result> {
    await this.beginnings.get(lane)
    return await call()
  }

  async end(lane: string, call: () => Promise<void>): Promise<void> {
    const before = this.beginnings.get(lane)
    if (!before) return await call()
    await call().catch(nothing)
    await before
    await call()
  }

  private forget(lane: string, settled: Promise<void>): void {
    if (this.beginnings.get(lane) === settled) this.beginnings.delete(lane)
  }
}

const nothing = (): void => undefined
