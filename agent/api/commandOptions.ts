import { RESOURCE_ACTIONS, type CommandOptions, type CommandRequest, type JobCommand } from '../../src/wire'

type Option = keyof CommandOptions

const ACTIONS: Partial<Record<JobCommand, readonly string[]>> = {
  mirror: ['start', 'stop', 'pause', 'resume'],
  verify: ['start', 'stop'],
  transmit: ['pause', 'resume'],
  resource: RESOURCE_ACTIONS
}

/** What each command needs, and what it may have besides. */
const OPTIONS: Record<JobCommand, { needs: Option[]; may?: Option[] }> = {
  bringin: { needs: [] },
  bringout: { needs: [], may: ['confirm'] },
  switch: { needs: [] },
  takeover: { needs: [] },
  forcetake: { needs: [], may: ['confirm'] },
  mirror: { needs: ['action'] },
  verify: { needs: ['action'], may: ['mode'] },
  transmit: { needs: ['action'] },
  bandwidth: { needs: ['bytesPerSecond'] },
  safety: { needs: ['safety'] },
  selectsrc: { needs: ['node'], may: ['confirm'] },
  clearerr: { needs: [], may: ['node'] },
  upgrade: { needs: ['node'] },
  detach: { needs: [], may: ['stopData', 'forMs'] },
  resource: { needs: ['action', 'application'] }
}

/** In words what does not fit the command; null: all does. */
export function whyNotOptions(command: JobCommand, request: CommandRequest): string | null {
  const { dryRun: _, reason: __, ...options } = request
  const { needs, may = [] } = OPTIONS[command]
  const given = Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [key as Option]))
  const lacks = needs.find((option) => !given.includes(option))
  if (lacks !== undefined) return `${command} needs ${lacks}`
  const extra = given.find((option) => !needs.includes(option) && !may.includes(option))
  if (extra !== undefined) return `${extra} does not belong to the command ${command}`
  const actions = ACTIONS[command]
  if (actions && !actions.includes(options.action ?? '')) return `the action of ${command} is one of ${actions.join(', ')}`
  return null
}
