import type { ApplicationPort, DataPort, LogPort, Places, VipPort } from '../ports'

/** The adapters: one factory a port. `close()` where there is one lets the event loop of the engine end; it never stops what it watches. */
export { createClockPort } from './clock'
export { createDiskPort } from './disk'
export { createLogPort } from './log'

export { createVipPort } from './vip/port'
export declare function createApplicationPort(places: Places, log: LogPort): ApplicationPort & { close(): void }
export declare function createDataPort(places: Places, log: LogPort): DataPort & { close(): void }
/** `mirrorpair-agent heartbeat …`: bin/agent.ts hands over what follows the word; the answer is the exit code. */
export { createHeartbeatPort } from './heartbeat/port'
export { runHeartbeatProgram } from './heartbeat/program'
