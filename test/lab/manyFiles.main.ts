import fs from 'node:fs'
import path from 'node:path'

/** `manyFiles DIRECTORY COUNT`: so many small files in directories of a thousand, fast. */
const IN_A_DIRECTORY = 1_000
const [directory = '', count = '0'] = process.argv.slice(2)

for (let made = 0; made < Number(count); made += 1) {
  const place = path.join(directory, `d${Math.floor(made / IN_A_DIRECTORY)}`)
  if (made % IN_A_DIRECTORY === 0) fs.mkdirSync(place, { recursive: true })
  const file = fs.openSync(path.join(place, `f${made}`), 'w')
  fs.writeSync(file, String(made))
  fs.closeSync(file)
}
process.stdout.write(`${count} files\n`)
