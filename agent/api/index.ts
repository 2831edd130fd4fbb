export { createPeerPort, type PeerChannel } from './peerPort'
export { type Api, type ApiOptions, createApi } from './server'
