import type { MirrordEvent } from '../../src/wire/mirrord'
import type { KeeperLink } from './keeper/keeperLink'

export interface MirrordHooks {
  version: string
  say(line: string): void
  tell(event: MirrordEvent): void
  /** Starts a successor when this process dies; null: nobody does. */
  keeper?: KeeperLink | null
  /** The process may end. `handedOver`: another one goes on. */
  exit(handedOver: boolean): void
}
