import fs from 'node:fs'
import path from 'node:path'
import { play } from './runner'

/**
 * Each file is a story (lines with `> `) and what two cores made of it, one line an event or an action.
 * `UPDATE=1` writes what they say now; read the difference before you keep it.
 */
const files = fs.readdirSync(__dirname).filter((file) => file.endsWith('.txt'))

test.each(files)('%s', (name) => {
  const file = path.join(__dirname, name)
  const text = fs.readFileSync(file, 'utf8')
  const heading = text.split('\n').filter((line) => line.startsWith('#'))
  const story = text.split('\n').flatMap((line) => (line.startsWith('> ') ? [line.slice(2)] : []))
  const told = `${[...heading, ...play(story)].join('\n')}\n`
  if (process.env.UPDATE) fs.writeFileSync(file, told)
  expect(told).toBe(process.env.UPDATE ? told : text)
})
