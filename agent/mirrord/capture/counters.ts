/** Counters of one captured folder, in shared memory: written by its capture thread, read by anybody. */
export const COUNTERS = [
  'requests',
  'writes',
  'writtenBytes',
  'reads',
  'coldReads',
  'syncs',
  'lookups',
  'nodes',
  'handles',
  'needsMirror',
  'errors',
  'setAside'
] as const
export type CounterName = (typeof COUNTERS)[number]
export type CounterValues = Record<CounterName, number>

export class Counters {
  private readonly values: Float64Array

  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(COUNTERS.length * 8)) {
    this.values = new Float64Array(shared)
  }

  add(name: CounterName, amount: number): void {
    this.values[COUNTERS.indexOf(name)]! += amount
  }

  set(name: CounterName, value: number): void {
    this.values[COUNTERS.indexOf(name)] = value
  }

  read(): CounterValues {
    return Object.fromEntries(COUNTERS.map((name, index) => [name, this.values[index] ?? 0])) as CounterValues
  }
}
