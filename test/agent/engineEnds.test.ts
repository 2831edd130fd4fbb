import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { askLocal } from '../../agent/adapters/localDoor'
import { LICENSOR_FILE } from '../../src/model'
import { until } from './adapters/surroundings'
import { configText, makeKeys } from './api/kit'

const OCTET = 61
const PORT = 47361
const START_MS_MAX = 20_000

test('an engine that is told to end does so while a file of its machine does not answer', async () => {
  const folder = await makeKeys(configText(OCTET, PORT))
  const run = path.join(folder, 'run')
  // It is read when the engine starts, by a thread that nobody can call off.
  execFileSync('mkfifo', [path.join(folder, LICENSOR_FILE)])
  const places = ['--config', path.join(folder, 'mirrorpair.yaml'), '--node', 'RMHW131', '--state', path.join(folder, 'RMHW131'), '--run', run]
  const engine = spawn(process.execPath, [path.join('dist', 'agent.cjs'), 'run', ...places], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(engine, 'exit')
  try {
    await until('it has started', async () => (await askLocal(path.join(run, 'engine.sock'), 'are you there')) !== null, START_MS_MAX)
    engine.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(fs.readFileSync(path.join(folder, 'RMHW131', 'events.log'), 'utf8')).toContain('has started')
  } finally {
    engine.kill('SIGKILL')
    await ended
    const heartbeat = net.connect(path.join(run, 'heartbeat.sock')).on('error', () => undefined)
    const gone = once(heartbeat.resume(), 'close')
    heartbeat.write('{"do":"end"}\n')
    await gone
    fs.rmSync(folder, { recursive: true, force: true })
  }
}, 40_000)
