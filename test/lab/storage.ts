import fs from 'node:fs'
import { LabError } from './labError'
import { imageFile, type LabPlaces } from './places'
import type { AgentHost } from './plan'
import { attempt, run, waitUntil } from './run'

export type FileSystem = 'ext4' | 'xfs'

const MAKE: Record<FileSystem, string[]> = {
  ext4: ['mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard'],
  xfs: ['mkfs.xfs', '-q', '-f', '-K']
}
const RELEASE_TIMEOUT_MS = 60_000

/** A sparse image with a fresh file system; its loop device stays for the lab's life, so that a disk is never there twice. */
export function makeDisk(places: LabPlaces, node: AgentHost, fileSystem: FileSystem, sizeBytes: number): string {
  const image = imageFile(places, node)
  fs.mkdirSync(places.images, { recursive: true })
  fs.writeFileSync(image, '', { mode: 0o600 })
  fs.truncateSync(image, sizeBytes)
  run([...MAKE[fileSystem], image])
  return run(['losetup', '--find', '--show', image]).trim()
}

/** A dead machine's file systems go when the kernel has finished with its namespace; only then may the disk be mounted again. */
export function waitForDisk(device: string): void {
  waitUntil(`${device} is free again`, RELEASE_TIMEOUT_MS, () => {
    try {
      fs.closeSync(fs.openSync(device, fs.constants.O_RDWR | fs.constants.O_EXCL))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
      throw new LabError(`${device} cannot be opened: ${(error as Error).message}`, 'lab down, lab up')
    }
  })
}

/** Detaches every loop device that stands on this lab's images, known or left over. */
export function removeDisks(places: LabPlaces): void {
  if (!fs.existsSync(places.images)) return
  for (const image of fs.readdirSync(places.images)) {
    const devices = attempt(['losetup', '--noheadings', '--output', 'NAME', '--associated', `${places.images}/${image}`]).stdout
    for (const device of devices
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean))
      attempt(['losetup', '--detach', device])
  }
  fs.rmSync(places.images, { recursive: true, force: true })
}
