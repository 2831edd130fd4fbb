import { runKeeper } from '../agent/mirrord/keeper/main'

/** Keeps one job's mirrord: started by the agent, starts mirrord and starts it again. */
runKeeper(process.argv.slice(2))
