import fs from 'node:fs'
import path from 'node:path'

/** The checkout's own sources, as the tidy tests read them. */
export const root = path.join(__dirname, '..', '..')

export interface Source {
  /** Relative to the checkout. */
  file: string
  text: string
}

function* walk(folder: string): Generator<string> {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(file)
    else if (file.endsWith('.ts') && !file.endsWith('.d.ts')) yield file
  }
}

export function sourcesOf(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    [...walk(path.join(root, folder))].map((file) => ({ file: path.relative(root, file), text: fs.readFileSync(file, 'utf8') }))
  )
}

/** Module names that a source imports: `from '…'`, `import '…'` and `require('…')`, at the end of a statement's head. */
export function importsOf(source: Source): string[] {
  const pattern = /(?:^|[}\s*])from\s+['"]([^'"\n]+)['"]|^\s*import\s+['"]([^'"\n]+)['"]|\brequire\(\s*['"]([^'"\n]+)['"]\s*\)/gm
  return [...source.text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

/** The file of the checkout behind a relative import, without extension; null for a package. */
export function resolveImport(source: Source, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  const target = path.join(path.dirname(source.file), specifier)
  for (const candidate of [`${target}.ts`, path.join(target, 'index.ts'), target])
    if (fs.existsSync(path.join(root, candidate)) && fs.statSync(path.join(root, candidate)).isFile()) return candidate
  return target
}
