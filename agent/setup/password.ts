import { StringDecoder } from 'node:string_decoder'
import { setupFailure } from './failure'

const PASSWORD_LENGTH_MAX = 1024

/** The first line of standard input. */
export async function passwordFromInput(): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let text = ''
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    text += decoder.write(part)
    if (text.includes('\n') || text.length > PASSWORD_LENGTH_MAX) break
  }
  return (text.split('\n')[0] ?? '').replace(/\r$/, '')
}

/** Asks on the terminal; what is typed is not shown. */
export function askPassword(question: string): Promise<string> {
  const { stdin, stderr } = process
  if (!stdin.isTTY) throw setupFailure('E_USERS_PASSWORD', { why: 'there is no terminal to ask at' })
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.resume()
  const decoder = new StringDecoder('utf8')
  return new Promise((resolve, reject) => {
    let typed = ''
    const done = (settle: () => void) => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
      settle()
    }
    const onData = (part: Buffer) => {
      for (const letter of decoder.write(part)) {
        if (letter === '\r' || letter === '\n') return done(() => resolve(typed))
        if (letter === '\u0003' || letter === '\u0004') return done(() => reject(setupFailure('E_USERS_PASSWORD', { why: 'it was not typed to the end' })))
        if (letter === '\u007f' || letter === '\b') typed = [...typed].slice(0, -1).join('')
        else if (typed.length < PASSWORD_LENGTH_MAX) typed += letter
      }
    }
    stdin.on('data', onData)
  })
}
