import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isReadOnlyMount, makeReadOnly, makeWritable } from '../../../agent/mirrord/standbyMount'

const isRoot = process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip
const asOther = isRoot ? test.skip : test

describe("the standby's folder", () => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-standby-'))
  const folder = path.join(base, 'a folder')
  fs.mkdirSync(folder)
  afterAll(() => {
    spawnSync('umount', ['-l', folder], { stdio: 'ignore' })
    fs.rmSync(base, { recursive: true, force: true })
  })

  asOther('who may not mount is told so, and nothing has changed', () => {
    expect(makeReadOnly(folder)).toBe(false)
    fs.writeFileSync(path.join(folder, 'mine'), '')
  })

  asRoot('refuses every local write, while a descriptor from before still writes', () => {
    const below = fs.openSync(folder, fs.constants.O_DIRECTORY)
    expect(makeReadOnly(folder)).toBe(true)
    expect(() => fs.writeFileSync(path.join(folder, 'local'), 'x')).toThrow(/EROFS/)
    fs.writeFileSync(`/proc/self/fd/${below}/redone`, 'by redo')
    expect(fs.readFileSync(path.join(folder, 'redone'), 'utf8')).toBe('by redo')
    expect(makeReadOnly(folder)).toBe(true)
    fs.closeSync(below)
  })

  asRoot('becomes an ordinary folder again, though somebody reads in it', () => {
    const reader = fs.openSync(path.join(folder, 'redone'), 'r')
    makeWritable(folder)
    expect(isReadOnlyMount(folder)).toBe(false)
    fs.writeFileSync(path.join(folder, 'local'), 'x')
    expect(fs.readFileSync(reader, 'utf8')).toBe('by redo')
    fs.closeSync(reader)
  })

  asRoot('a folder that is a mount point itself is treated likewise', () => {
    expect(spawnSync('mount', ['-t', 'tmpfs', 'none', folder]).status).toBe(0)
    expect(makeReadOnly(folder)).toBe(true)
    expect(() => fs.writeFileSync(path.join(folder, 'local'), 'x')).toThrow(/EROFS/)
    makeWritable(folder)
    fs.writeFileSync(path.join(folder, 'local'), 'x')
    expect(spawnSync('umount', [folder]).status).toBe(0)
  })

  asRoot('a read-only file system of somebody else is not taken for ours', () => {
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', folder]).status).toBe(0)
    expect(isReadOnlyMount(folder)).toBe(false)
    makeWritable(folder)
    expect(spawnSync('umount', [folder]).status).toBe(0)
  })
})
