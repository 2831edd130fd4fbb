/** One look at a job from outside. */
export interface Look {
  startedMs: number
  endedMs: number
  served: boolean
  /** Its owner's clock: when the last of its applications came to be what it is. null: it did not say so. */
  changedMs: number | null
}

/** What the looks have seen, in the order in which they were begun. */
export class Looks {
  private readonly all: Look[] = []

  add(look: Look): void {
    this.all.push(look)
  }

  /** One that was begun after this moment saw it served. */
  servedSince(sinceMs: number): boolean {
    return this.all.some(({ startedMs, served }) => served && startedMs >= sinceMs)
  }

  /** One that was begun after this moment saw it not served; or one that ended after it saw that it had not been. */
  missedSince(sinceMs: number): boolean {
    return this.inTurn().some(({ look, away }) => (away ? look.endedMs : look.startedMs) >= sinceMs && (away || !look.served))
  }

  /** From the last look that saw it served until the first one that saw it again; the longest of them. null: it has not come back. */
  outageMs(): number | null {
    let lastMs: number | null = null
    let missing = false
    let longestMs = 0
    for (const { look, away } of this.inTurn()) {
      if (look.served && (missing || away) && lastMs !== null) longestMs = Math.max(longestMs, look.endedMs - lastMs)
      missing = !look.served
      if (look.served) lastMs = look.startedMs
    }
    return missing ? null : Math.round(longestMs)
  }

  /** `away`: between two looks it was not served. On a slow machine an application is back before anybody has looked: that it has changed tells of it. */
  private inTurn(): { look: Look; away: boolean }[] {
    let knownMs: number | null = null
    return [...this.all]
      .sort((a, b) => a.startedMs - b.startedMs)
      .map((look) => {
        const away: boolean = look.served && look.changedMs !== null && knownMs !== null && look.changedMs > knownMs
        if (look.served && look.changedMs !== null) knownMs = Math.max(look.changedMs, knownMs ?? 0)
        return { look, away }
      })
  }
}
