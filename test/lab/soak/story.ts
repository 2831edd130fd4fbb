/** What happened in a run, with times, for whoever has to understand why it failed. */
export class Story {
  private readonly begin = performance.now()
  private readonly lines: string[] = []

  tell(text: string): void {
    const at = ((performance.now() - this.begin) / 1_000).toFixed(3).padStart(8)
    for (const line of text.split('\n')) this.lines.push(`${at} ${line}`)
  }

  get text(): string {
    return this.lines.join('\n')
  }
}
