/** What a `Libp2pNetwork` is made of: components of libp2p, and options. */
import type {
  ComponentLogger,
  Connection,
  Libp2pEvents,
  PeerId as Libp2pPeerId,
  Metrics,
  PeerStore,
  PrivateKey,
  TypedEventTarget,
  Upgrader
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { PeerId, Point } from '../core/values/ids.ts'
import type { Clock, LinkBudget } from '../core/values/ports.ts'
import type { DialRule } from './dial-rule.ts'

/** The components of libp2p that are needed; a user's own node has them all. */
export interface NetworkComponents {
  /** Who the node is. */
  readonly peerId: Libp2pPeerId
  /** Signs our peer record. */
  readonly privateKey: PrivateKey
  /** Dials. */
  readonly connectionManager: ConnectionManager
  /** Registers the pool protocol. */
  readonly registrar: Registrar
  /** Knows our addresses. */
  readonly addressManager: AddressManager
  /** Knows what can be dialed. */
  readonly transportManager: TransportManager
  /** Encrypts what goes through an introducer. */
  readonly upgrader: Upgrader
  /** Keeps tags and addresses of peers. */
  readonly peerStore: PeerStore
  /** The events of the node. */
  readonly events: TypedEventTarget<Libp2pEvents>
  /** Makes our logs. */
  readonly logger: ComponentLogger
  /** Takes our metrics. @default none: nothing is measured */
  readonly metrics?: Metrics | undefined
}

/** Keeps count of WebRTC links for `Network.budget`. */
export interface BudgetSource {
  /** How many were made, and how many may be. */
  readonly status: LinkBudget
  /** May one more be made now? */
  readonly allows: boolean
  /** Calls after each one made, until the returned function is called. */
  watch(changed: () => void): () => void
}

/** What a `Libp2pNetwork` may be given. */
export interface NetworkOptions {
  /** Time; `systemClock` in production. */
  readonly clock: Clock
  /** @default that of `dialRule()`: all on Node, public and encrypted in pages */
  readonly rule?: DialRule
  /** Takes out the peer for which the gater denied the last dial to this point. @default not known */
  readonly deniedAt?: (point: Point) => PeerId | undefined
  /** Peers whose connections are closed whatever else runs on them. @default nobody */
  readonly denies?: ((peerId: PeerId, connection: Connection) => boolean) | undefined
  /** For texts without a port. @default none */
  readonly defaultPort?: number | undefined
  /** Close connections that nothing uses, after 10 to 20 s. @default true */
  readonly closeIdle?: boolean | undefined
  /** @default none: WebRTC links are not counted */
  readonly budget?: BudgetSource | undefined
}
