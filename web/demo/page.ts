/** What the parts of the page share: the pool they show, what is shown now, and how they speak to the person. */
import type { PeerId, Point, PoolSnapshot } from '../../src/core/index.ts'
import type { SharedPool } from '../index.ts'
import type { Names } from './names.ts'
import type { Notices } from './notices.ts'
import type { TrafficRates } from './rates.ts'

export interface Page {
  /** Wherever it runs: in this tab or another one. */
  readonly pool: SharedPool
  readonly notices: Notices
  /** Who the peers say they are. */
  readonly names: Names
  /** Of each connection, and of all. */
  readonly rates: TrafficRates
  /** Puts the peer into the message box, which gets the focus. */
  writeTo(peerId: PeerId): void
  /** Everything about one peer, in a sheet over the page. */
  openPeer(peerId: PeerId): void
  /** The person disconnected it: shown until it is back or its wait is over. */
  leaveAlone(peerId: PeerId): void
  /** The list of known points, with this one in it. */
  showPoint(point: Point): void
}

/** One drawing. Durations are computed from `now`, so that a page that slept is right when it wakes. */
export interface Moment {
  readonly snapshot: PoolSnapshot
  /** Wall clock, ms since 1970. */
  readonly now: number
}

/** A part of the page. Drawn at most once per frame, and once a second for what is relative to now; writes only what changed. */
export interface Part {
  show(moment: Moment): void
}
