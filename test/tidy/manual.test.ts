import fs from 'node:fs'
import path from 'node:path'
import { root, sourcesOf } from './sources'

const page = (name: string) => fs.readFileSync(path.join(root, 'man', name), 'utf8').replaceAll('\\-', '-')

/** Codes are written E_SOMETHING wherever they are defined. */
const codesIn = (text: string) => [...new Set(text.match(/\bE_[A-Z][A-Z0-9_]+\b/g) ?? [])]

test('every message code has its entry in the manual, and no entry is without its code', () => {
  const inSources = [...new Set(sourcesOf('src', 'agent', 'commands', 'bin').flatMap((source) => codesIn(source.text)))].sort()
  const inManual = [...page('mirrorpair-messages.7').matchAll(/^\.It Cm (E_[A-Z0-9_]+)/gm)].map((match) => match[1]!).sort()
  expect(inManual).toEqual(inSources)
})
