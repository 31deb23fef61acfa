/**
 * Public names of `p2p-pool/libp2p`: the pool as a service of a libp2p node that you make yourself.
 *
 * @module p2p-pool/libp2p
 */
export { boundedMuxer, type MuxerMaker } from './bounded-muxer.ts'
export type { DialRule, DialRuleOptions } from './dial-rule.ts'
export type { GaterOptions, InboundGuard, PageHooks, PoolGater, RelayGuard, ServerHooks } from './gater.ts'
export type { Libp2pParts, NoServices, WithPool } from './libp2p-parts.ts'
export { Libp2pNetwork, poolProtocol } from './network.ts'
export type { BudgetSource, NetworkComponents, NetworkOptions } from './network-options.ts'
export { type PointInit, parsePeerId, parsePoint, parsePointInit, toMultiaddr } from './point.ts'
export { libp2pSettings } from './preset.ts'
export { createGater } from './server-gater.ts'
export { Libp2pPeerPool, type PeerPoolInit, type PeerPoolService, peerPool } from './service.ts'
export { systemClock, systemRandom } from './system.ts'
export { withPool } from './with-pool.ts'
