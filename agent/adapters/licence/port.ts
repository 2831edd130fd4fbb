import fs from 'node:fs'
import path from 'node:path'
import { hostIdOf, LICENSOR_FILE, type NetworkCard } from '../../../src/model'
import { LICENCE_BYTES_MAX } from '../../../src/wire'
import type { LicencePort, Places } from '../../ports'
import { plainReason } from '../failure'
import { saveHard, syncDirectory } from '../files'
import { readCards } from './cards'
import { factsOf } from './facts'
import { sha256 } from './hash'

/** In the state directory. */
export const LICENCE_FILE = 'license.lic'
const OTHERS_WRITE = 0o022

export function createLicencePort(
  { configFile, stateDirectory }: Pick<Places, 'configFile' | 'stateDirectory'>,
  read: () => Promise<NetworkCard[]> = readCards
): LicencePort {
  const licensorFile = path.join(path.dirname(configFile), LICENSOR_FILE)
  const licenceFile = path.join(stateDirectory, LICENCE_FILE)
  const hostId: LicencePort['hostId'] = async () => {
    const cards = await read()
    return { hostId: hostIdOf(cards, sha256), cards }
  }
  const look: LicencePort['look'] = async (instead) => {
    const licensor = await readOwn(licensorFile)
    const licence = instead === undefined ? (await readOwn(licenceFile)).text : instead
    return factsOf({ licensor: licensor.text, trouble: licensor.why, licence }, (await hostId()).hostId)
  }
  return {
    hostId,
    look,
    save: async (text) => {
      if (text !== null) return await saveHard(licenceFile, text)
      await fs.promises.rm(licenceFile, { force: true })
      await syncDirectory(stateDirectory)
    }
  }
}

/** `why`: it is there, and must not be used. What is too large reads as text that is no licence. */
async function readOwn(file: string): Promise<{ text: string | null; why: string | null }> {
  let handle: fs.promises.FileHandle
  try {
    handle = await fs.promises.open(file, 'r')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { text: missing ? null : '', why: missing ? null : `${file} cannot be read (${plainReason(error)})` }
  }
  try {
    const { mode, uid } = await handle.stat()
    if ((mode & OTHERS_WRITE) !== 0 || (uid !== 0 && uid !== process.getuid?.())) return { text: null, why: `${file} can be changed by others than root` }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LICENCE_BYTES_MAX + 1), 0, LICENCE_BYTES_MAX + 1, 0)
    return { text: bytesRead > LICENCE_BYTES_MAX ? '' : buffer.toString('utf8', 0, bytesRead), why: null }
  } finally {
    await handle.close()
  }
}
