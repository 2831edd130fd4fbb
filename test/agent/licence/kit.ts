import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { runSetup } from '../../../agent/setup'
import { quiet } from '../api/kit'

export interface Licensing {
  folder: string
  /** The text of licensor.json. */
  licensor: string
  /** The file of a licence for a host id; `expires`: a date, or `never`. */
  sign(hostId: string, expires?: string, licensee?: string): Promise<string>
  remove(): void
}

const done = async (...argv: string[]): Promise<void> => {
  const { code, err } = await quiet(() => runSetup('license', argv))
  if (code !== 0) throw new Error(err)
}

/** A distributor, with the tool that distributors have. */
export async function newLicensor(...more: string[]): Promise<Licensing> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'licensor-'))
  await done('keygen', '--name', 'ESK Solution', '--out', folder, ...more)
  let count = 0
  return {
    folder,
    licensor: fs.readFileSync(path.join(folder, 'licensor.json'), 'utf8'),
    sign: async (hostId, expires = 'never', licensee = '서울 DB') => {
      const out = path.join(folder, `${++count}.lic`)
      await done('sign', '--key', path.join(folder, 'licensor.key'), '--host-id', hostId, '--licensee', licensee, '--expires', expires, '--out', out)
      return out
    },
    remove: () => fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** So many days from now. */
export const inDays = (days: number, from = Date.now()): string => new Date(from + days * 86_400_000).toISOString().slice(0, 10)
