import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { trimLog } from '../../../agent/adapters/boundedLog'
import { until } from './surroundings'

const LOG_BYTES_MAX = 1 << 20
const DISK_BYTES = 64 * LOG_BYTES_MAX
const asRoot = process.getuid?.() === 0 ? describe : describe.skip

asRoot('the log of a program that writes without end', () => {
  let disk: string
  let file: string
  beforeEach(() => {
    disk = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-log-'))
    file = path.join(disk, 'log')
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk])
  })
  afterEach(() => {
    execFileSync('umount', [disk])
    fs.rmdirSync(disk)
  })

  test('it has filled its disk: it is cut all the same, though there is no room for its end', async () => {
    const { bavail, bsize } = fs.statfsSync(disk)
    fs.writeFileSync(file, Buffer.alloc(bavail * bsize))
    await trimLog(file, LOG_BYTES_MAX)
    expect(fs.statSync(file).size).toBe(0)
    expect(fs.readdirSync(disk)).toEqual(['log'])
    fs.writeFileSync(file, 'x'.repeat(LOG_BYTES_MAX + 1))
    await trimLog(file, LOG_BYTES_MAX)
    expect([fs.statSync(file).size, fs.statSync(`${file}.1`).size]).toEqual([0, LOG_BYTES_MAX])
  })

  test('it goes on writing while its end is kept: no more than that is kept', async () => {
    const log = fs.openSync(file, 'a')
    const writer = spawn('yes', { stdio: ['ignore', log, 'ignore'] })
    const ended = new Promise((resolve) => writer.once('close', resolve))
    try {
      await until('long enough', () => fs.statSync(file).size > LOG_BYTES_MAX)
      await trimLog(file, LOG_BYTES_MAX)
      expect(fs.statSync(`${file}.1`).size).toBe(LOG_BYTES_MAX)
    } finally {
      writer.kill('SIGKILL')
      await ended
      fs.closeSync(log)
    }
  })
})
