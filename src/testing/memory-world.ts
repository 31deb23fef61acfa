/** Pools of the real core in one network in memory, on one virtual clock, with chance from one seed. For tests of programs that use a pool. */
import '../core/api/late.ts'
import '../core/flows/application-check.ts'
import '../core/flows/introductions.ts'
import '../core/flows/invitations.ts'
import { memoryStorage } from '../core/memory-storage.ts'
import { PeerPool } from '../core/peer-pool.ts'
import '../core/tables/saved-state.ts'
import { nodePreset, resolveConfig } from '../core/values/config.ts'
import type { Log, Random } from '../core/values/ports.ts'
import type { PoolOptions } from '../core/values/settings.ts'
import { MemoryHub, type MemoryNetwork } from './memory-network.ts'
import { seededRandom } from './seeded-random.ts'
import { settle } from './settle.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a `MemoryWorld` is made of. */
export interface WorldOptions {
  /** All chance of the world follows from it. Print it when a test fails. @default 1 */
  readonly seed?: number | undefined
  /** One-way delay of each piece of data, ms; `random` gives numbers from 0 to 1. @default 5 */
  readonly latencyMs?: ((random: () => number) => number) | undefined
  /** @default a new one */
  readonly clock?: VirtualClock | undefined
}

/** Options of one pool: those of `PeerPool`, and where it is. */
export type MemberOptions<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> = Partial<PoolOptions<Msg, PeerMeta, ConnMeta>> & {
  /** Its address, `/ip4/…/tcp/…` for example. @default a public address in an address group of its own */
  readonly point?: string | undefined
  /** False: it dials and cannot be dialed, like a page or a peer behind a NAT. @default true */
  readonly listens?: boolean | undefined
  /** True: it is a page, without an address of its own. See `NodeOptions`. @default false */
  readonly page?: boolean | undefined
}

/** One pool of the world, with what a test needs beside it. */
export interface Member<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> {
  /** The pool: the class that a page and a Node peer run. */
  readonly pool: PeerPool<Msg, PeerMeta, ConnMeta>
  /** Its network; `network.point` is where others dial it, `network.crash()` breaks its links. */
  readonly network: MemoryNetwork
  /** The chance of this pool alone. */
  readonly random: Random
  /** What the pool logged: a listener that threw, a storage that failed. A test that expects nothing asserts that it is empty. */
  readonly complaints: string[]
}

/** Makes pools, and owns the clock and the network that they share. All have messages and metadata of the same types. */
export class MemoryWorld<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array> {
  /** The time of the world. It passes only in `clock.advance` and `clock.until`. */
  readonly clock: VirtualClock
  /** What lies between the pools: latency, partitions, links to break. */
  readonly hub: MemoryHub
  /** All chance follows from it. */
  readonly seed: number
  /** The pools in the order in which they were made. */
  readonly members: Member<Msg, PeerMeta, ConnMeta>[] = []

  constructor({ seed = 1, latencyMs, clock = new VirtualClock() }: WorldOptions = {}) {
    this.seed = seed
    this.clock = clock
    const random = seededRandom(seed)
    this.hub = new MemoryHub({ clock, random, latencyMs: latencyMs === undefined ? undefined : () => latencyMs(() => random.next()) })
  }

  /**
   * Makes a pool that is not started; `name` becomes its peer id. It does nothing by itself unless `options` set a band: by default
   * `minConnections` and `expectedConnections` are 0, and maintenance looks only when something happens. The name of its network is
   * `test`, and it takes private addresses. Throws `PoolError` `invalid-config`.
   */
  make(name: string, { point, listens, page, ...options }: MemberOptions<Msg, PeerMeta, ConnMeta> = {}): Member<Msg, PeerMeta, ConnMeta> {
    const network = this.hub.node(name, { point, listens, page })
    const complaints: string[] = []
    const log: Log = {
      error: (message, cause) => complaints.push(`${message}: ${cause instanceof Error ? String(cause) : JSON.stringify(cause)}`)
    }
    const quiet = { minConnections: 0, expectedConnections: 0, maxConnections: 100, maintenanceIdleMs: null, allowPrivatePoints: true }
    const given = { network: 'test', ...quiet, ...options } as PoolOptions<Msg, PeerMeta, ConnMeta>
    const random = seededRandom(this.seed * 1_000 + this.members.length)
    const config = resolveConfig(given, { preset: nodePreset, storage: memoryStorage() })
    const pool = new PeerPool(config, { network, clock: this.clock, random, log })
    network.gate = pool.gate
    const member = { pool, network, random, complaints }
    this.members.push(member)
    return member
  }

  /** Makes a pool as `make` does, and starts it. */
  async start(name: string, options: MemberOptions<Msg, PeerMeta, ConnMeta> = {}): Promise<Member<Msg, PeerMeta, ConnMeta>> {
    const member = this.make(name, options)
    const starting = member.pool.start()
    starting.catch(() => undefined) // reported below
    await settle()
    // Loading takes real time, for which a virtual clock does not wait. The pool asked first, and so has the answer first.
    await import('../core/api/late.ts')
    await this.clock.until(starting)
    return member
  }

  /** Makes a plain peer that is up: it has no pool, and speaks these libp2p protocols. */
  plain(name: string, ...speaks: string[]): MemoryNetwork {
    const network = this.hub.node(name, { speaks })
    void network.start({ incoming: () => undefined, ownPointsChanged: () => undefined, discovered: () => undefined })
    return network
  }

  /** Stops all pools. Resolves when they have stopped. */
  async stop(): Promise<void> {
    await this.clock.until(Promise.all(this.members.map(({ pool }) => pool.stop())))
  }
}
