import { runUsageProgram } from '../agent/adapters/usage/program'

/** `mirrorpair-agent usage`: started by the engine, looks at the usage of the machine in its place. */
void runUsageProgram()
