/** The parts of a pool's state, which the state shows nobody: for tests that check them, or break them behind its back. */
import type { PoolState } from '../../src/core/tables/pool-state.ts'
import type { Parts } from '../../src/core/tables/pool-view.ts'
import type { RunningConnection } from '../../src/core/values/attempt.ts'

const insides = new WeakMap<object, unknown>()
const slotLimits = new WeakMap<object, number>()

/** Whoever makes a state says what it is made of, before anything happens. */
export function setInside<PeerMeta, C extends RunningConnection>(state: PoolState<PeerMeta, C>, parts: Parts<PeerMeta, C>): void {
  insides.set(state, parts)
  let { max } = state.band
  slotLimits.set(state, max)
  const { shown } = parts
  // The state asks its parts anew at each change, so this hears of all of them.
  Object.assign(parts, {
    shown: () => {
      const { slotsTaken, band } = state
      if (slotsTaken < band.max) slotLimits.set(state, band.max)
      else if (band.max !== max) slotLimits.set(state, Math.max(band.max, slotsTaken))
      max = band.max
      shown()
    }
  })
}

export function insideOf<PeerMeta, C extends RunningConnection>(state: PoolState<PeerMeta, C>): Parts<PeerMeta, C> {
  const parts = insides.get(state)
  if (parts === undefined) throw new Error('nobody said what this state is made of')
  return parts as Parts<PeerMeta, C>
}

/** The band's max, or what was taken of it when it was made smaller, until that has gone down. */
export function slotLimitOf(state: object): number {
  return slotLimits.get(state) ?? Number.POSITIVE_INFINITY
}
