/** The parts of a pool's state, which the state shows nobody: for tests that check them, or break them behind its back. */

import type { PoolState } from '../../src/core/tables/pool-state.ts'
import type { Parts } from '../../src/core/tables/pool-view.ts'
import type { RunningConnection } from '../../src/core/values/attempt.ts'

const insides = new WeakMap<object, unknown>()

/** Whoever makes a state says what it is made of. */
export function setInside(state: object, parts: object): void {
  insides.set(state, parts)
}

export function insideOf<PeerMeta, C extends RunningConnection>(state: PoolState<PeerMeta, C>): Parts<PeerMeta, C> {
  const parts = insides.get(state)
  if (parts === undefined) throw new Error('nobody said what this state is made of')
  return parts as Parts<PeerMeta, C>
}
