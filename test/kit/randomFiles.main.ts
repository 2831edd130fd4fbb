import { randomFiles } from './randomFiles'

/** As a process: `randomFiles DIRECTORY SEED SECONDS|- [PAUSE_MS]`; -: until its standard input ends. Prints how often each operation was done. */
const [directory, seed, seconds, pauseMs] = process.argv.slice(2)

async function main(): Promise<void> {
  const files = randomFiles(directory!, Number(seed))
  const endMs = performance.now() + (seconds === '-' ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000)
  let told = false
  if (seconds === '-') process.stdin.on('end', () => (told = true)).resume()
  while (!told && performance.now() < endMs) {
    files.step()
    await new Promise((resolve) => setTimeout(resolve, Number(pauseMs ?? 0)))
  }
  files.end()
  process.stdout.write(`${JSON.stringify(files.done)}\n`)
}

if (directory === undefined || seed === undefined || seconds === undefined) {
  process.stderr.write('randomFiles DIRECTORY SEED SECONDS|- [PAUSE_MS]\n')
  process.exitCode = 2
} else {
  main().catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exitCode = 1
  })
}
