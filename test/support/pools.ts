/** Pools of the real core in a world of memory: a virtual clock, a seeded random source, a hub between them. */
import './preload.ts'
import { memoryStorage, nodePreset, PeerPool, type PoolOptions, resolveConfig } from '../../src/core/index.ts'
import type { PoolEvent, PoolEventName } from '../../src/core/values/events.ts'
import type { Log, Random } from '../../src/core/values/ports.ts'
import { MemoryHub, type MemoryNetwork } from './memory-network.ts'
import { seededRandom } from './seeded-random.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface Member {
  readonly pool: PeerPool
  readonly network: MemoryNetwork
  readonly random: Random
  /** What the pool could not say to a caller; a test that expects none asserts that it is empty. */
  readonly complaints: string[]
}

export class World {
  readonly clock: VirtualClock
  readonly hub: MemoryHub
  readonly seed: number
  readonly members: Member[] = []

  constructor(seed = 1, latencyMs?: (random: () => number) => number, clock = new VirtualClock()) {
    this.seed = seed
    this.clock = clock
    const random = seededRandom(seed)
    this.hub = new MemoryHub({
      clock: this.clock,
      random,
      latencyMs: latencyMs === undefined ? undefined : () => latencyMs(() => random.next())
    })
  }

  /** A pool at a point of its own; it does nothing by itself unless `options` ask for a band. */
  make(name: string, options: Partial<PoolOptions> & { point?: string | undefined; listens?: boolean | undefined } = {}): Member {
    const { point, listens, ...rest } = options
    const network = this.hub.node(name, { point, listens })
    const complaints: string[] = []
    const log: Log = {
      error: (message, cause) => complaints.push(`${message}: ${cause instanceof Error ? String(cause) : JSON.stringify(cause)}`)
    }
    const quiet = { minConnections: 0, expectedConnections: 0, maxConnections: 100, maintenanceIdleMs: null, allowPrivatePoints: true }
    const config = resolveConfig({ network: 'test', ...quiet, ...rest } as PoolOptions, { preset: nodePreset, storage: memoryStorage() })
    const random = seededRandom(this.seed * 1_000 + this.members.length)
    const pool = new PeerPool(config, { network, clock: this.clock, random, log })
    network.gate = pool.gate
    const member = { pool, network, random, complaints }
    this.members.push(member)
    return member
  }

  async start(name: string, options: Parameters<World['make']>[1] = {}): Promise<Member> {
    const member = this.make(name, options)
    await this.clock.until(member.pool.start())
    return member
  }

  /** A peer without a pool that is up, and speaks these protocols. */
  plain(name: string, ...speaks: string[]): MemoryNetwork {
    const network = this.hub.node(name, { speaks })
    void network.start({ incoming: () => undefined, ownPointsChanged: () => undefined, discovered: () => undefined })
    return network
  }

  async stop(): Promise<void> {
    await this.clock.until(Promise.all(this.members.map(({ pool }) => pool.stop())))
  }
}

/** Keeps every event of these names, in order. */
export function record<Name extends PoolEventName>(pool: PeerPool, ...names: Name[]): PoolEvent<Name>[] {
  const heard: PoolEvent<Name>[] = []
  for (const name of names) pool.addEventListener(name, (event) => heard.push(event))
  return heard
}

/** The rejection of a `PoolError`, or the error itself if it is none. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error instanceof Error && 'rejection' in error && error.rejection !== undefined ? error.rejection : error
  }
  return 'it did not reject'
}
