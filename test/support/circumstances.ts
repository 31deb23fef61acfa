/** What explanations of a `StateBench` are made from: a running, awake pool that asks whoever is connected. */
import type { Circumstances } from '../../src/core/decisions/foresight.ts'
import { evenChance, type StateBench } from './state-bench.ts'

export function circumstancesOf({ state, now }: StateBench, more: Partial<Circumstances> = {}): Circumstances {
  return {
    now,
    random: evenChance,
    canDial: () => true,
    filling: state.active < state.bounds.minThreshold,
    trimAt: Number.NEGATIVE_INFINITY,
    awake: true,
    status: 'running',
    keepsBand: true,
    lookAt: undefined,
    searchAt: Number.NEGATIVE_INFINITY,
    mixAt: Number.POSITIVE_INFINITY,
    transports: ['tcp'],
    peersToAsk: state.active,
    blockOf: () => undefined,
    refusalOf: () => undefined,
    ...more
  }
}
