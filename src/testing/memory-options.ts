/** What a network in memory and its nodes are made of. */
import type { Clock, Random } from '../core/values/ports.ts'
import type { LinkOwner } from './memory-link.ts'

/** What a `MemoryHub` is made of. */
export interface HubOptions {
  /** The clock of the network: a `VirtualClock`, in which time passes when the test says so. */
  readonly clock: Clock
  /** For the latency function and other uses of the test. */
  readonly random: Random
  /** One-way delay of each piece of data and of each half of a dial, ms. @default 5 */
  readonly latencyMs?: ((from: LinkOwner, to: LinkOwner) => number) | undefined
}

/** Options of one node. */
export interface NodeOptions {
  /** Its address, `/ip4/…/tcp/…` for example. @default a public address in an address group of its own */
  readonly point?: string | undefined
  /** False: the node dials and cannot be dialed, like a page or a peer behind a NAT. @default true */
  readonly listens?: boolean | undefined
  /**
   * True: the node is a page. It has no address of its own: it is reached by WebRTC at the points that it announces, over their relays, and
   * through peers that it is linked with. @default false
   */
  readonly page?: boolean | undefined
  /** Makes a plain peer, which does not speak the pool protocol, with these libp2p protocols. @default none: it speaks the pool protocol */
  readonly speaks?: readonly string[] | undefined
}
