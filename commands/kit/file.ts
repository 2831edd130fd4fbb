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

/** What is larger is not what was meant, and is not read. */
export function readSmallText(file: string, bytesMax: number, advice: string): string {
  const size = sizeOf(file, advice)
  if (size === null || size > bytesMax)
    throw fail('E_SHELL_FILE', { file, what: size === null ? 'it is no file' : `it is larger than ${bytesMax} bytes`, advice })
  return readText(file, advice)
}

/** null: it is a folder, a device, or something else that has none. */
function sizeOf(file: string, advice: string): number | null {
  try {
    const stat = fs.statSync(file)
    return stat.isFile() ? stat.size : null
  } catch (thrown) {
    throw fail('E_SHELL_FILE', { file, what: `it cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'no reason known'})`, advice })
  }
}

/** What a file keeps in its first line. */
export function firstLineOf(file: string, what: string): string {
  try {
    return (fs.readFileSync(file, 'utf8').split('\n')[0] ?? '').replace(/\r$/, '')
  } catch (thrown) {
    throw fail('E_SHELL_FILE', {
      file,
      what: `the ${what} cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'no reason known'})`,
      advice: 'check the name and the rights of the file'
    })
  }
}
