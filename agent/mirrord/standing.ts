import type { MirrordConfig } from '../../src/wire/mirrord'
import { removeDeadMounts, unmountFuse } from './capture/mount'
import { realPath } from './folderCapture'
import type { KeeperLink } from './keeper/keeperLink'
import type { Leases } from './leases'
import { makeWritable } from './standbyMount'

export type StandingRole = { do: 'source'; roleSequence: number; peerCopyComplete: boolean } | { do: 'target'; roleSequence: number }

/** What a successor of this process begins with, as its keeper holds it. */
export class StandingPlace {
  role: StandingRole | null = null
  /** By which numbers the keeper holds the folders, where these are not their places. */
  private kept: number[] | null

  constructor(
    private readonly keeper: KeeperLink | null,
    private readonly leases: Leases
  ) {
    this.kept = keeper?.welcome.standing?.slots ?? null
  }

  slots({ folders }: MirrordConfig): number[] {
    return folders.map((_, place) => this.kept?.[place] ?? place)
  }

  /** A successor begins with these requests. */
  stand(role: StandingRole, config: MirrordConfig, slots: number[] | null = this.kept): void {
    this.role = role
    this.kept = slots
    const line = (request: object): string => JSON.stringify({ id: 0, ...request })
    const { told } = this.leases
    const lease = told === null ? {} : { lease: line({ do: 'lease', ...told }) }
    this.keeper?.stand({ configure: line({ do: 'configure', config }), role: line(role), ...lease, ...(slots === null ? {} : { slots }) })
  }

  down(): void {
    this.role = null
    this.kept = null
    this.keeper?.stand(null)
  }

  /** What the keeper holds of folders that are not those of this configuration: a process before this one died between two. */
  async dropFolders(say: (line: string) => void): Promise<void> {
    for (const place of this.keeper?.dropFolders() ?? []) {
      say(`${place} is not replicated any more`)
      await unmountFuse(place, { lazily: true }).catch((error: Error) => say(error.message))
    }
  }

  /** A mirrord that died has left mounts: read-only ones, or some that answer nobody. One that answers is somebody else's. */
  async releaseFolders(config: MirrordConfig): Promise<void> {
    const slots = this.slots(config)
    for (const [place, { path }] of config.folders.entries()) {
      // Looking at one that waits to be served again would wait for ourselves.
      if (this.keeper?.hasFolder(slots[place] as number)) continue
      makeWritable(realPath(path))
      await removeDeadMounts(realPath(path))
    }
  }
}
