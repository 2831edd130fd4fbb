import fs from 'node:fs'
import { fail } from './fail'

/** `advice`: a line of the shell that does better. */
export function readText(file: string, advice: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (thrown) {
    throw fail('E_SHELL_FILE', { file, what: `it cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'no reason known'})`, advice })
  }
}
