/**
 * Round trips as distances in the picture: the nearer a connected peer, the shorter its shortest round trip, by powers of ten. The shortest one
 * says how far a peer is; the last one also says how busy both sides were, and would make the picture restless. Pure.
 */
import type { ConnectionSnapshot } from '../../src/core/index.ts'

/** Half a power of ten: less is noise between two looks. */
const steps = 6
/** 10^3 ms and more are the farthest. */
const decades = 3
/** Where no round trip was measured yet. */
const unknown = 0.5

/** From 0, 1 ms or less, to 1, a second or more. */
export function distanceOf({ rttMs }: Pick<ConnectionSnapshot, 'rttMs'>): number {
  return rttMs === null ? unknown : distanceOfMs(rttMs.least)
}

function distanceOfMs(ms: number): number {
  const share = Math.log10(Math.max(1, ms)) / decades
  return Math.min(1, Math.round(share * steps) / steps)
}

export interface Guide {
  readonly text: string
  /** As of `distanceOf`. */
  readonly distance: number
}

/** Circles to read distances by: up to the one that holds all of these peers, two at least. */
export function guidesFor(connections: readonly Pick<ConnectionSnapshot, 'rttMs'>[]): readonly Guide[] {
  const farthest = Math.max(0, ...connections.filter(({ rttMs }) => rttMs !== null).map(distanceOf))
  return ['1 ms', '10 ms', '100 ms', '1 s']
    .map((text, index) => ({ text, distance: index / decades }))
    .filter(({ distance }, index) => index < 2 || distance - 1 / decades < farthest - 1e-9)
}
