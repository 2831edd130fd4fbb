import { runMirrord } from '../agent/mirrord/main'

// Bundled in; the compiler's project of this folder ends at its own files.
const { version } = require('../package.json') as { version: string }

/** `mirrord`: the data plane of one job, started by the agent. */
void runMirrord(process.argv.slice(2), version)
