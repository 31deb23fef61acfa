/** The band that maintenance keeps, cut in thirds as Octez does, and limits that several layers share. */

/** Points in one listing, unless asked otherwise; the figure of Octez. */
export const defaultListing = 50

/** Points that are saved to be dialed first after a restart. Two honest ones defeat a poisoned table; eight allow for some that are gone. */
export const maxAnchors = 8

/** Bytes of a network's name, which peers compare. */
export const maxNetworkBytes = 64

/** The application's connection metadata, encoded: a description, no cargo. */
export const maxMetadataBytes = 4_096

/** Versions of the application's protocol that a pool may speak. */
export const maxVersions = 16

/** How many connections a pool keeps: 0 ≤ min ≤ expected ≤ max ≤ 10000. */
export interface ConnectionBand {
  /** With fewer, dials are urgent. */
  readonly min: number
  /** The middle, around which the count settles. */
  readonly expected: number
  /** There are never more, dials and handshakes included. */
  readonly max: number
}

/**
 * What a suspended pool keeps. `band`: its `suspendedBand`, with no timer while that is full. `all`: what it has, and it makes
 * no more; so does `band` where none is set. `none`: it says goodbye to all, with `going-away`, and takes no more.
 */
export type SuspendedKeep = 'band' | 'all' | 'none'

/**
 * What a page needs of both: servers, reached by a direct transport, through which it can be reached, and other pages, reached by WebRTC.
 */
export type PeerKind = 'server' | 'page'

/** Connections that a pool wants of each kind. */
export type KindCounts = Readonly<Record<PeerKind, number>>

/** What the pool derives from a band: min ≤ minThreshold ≤ minTarget ≤ aim ≤ expected ≤ maxTarget ≤ maxThreshold ≤ max. */
export interface MaintenanceBounds {
  /** Below it maintenance hurries, until `minTarget`. */
  readonly minThreshold: number
  /** Below it maintenance dials as many as are missing. */
  readonly minTarget: number
  /**
   * Below it one connection after the other is added, without haste: half-way to `expected`, so that ordinary losses stay above
   * `minTarget`, and with those who come in the count ends up around `expected`.
   */
  readonly aim: number
  /** Above it one connection after the other is closed. */
  readonly maxTarget: number
  /** Above it connections are closed at once, until `maxTarget` are left. */
  readonly maxThreshold: number
}

/** Of each figure the smaller: in order again, since both are. */
export function narrowerBand(a: ConnectionBand, b: ConnectionBand): ConnectionBand {
  return { min: Math.min(a.min, b.min), expected: Math.min(a.expected, b.expected), max: Math.min(a.max, b.max) }
}

/** The bounds of a band: 10/50/100 gives 23, 36, 43, 68, 84. */
export function maintenanceBounds({ min, expected, max }: ConnectionBand): MaintenanceBounds {
  const below = Math.floor((expected - min) / 3)
  const above = Math.floor((max - expected) / 3)
  const minTarget = min + 2 * below
  const aim = minTarget + Math.floor((expected - minTarget) / 2)
  return { minThreshold: min + below, minTarget, aim, maxTarget: max - 2 * above, maxThreshold: max - above }
}
