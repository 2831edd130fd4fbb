/** One line of the guide's list Event Response: after so many times in a row, do this. */
export interface MonitorResponse {
  /** The guide's Monitor condition: exactly when it was met so many times in a row, or when it was met more often. */
  count: 'equal' | 'more'
  times: number
  do: 'switch' | 'alarm' | 'warning'
  /** `switch`: this job; null: all that are here. */
  job: string | null
}

const TIMES_MAX = 1_000
const FORM = /^(equal|more)\s+(\d{1,4})\s+(?:(alarm|warning)|switch\s+(\S+))$/
export const RESPONSE_FORM = `equal or more, a number of times from 1 to ${TIMES_MAX}, then switch JOB, switch all, alarm or warning`

/** `equal 3 switch DB_Group`, `more 3 switch all`, `equal 3 alarm`, `equal 1 warning`; null: none of these. */
export function parseResponse(text: string): MonitorResponse | null {
  const [, count, number = '', word, job] = FORM.exec(text.trim()) ?? []
  const times = Number(number)
  if (count === undefined || times < 1 || times > TIMES_MAX) return null
  return { count: count as 'equal', times, do: (word ?? 'switch') as 'switch', job: job === undefined || job === 'all' ? null : job }
}

export const responseText = ({ count, times, do: word, job }: MonitorResponse): string =>
  `${count} ${times} ${word}${word === 'switch' ? ` ${job ?? 'all'}` : ''}`

/** It is due when the event was met so many times in a row. */
export const timesNeeded = ({ count, times }: Pick<MonitorResponse, 'count' | 'times'>): number => (count === 'equal' ? times : times + 1)

const TITLES = { switch: 'HA Switch', alarm: 'Alarm', warning: 'HA Warning' } as const

/** As the guide's list says it: `More than 3 times, All Solutions perform HA Switch`. */
export function responseWords({ count, times, do: word, job }: MonitorResponse): string {
  const whose = word === 'switch' ? `${job ?? 'All Solutions'} perform` : 'perform'
  return `${count === 'equal' ? 'Equal' : 'More than'} ${times} times, ${whose} ${TITLES[word]}`
}
