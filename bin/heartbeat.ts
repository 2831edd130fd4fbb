import { runHeartbeatProgram } from '../agent/adapters/heartbeat/program'

/** `mirrorpair-agent heartbeat …`: started by the engine, it tells its faults itself. */
void runHeartbeatProgram(process.argv.slice(3)).then((exitCode) => process.stdout.write('', () => process.exit(exitCode)))
