/**
 * What every flow works with. All that others wrote is guarded. `peer-pool.ts` makes it once. Flows never look into messages and
 * metadata, so they know them as bytes; the public faces in `api/` give the application its own types back.
 */
import type { AttemptRecord } from '../tables/attempt.ts'
import type { PoolState } from '../tables/pool-state.ts'
import type { PeerId } from '../values/ids.ts'
import type { Invitation, InviteOptions, JoinOptions } from '../values/invitation.ts'
import type { Clock, Log, Network, Random } from '../values/ports.ts'
import type { PoolConfig } from '../values/settings.ts'
import type { TakeArguments } from '../verbs.ts'
import type { Connection } from './connection.ts'
import type { EventHub } from './event-hub.ts'

/** As the flows know it: with bytes for messages. */
export type FlowConnection = Connection

/** What handshakes ask about invitations. */
export interface OpenInvitations {
  /** The invitation that we name to this peer, whose own it is; empty: none. */
  namedTo(peerId: PeerId): string
  /** May the peer of this attempt come by the invitation that it names? Then the attempt holds a use until it ends. */
  invites(attempt: AttemptRecord<FlowConnection>, id: string): boolean
  /** Ends them all, and what follows those of others. */
  end(): void
  /** As the pool's. */
  invite(options: InviteOptions): Promise<Invitation>
  join(text: string, options: JoinOptions): Promise<PeerId>
}

export interface FlowContext {
  readonly config: PoolConfig
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly state: PoolState<unknown, FlowConnection>
  readonly events: EventHub
  /** Random bytes that name this run of the pool in its Hellos. */
  readonly instance: Uint8Array
  /** Secret: decides which points each address group is given; see `decisions/advertisable-points.ts`. */
  readonly sharingSeed: number
  /** Our connection metadata, encoded for a Hello. Never throws. */
  readonly ownMetadata: () => Uint8Array
  /** Checks the arguments of public methods. */
  readonly take: TakeArguments
  /** Loaded with the first `invite` or `join`. */
  invitations?: OpenInvitations | undefined
}
