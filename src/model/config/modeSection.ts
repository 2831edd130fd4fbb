import { JOB_MODES, type JobMode, type Safety, SAFETY_OF_MODE } from '../config'
import type { Section } from './section'

export interface ReadMode {
  job: string
  mode: JobMode
  /** The file does not say it. */
  unnamed: boolean
}

export function readMode(section: Section, job: string, withWitness: boolean): ReadMode {
  const unnamed = section.valueNode('mode') === null
  const mode = section.oneOf<JobMode>('mode', withWitness ? 'high-availability' : 'guide', JOB_MODES)
  const refuse = (why: string, instead: string) => section.source.refuse(section.place('mode'), 'E_CONFIG_MODE', { job, mode, unnamed, why, instead })
  if (mode === 'high-availability' && !withWitness)
    refuse(
      'the cluster has no witness',
      `Give it one (witness set ADDRESS; in the file witness: { address: 192.168.150.153 }), or choose high-protection or guide (mode ${job} guide).`
    )
  // They say what becomes of data, and know no failover by itself.
  if ((mode === 'high-protection' || mode === 'high-performance') && section.valueNode('data') === null)
    refuse('it has no data', 'Write data: { folders: [ /srv/db ] }, or mode: high-availability or guide.')
  return { job, mode, unnamed }
}

/** What the mode is made of, unless the file contradicts it. */
export function readSafety(data: Section, { job, mode, unnamed }: ReadMode, capture: 'fuse' | 'watch'): Safety {
  const needed = SAFETY_OF_MODE[mode]
  const safety = data.oneOf<Safety>('safety', needed ?? 'off', ['full', 'off'])
  const refuse = (key: string, why: string, instead: string) => data.source.refuse(data.place(key), 'E_CONFIG_MODE', { job, mode, unnamed, why, instead })
  if (needed !== null && safety !== needed) {
    const others = JOB_MODES.filter((other) => (SAFETY_OF_MODE[other] ?? safety) === safety).join(' or ')
    refuse('safety', `its data has safety: ${safety}, and this mode is made of safety ${needed.toUpperCase()}`, `Leave safety out, or write mode: ${others}.`)
  } else if (needed === 'full' && capture === 'watch') {
    const why = 'it is made of safety FULL, and capture: watch sees a change only after it was made'
    refuse('capture', why, 'Write capture: fuse, or mode: guide or high-performance.')
  }
  return safety
}
