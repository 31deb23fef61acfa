/** What a `PeerPool` is made of beside its config. */
import type { PoolState } from './tables/pool-state.ts'
import type { Parts } from './tables/pool-view.ts'
import type { RunningConnection } from './values/attempt.ts'
import type { Clock, Log, Network, Random } from './values/ports.ts'

/** The world that a pool runs in. */
export interface PoolComponents {
  /** The way to other peers. */
  readonly network: Network
  /** Time. */
  readonly clock: Clock
  /** Chance. */
  readonly random: Random
  /** Where the pool says what it cannot say to a caller. */
  readonly log: Log
  /** @internal Is given the state when the pool is made: for an adapter that asks `decisions` more than `gate` tells. Tests get its parts, too. */
  readonly inspect?: ((state: PoolState<unknown>, parts: Parts<unknown, RunningConnection>) => void) | undefined
}
