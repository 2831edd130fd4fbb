import { importsOf, resolveImport, sourcesOf } from './sources'

/** Which folders a file of a folder may import; the longest matching prefix counts. */
const MAY_IMPORT: Record<string, string[]> = {
  'src/model': ['src/model', 'src/report'],
  'src/report': ['src/report', 'src/model'],
  'src/wire': ['src/wire', 'src/model', 'src/report'],
  'src/core': ['src/core', 'src/model', 'src/report', 'src/wire'],
  agent: ['agent', 'src'],
  commands: ['commands', 'src/model', 'src/wire', 'src/report'],
  bin: ['bin', 'agent', 'commands', 'src', 'package.json']
}
/** Pure libraries only: they neither know a clock nor a disk. */
const PACKAGES_OF_SRC = ['zod', 'yaml']

const sources = sourcesOf('src', 'agent', 'commands', 'bin')
const ruleOf = (file: string) => Object.keys(MAY_IMPORT).find((folder) => file.startsWith(`${folder}/`))

test('imports point one way', () => {
  const wrong = sources.flatMap((source) => {
    const rule = ruleOf(source.file)
    const allowed = rule ? MAY_IMPORT[rule]! : []
    return importsOf(source)
      .map((specifier) => resolveImport(source, specifier))
      .filter((target): target is string => target !== null)
      .filter(
        (target) =>
          target !== 'package.json' && !allowed.some((folder) => target === folder || target.startsWith(`${folder}/`) || target.startsWith(`${folder}.`))
      )
      .map((target) => `${source.file} -> ${target}`)
  })
  expect(wrong).toEqual([])
})

test('src imports no package but pure ones', () => {
  const wrong = sources
    .filter((source) => source.file.startsWith('src/'))
    .flatMap((source) =>
      importsOf(source)
        .filter((name) => !name.startsWith('.') && !PACKAGES_OF_SRC.includes(name))
        .map((name) => `${source.file} -> ${name}`)
    )
  expect(wrong).toEqual([])
})

test('of zod a bundle gets what it uses: its object z brings all its languages along, into every program and thread', () => {
  expect(sources.filter((source) => /import (?:type )?\{[^}]*\} from 'zod'/.test(source.text)).map((source) => source.file)).toEqual([])
})

/** What is loaded with the first file: by `import` and `export`, not by what is only a type or asked for later. */
function loadedWith(first: string): Set<string> {
  const types = /^(?:import|export) type (?:\{[^}]*\}|\w+|\*(?: as \w+)?) from '[^'\n]*'$/gm
  const loaded = new Set<string>()
  const load = (file: string): void => {
    const source = sources.find((one) => one.file === file)
    if (source === undefined || loaded.has(file)) return
    loaded.add(file)
    const rest = { file, text: source.text.replace(types, '') }
    for (const name of importsOf(rest)) {
      const target = resolveImport(source, name)
      if (target === null) loaded.add(name)
      else load(target)
    }
  }
  load(first)
  return loaded
}

test('the shell starts without zod: what checks the words of others takes its time to load', () => {
  const loaded = loadedWith('commands/main.ts')
  expect([...loaded]).toEqual(expect.arrayContaining(['commands/index.ts', 'src/wire/config.ts', '@oclif/core']))
  expect([...loaded].filter((file) => file === 'zod' || /Schemas\.ts$/.test(file))).toEqual([])
})

test('src knows no clock and no chance', () => {
  const banned = /\b(Date\.now|new Date\(\s*\)|Math\.random|performance\.now|setTimeout|setInterval|process\.)/
  expect(sources.filter((source) => source.file.startsWith('src/') && banned.test(withoutComments(source.text))).map((source) => source.file)).toEqual([])
})

test('adapters know the ports, never the loop or the core', () => {
  const wrong = sources
    .filter((source) => source.file.startsWith('agent/adapters/'))
    .flatMap((source) =>
      importsOf(source)
        .map((name) => resolveImport(source, name))
        .filter((target) => target?.startsWith('src/core') || target?.startsWith('agent/loop') || target?.startsWith('agent/engine'))
        .map((target) => `${source.file} -> ${target}`)
    )
  expect(wrong).toEqual([])
})

test('each terminal library has one file in commands/kit', () => {
  const libraries = ['inquirer', 'chalk', 'cli-table3', 'undici', 'cli-progress']
  for (const library of libraries) {
    const users = sources.filter(
      (source) => source.file.startsWith('commands/') && importsOf(source).some((name) => name === library || name.startsWith(`${library}/`))
    )
    expect({ library, users: users.map((source) => source.file).filter((file) => !file.startsWith('commands/kit/')) }).toEqual({ library, users: [] })
    expect(users.length).toBeLessThanOrEqual(1)
  }
})

test('no import circles', () => {
  const graph = new Map(
    sources.map((source) => [
      source.file,
      importsOf(source)
        .map((name) => resolveImport(source, name))
        .filter((target): target is string => target !== null)
    ])
  )
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, trail: string[]) => {
    if (trail.includes(file)) {
      circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  expect(circles).toEqual([])
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"])\/\/.*$/gm, '$1')
}
