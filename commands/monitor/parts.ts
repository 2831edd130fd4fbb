import { Flags } from '@oclif/core'
import { conditionText, defined, type MonitorValues, parseCondition, parseResponse, RESPONSE_FORM, responseText } from '../../src/model'
import { fail } from '../kit/fail'

/** The parts of an event, and of a node's monitor, as options. */
export const parts = {
  condition: Flags.string({ multiple: true, description: 'cpu >= 70%, disk /srv >= 90% NA, process postgres memory > 4GiB; all together' }),
  response: Flags.string({ multiple: true, description: 'equal 3 switch JOB, more 3 switch all, equal 1 alarm, equal 1 warning' }),
  average: Flags.string({ description: 'the mean of so long counts: 10m; off: the value at the moment' }),
  export: Flags.boolean({ description: 'the usage of the whole server goes to a file while the event lasts (--no-export: it does not)', allowNo: true }),
  'export-size': Flags.string({ description: 'at most so much in that file: 1MiB' }),
  'export-interval': Flags.string({ description: 'a line so often: 1m' }),
  'export-format': Flags.string({ description: 'csv or jsonl' }),
  interval: Flags.string({ description: 'of the node: it looks so often: 10s' }),
  'switch-pause': Flags.string({ description: 'of the node: what came by itself stays so long: 10m' }),
  'alarm-command': Flags.string({ description: 'of the node: a command line for alarms, or off' }),
  'alarm-timeout': Flags.string({ description: 'of the node: then it is killed: 30s' })
}

export interface PartFlags {
  condition?: string[] | undefined
  response?: string[] | undefined
  average?: string | undefined
  export?: boolean | undefined
  'export-size'?: string | undefined
  'export-interval'?: string | undefined
  'export-format'?: string | undefined
  interval?: string | undefined
  'switch-pause'?: string | undefined
  'alarm-command'?: string | undefined
  'alarm-timeout'?: string | undefined
}

const OFF = 'off'

/** What was typed of an event, in the words of the file. */
export function eventValues(flags: PartFlags, usage: string): MonitorValues {
  const { condition, response, average } = flags
  return {
    ...(condition === undefined ? {} : { conditions: condition.map((text) => checkedCondition(text, usage)) }),
    ...(response === undefined ? {} : { responses: response.map((text) => checkedResponse(text, usage)) }),
    ...(average === undefined ? {} : { average: average === OFF ? null : average }),
    ...exportValues(flags, usage)
  }
}

function exportValues(flags: PartFlags, usage: string): MonitorValues {
  const values = defined({ size: flags['export-size'], interval: flags['export-interval'], format: flags['export-format'] })
  const some = Object.keys(values).length > 0
  if (flags.export === false && some) throw fail('E_USAGE', { what: '--no-export and settings of an export exclude each other.', usage })
  if (flags.export === false) return { export: null }
  return flags.export === true || some ? { export: Object.keys(values).length > 0 ? values : { format: 'csv' } } : {}
}

/** What was typed of the node's monitor. */
export function nodeValues(flags: PartFlags): MonitorValues {
  return defined({
    interval: flags.interval,
    switchPause: flags['switch-pause'],
    alarmCommand: flags['alarm-command'] === OFF ? null : flags['alarm-command'],
    alarmTimeout: flags['alarm-timeout']
  })
}

export function checkedCondition(text: string, usage: string): string {
  const condition = parseCondition(text)
  if (typeof condition !== 'string') return conditionText(condition)
  throw fail('E_USAGE', { what: `"${text}" is no condition: ${condition} is expected.`, usage })
}

export function checkedResponse(text: string, usage: string): string {
  const response = parseResponse(text)
  if (response !== null) return responseText(response)
  throw fail('E_USAGE', { what: `"${text}" is no response: ${RESPONSE_FORM}.`, usage })
}
