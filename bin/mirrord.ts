import { runMirrord } from '../agent/mirrord/main'

/** `mirrord`: the data plane of one job, started by the agent. */
void runMirrord(process.argv.slice(2))
