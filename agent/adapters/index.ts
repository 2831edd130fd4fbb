/** The adapters: one factory a port. `close()` where there is one lets the event loop of the engine end; it never stops what it watches. */
export { createApplicationPort } from './applications/port'
export { createConfigurationPort } from './configuration/port'
export { createClockPort } from './clock'
export { createDataPort } from './data/port'
export { createDiskPort } from './disk'
export { createHeartbeatPort } from './heartbeat/port'
/** `mirrorpair-agent heartbeat …`: bin/agent.ts hands over what follows the word; the answer is the exit code. */
export { runHeartbeatProgram } from './heartbeat/program'
export { createLeasePort } from './lease'
export { createLogPort } from './log'
export { createArbitrationPort } from './arbitration/port'
export { createVipPort } from './vip/port'
export { createVotersPort } from './voters'
