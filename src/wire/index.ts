export * from './api'
export * from './mirrord'
export * from './operation'
export * from './peer'
