/** What stands at each place of a usage line: `mirror JOB start|stop [--yes]` → [[JOB], [start, stop]]. */
export function placesOf(usage: string): string[][] {
  const [form = ''] = usage.split(', or ')
  const words = form.split(' ').slice(1)
  const end = words.findIndex((word) => word.startsWith('[--'))
  return (end < 0 ? words : words.slice(0, end)).map((word) =>
    word
      .replace(/\[:PORT\]/, '')
      .replace(/[[\]]/g, '')
      .split('|')
  )
}

/** What may follow an option in a usage line: `[--level info|error]` → [info, error]. Empty: the line says nothing of it. */
export function valuesOf(usage: string, option: string): string[] {
  const words = usage.split(/\s+/)
  const at = words.findIndex((word) => word.split('|').some((one) => one.replace('[', '') === option))
  const value = at < 0 ? '' : (words[at + 1] ?? '').replace(/\]$/, '')
  return value.split('|').filter((one) => one !== '' && !one.startsWith('-') && !one.startsWith('['))
}
