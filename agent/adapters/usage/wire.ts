/**
 * Between the engine and the program that looks at the usage: one JSON line each. `keys` null: the whole server. `lasting`: what is a rate is one since the
 * last such question of this name; else it is measured for this answer alone.
 */
export interface UsageQuestion {
  number: number
  keys: string[] | null
  lasting: string | null
}

export interface UsageAnswer {
  number: number
  values: Record<string, number | null>
}
