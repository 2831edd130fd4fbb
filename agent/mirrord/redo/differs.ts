import type { Difference } from '../../../src/wire/frameFields'

/** Where a comparison says what it finds. */
export type Differs = (difference: Difference) => void
