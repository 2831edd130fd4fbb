import fs from 'node:fs'
import path from 'node:path'
import { plainReason } from '../adapters/failure'
import { setupFailure } from './failure'

export interface KeyFile {
  file: string
  content: string | Buffer
  /** Keys are for root only. */
  secret: boolean
}

const SECRET_MODE = 0o600
const PUBLIC_MODE = 0o644

/** All or, if one exists and `force` is not set, none. */
export function writeKeyFiles(files: KeyFile[], force: boolean): void {
  refuseExisting(
    files.map(({ file }) => file),
    force
  )
  for (const { file, content, secret } of files) {
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
      writeHard(`${file}.new`, content, secret ? SECRET_MODE : PUBLIC_MODE)
      fs.renameSync(`${file}.new`, file)
    } catch (error) {
      throw setupFailure('E_SETUP_WRITE', { file, why: plainReason(error) })
    }
  }
}

export function refuseExisting(files: string[], force: boolean): void {
  const existing = files.find((file) => fs.existsSync(file))
  if (existing && !force) throw setupFailure('E_SETUP_EXISTS', { file: existing })
}

function writeHard(file: string, content: string | Buffer, mode: number): void {
  fs.rmSync(file, { force: true })
  const descriptor = fs.openSync(file, 'wx', mode)
  try {
    fs.writeFileSync(descriptor, content)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}
