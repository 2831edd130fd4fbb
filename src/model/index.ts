export * from './config'
export * from './invariant'
export * from './job'
