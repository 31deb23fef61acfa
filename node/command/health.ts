/** How a pool does, in one word: for `p2p-pool health`, for `/health`, and for `status`. */
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'

/**
 * `in-band`: enough connections. `filling`: at least the minimum, but so few that the pool dials without pause. `below-minimum`: fewer
 * than the minimum. `not-running`: the pool does not keep a band.
 */
export type Health = 'in-band' | 'filling' | 'below-minimum' | 'not-running'

export const healthWords: Readonly<Record<Health, string>> = {
  'in-band': 'in the band',
  filling: 'filling the band',
  'below-minimum': 'below the minimum',
  'not-running': 'not running'
}

export function healthOf({ status, active, band, bounds }: Pick<PoolSnapshot, 'status' | 'active' | 'band' | 'bounds'>): Health {
  if (status !== 'running' && status !== 'suspended') return 'not-running'
  if (active < band.min) return 'below-minimum'
  return active < bounds.minThreshold ? 'filling' : 'in-band'
}
