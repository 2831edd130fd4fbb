import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { saveHardSync } from '../../../agent/adapters/files'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-files-'))
const file = path.join(directory, 'state.json')
afterAll(() => fs.rmSync(directory, { recursive: true }))

/** As on a disk that becomes full in the middle of it: the kernel takes what has room, and says how much that was. In a process of its own, all of which is limited. */
const SAVE_LONG = `
process.on('SIGXFSZ', () => {})
import(${JSON.stringify(path.resolve('agent/adapters/files.ts'))}).then(({ saveHardSync }) => saveHardSync(process.argv[1], 'x'.repeat(10_000)))
`
const saveWithoutRoom = () => spawnSync('prlimit', ['--fsize=4096', process.execPath, '-e', SAVE_LONG, file], { encoding: 'utf8' })

test('half a text never takes the place of a whole one', () => {
  saveHardSync(file, 'whole')
  expect(saveWithoutRoom().stderr).toContain('EFBIG')
  expect(fs.readFileSync(file, 'utf8')).toBe('whole')
})
