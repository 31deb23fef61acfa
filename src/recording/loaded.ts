/** A pool loads a part of itself beside its start. When that is there is no input of a port, so both runs have it before they start. */
import '../core/flows/application-check.ts'
import '../core/api/late.ts'
import type { PeerPool } from '../core/peer-pool.ts'

/** Turns of the event loop that a loaded module needs, at most. */
const maxTurns = 10_000

/** Loads now, once. Resolves when the pool has all. `outside`: asks without a trace. */
export async function loaded(pool: PeerPool, outside: <T>(ask: () => T) => T): Promise<void> {
  const preload: unknown = Reflect.get(pool, 'preload')
  if (typeof preload === 'function') Reflect.apply(preload, pool, [])
  Object.defineProperty(pool, 'preload', { value: () => undefined })
  for (let turn = 0; turn < maxTurns && outside(() => pool.getSnapshot()) === undefined; turn++) await eventLoopTurn()
  // What a pool with onAdmit loads, too.
  for (let turn = 0; turn < 3; turn++) await eventLoopTurn()
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}
