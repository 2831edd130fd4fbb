import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { bundleProgram, makePlaces, removePlaces, until } from '../adapters/surroundings'

const START_MS_MAX = 20_000
/** In the place of PAM, where a module waits for a server that does not answer: one call into the system that does not return. */
const HANGING = `const fs = require('node:fs')
  require('node:worker_threads').parentPort.on('message', () => fs.readFileSync(__dirname + '/never', 'utf8'))`
/** As the engine ends: with what is written on the way out. */
const PROGRAM = `import fs from 'node:fs'
  import { PamThread } from '../../../agent/api/pamThread'
  process.once('exit', () => fs.writeSync(1, 'on its way out'))
  const pam = new PamThread()
  void pam.ask({ service: 'login', account: 'somebody', password: 'something', from: '127.0.0.1' })
  process.once('SIGTERM', () => void pam.close().then(() => process.exit(7)))`

test('a login that hangs does not keep the engine from ending: nobody would decide until PAM answers', async () => {
  const places = makePlaces()
  const { file, args } = bundleProgram(places.root, 'agent', PROGRAM)
  const never = path.join(places.root, 'never')
  fs.writeFileSync(path.join(places.root, 'pam.worker.cjs'), HANGING)
  execFileSync('mkfifo', [never])
  const program = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(program, 'close')
  let said = ''
  program.stdout.on('data', (bytes) => (said += String(bytes)))
  let writer = -1
  try {
    await until('it hangs', () => (writer = whoReads(never)) >= 0, START_MS_MAX)
    program.kill('SIGTERM')
    expect(await ended).toEqual([7, null])
    expect(said).toBe('on its way out')
  } finally {
    program.kill('SIGKILL')
    if (writer >= 0) fs.closeSync(writer)
    removePlaces(places)
  }
})

/** The end of the pipe that says nothing; -1: nobody reads there yet. */
function whoReads(fifo: string): number {
  try {
    return fs.openSync(fifo, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK)
  } catch {
    return -1
  }
}
