/** Public names of `p2p-pool/libp2p`: the pool as a service of a libp2p node that you make yourself. */
export { boundedMuxer, type MuxerMaker } from './bounded-muxer.ts'
export type { DialRule } from './dial-rule.ts'
export { createGater, type PoolGater } from './gater.ts'
export { Libp2pNetwork, type NetworkComponents, type NetworkOptions, poolProtocol } from './network.ts'
export { type PointInit, parsePeerId, parsePoint, parsePointInit, toMultiaddr } from './point.ts'
export { libp2pSettings } from './preset.ts'
export { Libp2pPeerPool, type PeerPoolInit, type PeerPoolService, peerPool } from './service.ts'
export { systemClock, systemRandom } from './system.ts'
