/**
 * What every flow works with. All that others wrote is guarded. `peer-pool.ts` makes it once. Flows never look into messages and
 * metadata, so they know them as bytes; the public faces in `api/` give the application its own types back.
 */
import type { AttemptRecord } from '../tables/attempt.ts'
import type { PoolState } from '../tables/pool-state.ts'
import type { ConnectionKind, RunningConnection } from '../values/attempt.ts'
import type { PeerId } from '../values/ids.ts'
import type { Invitation, InviteOptions, JoinOptions } from '../values/invitation.ts'
import type { Clock, Log, Network, Random } from '../values/ports.ts'
import type { DisconnectReason, Ending } from '../values/reason.ts'
import type { PoolConfig } from '../values/settings.ts'
import type { ConnectionInfo } from '../values/snapshot.ts'
import type { TakeArguments } from '../verbs.ts'
import type { ExchangeMessage } from '../wire/schema.ts'
import type { EventHub } from './event-hub.ts'

/** A connection as the flows see it: what is sent and received on it has no type. `connection.ts` makes them. */
export interface FlowConnection extends RunningConnection {
  readonly kind: ConnectionKind
  /** The peer takes part in the exchange of points. */
  readonly discovery: boolean
  /** How it ended; `undefined` while it runs. */
  readonly ending: Ending | undefined
  /** Resolves when it has ended, with the reason. */
  readonly closed: Promise<Ending>
  readonly info: ConnectionInfo
  /** Bytes of the link so far. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** The peer that introduced both to each other; set by `introductions.ts` alone. */
  introducer?: PeerId | undefined
  /** Another connection can be made to where this one leads: we dialed it. */
  readonly canReach: boolean
  /** The frame of an application message. The same for all connections. */
  frameOf(payload: Uint8Array): Uint8Array
  /** Sends the frame of an application message without waiting; false if it was dropped. */
  offerFrame(frame: Uint8Array): boolean
  /** Sends a pool message; false if the peer is plain, or the link behind or gone: none of these is worth a wait. */
  sendExchange(message: ExchangeMessage): boolean
  /** Resolves when the other side answered; never throws at once. */
  probe(signal: AbortSignal): Promise<void>
  /** Makes a second connection to the same address and closes it; never throws at once. */
  reach(signal: AbortSignal): Promise<void>
  /** The other side gave no answer: ends as lost, at once. */
  lose(): void
  disconnect(reason: DisconnectReason | string, comeBackAfterMs?: number): Promise<void>
}

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
