import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { compareTrees } from '../../kit/compareTrees'
import { withFuse } from './fuse'
import { type RecordedCapture, startRecordedCapture } from './recordedCapture'
import { redoOperations } from './redoOperations'

const run = promisify(execFile)
const root = path.join(__dirname, '..', '..', '..')
const POSTGRES_BIN = ['/usr/lib/postgresql']
  .flatMap((base) => (fs.existsSync(base) ? fs.readdirSync(base).map((version) => path.join(base, version, 'bin')) : []))
  .at(-1)
const withPostgres = POSTGRES_BIN === undefined ? test.skip : test
if (POSTGRES_BIN === undefined) console.warn('PostgreSQL is not tried: it is not installed')

withFuse('real programs in a captured folder', () => {
  let recorded: RecordedCapture
  beforeEach(async () => {
    recorded = await startRecordedCapture()
  })
  afterEach(() => recorded.end())

  async function expectSameAfterRedo(ignore: { names?: (name: string) => boolean } = {}): Promise<void> {
    const copy = path.join(path.dirname(recorded.folder), 'copy')
    fs.mkdirSync(copy)
    redoOperations(await recorded.operations(), copy)
    const { uid, gid, mode } = fs.statSync(copy)
    fs.chownSync(copy, uid, gid)
    fs.chmodSync(copy, mode)
    expect(compareTrees(recorded.folder, copy, ignore)).toEqual([])
    expect(recorded.capture.counters()).toMatchObject({ errors: 0, needsMirror: 0 })
  }

  test('rsync -a of a package, a build that writes and renames, and rm -rf', async () => {
    const { folder } = recorded
    await run('rsync', ['-a', path.join(root, 'node_modules', 'typescript', 'lib'), folder])
    expect(compareTrees(path.join(root, 'node_modules', 'typescript', 'lib'), path.join(folder, 'lib'))).toEqual([])
    await run(
      'sh',
      [
        '-c',
        'mkdir out && for i in $(seq 150); do echo $i > out/.tmp$i && mv out/.tmp$i out/o$i && ln out/o$i out/l$i; done; mv out dist; tar cf - dist | tar xf - -C lib; rm -rf lib/de lib/cs dist/l1*'
      ],
      { cwd: folder }
    )
    await expectSameAfterRedo()
    await run('rm', ['-rf', path.join(folder, 'lib'), path.join(folder, 'dist')])
    expect(fs.readdirSync(folder)).toEqual([])
  }, 60_000)

  withPostgres(
    'PostgreSQL: initdb, pgbench with four clients, a stop: the copy is the same database',
    async () => {
      const data = path.join(recorded.folder, 'pg')
      const sockets = path.dirname(recorded.folder)
      const ids = (await run('id', ['-u', 'postgres'])).stdout.trim()
      fs.mkdirSync(data)
      fs.chownSync(data, Number(ids), 0)
      fs.chmodSync(sockets, 0o777)
      const sql = (script: string): Promise<unknown> =>
        run('su', ['postgres', '-s', '/bin/sh', '-c', `export PATH=${POSTGRES_BIN}:$PATH PGHOST=${sockets}; cd /; ${script}`])
      await sql(
        `initdb -D ${data} -A trust --no-instructions --no-sync && pg_ctl -D ${data} -w -l ${sockets}/log -o "-k ${sockets} -c listen_addresses=" start`
      )
      try {
        await sql('createdb bench && pgbench -i -q -s 1 bench && pgbench -c 4 -T 4 bench')
      } finally {
        await sql(`pg_ctl -D ${data} -w -m fast stop`)
      }
      await expectSameAfterRedo()
      const copy = path.join(path.dirname(recorded.folder), 'copy', 'pg')
      const control = async (directory: string): Promise<string> => (await run(path.join(POSTGRES_BIN!, 'pg_controldata'), [directory])).stdout
      expect(await control(copy)).toBe(await control(data))
    },
    90_000
  )
})
