#!/usr/bin/env node
// `npm test`: types, lint and format, the unit tests, then the tests on a real pair (root). Ends with one line `N passed, N failed`.
//   npm test                    everything
//   npm test -- unit            types, lint, unit tests
//   npm test -- e2e [PATTERN]   the tests on a real pair
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawnSync } = require('node:child_process')

const root = path.join(__dirname, '..')
const modules = path.join(root, 'node_modules')
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'mirrorpair-test-'))
/** The shell and the programs of the lab are started a thousand times, and compiled once. A node's engine has an environment of its own, and none of this. */
const compiled = path.join(scratch, 'compiled')
const [part = 'all', ...patterns] = process.argv.slice(2)
const TEST_TIMEOUT_MS = 30_000
/** Where one test waits for a timer or for another process, another one works: more files side by side than processors. test/kit/ports.ts keeps four apart. */
const CORES = os.availableParallelism()
const UNIT_WORKERS = Math.min(CORES + 1, 4)
/** Tests on a real pair wait for half of their time. */
const PAIR_WORKERS = Math.min(CORES + 1, 8)
/** Tests on a real pair with a bound that only a machine of their own keeps: a speed, or the moment that a query may be held up. The others go side by side. */
const MEASURING = ['death', 'links', 'million', 'programs', 'stream']
const measuring = `test/e2e/(${MEASURING.join('|')})\\.test\\.ts$`
const total = { passed: 0, failed: 0, skipped: 0 }
/** The reason of a failed test, said once more at the end: in a log of thousands of lines nobody finds it. */
const REASON_LENGTH_MAX = 2_500
const failures = []
// Words after --selectProjects would be taken for projects.
const patternArguments = patterns.flatMap((pattern) => ['--testPathPatterns', pattern])

function run(name, file, args) {
  console.log(`\n== ${name}`)
  const env = { ...process.env, FORCE_COLOR: '0', NODE_COMPILE_CACHE: compiled }
  return spawnSync(process.execPath, [file, ...args], { cwd: root, stdio: 'inherit', env }).status === 0
}

function check(name, file, args) {
  if (run(name, file, args)) total.passed += 1
  else total.failed += 1
}

function jest(project, args, title = `${project} tests`) {
  const report = path.join(scratch, `${title}.json`)
  const good = run(title, path.join(modules, 'jest', 'bin', 'jest.js'), [
    ...['--selectProjects', project, '--json', '--outputFile', report],
    // What does not set its own: busy machines are slow, and a test that hangs is told all the same.
    ...['--testTimeout', String(TEST_TIMEOUT_MS)],
    ...['--testSequencer', path.join(__dirname, 'longestFirst.cjs')],
    ...args
  ])
  if (!fs.existsSync(report)) {
    total.failed += 1
    return
  }
  const result = JSON.parse(fs.readFileSync(report, 'utf8'))
  total.passed += result.numPassedTests
  total.skipped += result.numPendingTests
  total.failed += result.numFailedTests + result.numRuntimeErrorTestSuites
  failures.push(...result.testResults.flatMap(failuresOf))
  // A run that failed without a failed test (an open handle, a broken configuration) is a failure too.
  if (!good && result.numFailedTests + result.numRuntimeErrorTestSuites === 0) total.failed += 1
}

function failuresOf({ name, status, message, assertionResults }) {
  const file = path.relative(root, name)
  const failed = assertionResults.filter((each) => each.status === 'failed')
  // A file that could not even be run has no tests that failed.
  if (failed.length === 0) return status === 'failed' ? [`${file}\n${shortened(message)}`] : []
  return failed.map(({ fullName, failureMessages }) => `${file} › ${fullName}\n${shortened(failureMessages.join('\n'))}`)
}

function shortened(text) {
  const ours = text
    .split('\n')
    .filter((line) => !line.includes('/node_modules/') && !line.includes('(node:internal'))
    .join('\n')
  return ours.length > REASON_LENGTH_MAX ? `${ours.slice(0, REASON_LENGTH_MAX)} …` : ours
}

if (part === 'all' || part === 'unit') {
  check('types', path.join(modules, 'typescript', 'bin', 'tsc'), ['-b', 'src', 'agent', 'commands', 'bin', 'test'])
  check('lint and format', path.join(modules, '@biomejs', 'biome', 'bin', 'biome'), ['check', '--error-on-warnings', '.'])
  jest('unit', ['--maxWorkers', String(UNIT_WORKERS), ...patternArguments])
}
if (part === 'all' || part === 'e2e') {
  if (process.getuid() !== 0) console.log('\n== e2e tests: left out what needs root (namespaces, FUSE, PAM, power cuts); run `sudo npm test` for all of it')
  if (patterns.length > 0) jest('e2e', ['--runInBand', ...patternArguments])
  else {
    jest('e2e', ['--maxWorkers', String(PAIR_WORKERS), '--testPathIgnorePatterns', measuring], 'e2e tests, side by side')
    jest('e2e', ['--runInBand', '--testPathPatterns', measuring], 'e2e tests that measure')
  }
}
fs.rmSync(scratch, { recursive: true, force: true })
for (const failed of failures) console.log(`\n== failed: ${failed}`)
const skipped = total.skipped ? `, ${total.skipped} skipped` : ''
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`)
process.exit(total.failed ? 1 : 0)
