/**
 * A pool loads a part of itself beside its start. When that is there is no input of a port, so both runs have it before they start. This
 * module has it in memory, so the pool has it after a few turns of the event loop.
 */
import '../core/api/late.ts'
import '../core/flows/application-check.ts'
import '../core/flows/introductions.ts'
import type { LatePool } from '../core/api/late.ts'
import type { Lifecycle } from '../core/api/lifecycle.ts'
import type { PeerPool } from '../core/peer-pool.ts'

/** A start waits no longer; it loads by itself then. */
const maxTurns = 1_000
/** What a pool with `onAdmit` loads besides has come by then. */
const moreTurns = 3

export interface Loading {
  /** Resolves in a later turn of the event loop. */
  readonly turn: () => Promise<void>
}

/** Loads now, once. Resolves when the pool has all. */
export async function loaded(pool: PeerPool, { turn }: Loading): Promise<void> {
  let late: LatePool | undefined
  const preload: unknown = Reflect.get(pool, 'preload')
  // It never rejects.
  const loading: unknown = typeof preload === 'function' ? Reflect.apply(preload, pool, []) : undefined
  void (loading as ReturnType<Lifecycle['load']> | undefined)?.then((part) => {
    late = part
  })
  Object.defineProperty(pool, 'preload', { value: () => Promise.resolve(undefined) })
  // On a busy machine introductions come some turns after the rest, and hear of nothing that happened before.
  const isLoaded = (): boolean => late !== undefined && (!pool.config.introductions || late.exchange.mixing.walk !== undefined)
  for (let turns = 0; turns < maxTurns && !isLoaded(); turns++) await turn()
  for (let turns = 0; turns < moreTurns; turns++) await turn()
}
