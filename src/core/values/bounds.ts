/** The band that maintenance keeps, cut in thirds as the original does (section 6.6 of its behaviour). */

/** What a user gives: 0 ≤ min ≤ expected ≤ max. */
export interface ConnectionBand {
  readonly min: number
  readonly expected: number
  readonly max: number
}

/** min ≤ minThreshold ≤ minTarget ≤ expected ≤ maxTarget ≤ maxThreshold ≤ max. */
export interface MaintenanceBounds {
  /** Below it maintenance looks for peers, until `minTarget`. */
  readonly minThreshold: number
  readonly minTarget: number
  /** Above `maxThreshold` it closes connections, down to here. */
  readonly maxTarget: number
  readonly maxThreshold: number
}

/** 10/50/100 gives 23, 36, 68, 84. */
export function maintenanceBounds({ min, expected, max }: ConnectionBand): MaintenanceBounds {
  const below = Math.floor((expected - min) / 3)
  const above = Math.floor((max - expected) / 3)
  return { minThreshold: min + below, minTarget: min + 2 * below, maxTarget: max - 2 * above, maxThreshold: max - above }
}
