#!/usr/bin/env node
// Bundles every entry file (bin/*.ts) and every thread (*.worker.ts) into dist/NAME.cjs. Plain JavaScript: it runs before anything is built.
const { buildSync } = require('esbuild')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const SOURCES = ['bin', 'agent', 'commands', 'test/lab', 'test/bench', 'test/kit', 'test/sim']
const NATIVE = ['koffi', '@node-rs/crc32']

function* walk(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(file)
    else yield file
  }
}

const isEntry = (file) => file.endsWith('.worker.ts') || file.endsWith('.main.ts') || path.dirname(file) === path.join(root, 'bin')
const entryPoints = SOURCES.map((folder) => path.join(root, folder))
  .filter((folder) => fs.existsSync(folder))
  .flatMap((folder) => [...walk(folder)])
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && isEntry(file))

/** Said in one line instead of a stack trace from inside a library. */
const NODE_MAJOR_MIN = 22
const banner = [
  '#!/usr/bin/env node',
  `if (Number(process.versions.node.split('.')[0]) < ${NODE_MAJOR_MIN}) {`,
  `  console.error('mirrorpair needs Node ${NODE_MAJOR_MIN} or newer, this is ' + process.version + '. Try: npm run …, or node_modules/.bin/node, which npm ci installs.')`,
  '  process.exit(1)',
  '}'
].join('\n')

buildSync({
  entryPoints: Object.fromEntries(entryPoints.map((file) => [path.basename(file).replace(/(\.main)?\.ts$/, ''), file])),
  outdir: path.join(root, 'dist'),
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  external: ['typescript', ...NATIVE],
  alias: { undici: path.join(__dirname, 'undici.cjs') },
  supported: { 'dynamic-import': false },
  banner: { js: banner },
  sourcemap: 'linked',
  logLevel: 'warning'
})
