export * from './config'
export * from './configFile'
export * from './invariant'
export * from './job'
