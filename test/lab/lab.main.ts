import { LabError } from './labError'
import { runVerb } from './verbs'

async function main(): Promise<void> {
  try {
    process.exitCode = await runVerb(process.argv.slice(2))
  } catch (error) {
    const said = error instanceof LabError ? `${error.message}\nTry: ${error.tryThis}` : `the lab failed: ${(error as Error).stack ?? String(error)}`
    process.stderr.write(`${said}\n`)
    process.exitCode = error instanceof LabError ? error.exitCode : 1
  }
}

void main()
