import type { Exchange } from './exchange'

/** One line of the table of src/wire/api.ts. */
export interface Route {
  method: 'GET' | 'POST'
  /** `:name` stands for any one part. */
  path: string
  handle(exchange: Exchange): Promise<unknown>
}
