/** What every flow works with: the state, the network, and each other. All that others wrote is guarded. Made once by `peer-pool.ts`. */

import type { PoolState } from '../tables/pool-state.ts'
import type { PoolConfig } from '../values/config.ts'
import type { Clock, Log, Network, Random } from '../values/ports.ts'
import type { TakeArguments } from '../verbs.ts'
import type { Connection } from './connection.ts'
import type { EventHub } from './event-hub.ts'

export interface FlowContext<Msg, PeerMeta, ConnMeta> {
  readonly config: PoolConfig<Msg, PeerMeta, ConnMeta>
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly state: PoolState<PeerMeta, Connection<Msg, ConnMeta>>
  readonly events: EventHub
  /** Random bytes that name this run of the pool in its Hellos. */
  readonly instance: Uint8Array
  /** Decides which points which address group may be told; see `decisions/sharing.ts`. Secret. */
  readonly sharingSeed: number
  /** Our connection metadata, encoded for a Hello. Never throws. */
  readonly ownMetadata: () => Uint8Array
  /** What public methods take their arguments through. */
  readonly take: TakeArguments
}
