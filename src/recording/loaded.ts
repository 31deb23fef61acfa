/**
 * A pool loads a part of itself beside its start. When that is there is no input of a port, so both runs have it before they start. This
 * module has it in memory, so the pool has it after a few turns of the event loop.
 */
import '../core/api/late.ts'
import '../core/flows/application-check.ts'
import '../core/flows/introductions.ts'
import type { PeerPool } from '../core/peer-pool.ts'

/** A start waits no longer; it loads by itself then. */
const maxTurns = 1_000
/** What a pool with `onAdmit` or `introductions` loads in addition has come by then. */
const moreTurns = 3

export interface Loading {
  /** Asks without a trace in the tape. */
  readonly outside: <T>(ask: () => T) => T
  /** Resolves in a later turn of the event loop. */
  readonly turn: () => Promise<void>
}

/** Loads now, once. Resolves when the pool has all. */
export async function loaded(pool: PeerPool, { outside, turn }: Loading): Promise<void> {
  const preload: unknown = Reflect.get(pool, 'preload')
  if (typeof preload === 'function') Reflect.apply(preload, pool, [])
  Object.defineProperty(pool, 'preload', { value: () => undefined })
  for (let turns = 0; turns < maxTurns && outside(() => pool.getSnapshot()) === undefined; turns++) await turn()
  for (let turns = 0; turns < moreTurns; turns++) await turn()
}
