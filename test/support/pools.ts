/** The worlds of our tests: `MemoryWorld` with a short way to make one, events kept in order, rejections as values. */
import type { PeerPool } from '../../src/core/index.ts'
import type { PoolEvent, PoolEventName } from '../../src/core/values/events.ts'
import { MemoryWorld } from '../../src/testing/memory-world.ts'
import type { VirtualClock } from '../../src/testing/virtual-clock.ts'

export type { Member } from '../../src/testing/memory-world.ts'

export class World extends MemoryWorld {
  constructor(seed?: number, latencyMs?: (random: () => number) => number, clock?: VirtualClock) {
    super({ seed, latencyMs, clock })
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
