/**
 * A known point with its places in the two indexes of the point table: who may be collected first (`point-shares.ts`) and
 * who is listed first (`point-listing.ts`). Internal to the table: everybody else sees the record.
 */
import type { Host } from '../values/ids.ts'
import { Chain, Link } from './chain.ts'
import type { PointRecord } from './point-state.ts'

/** The untried points that one source told us of. A peer, or a door without a peer: operator, storage, discovery. */
export class PointSource {
  readonly key: string
  /** How many peers it counts for; infinite: it has no cap and is collected last. */
  readonly weight: number
  /** In any state, trusted ones too: what its cap is about. */
  untried = 0
  /** Those that may be collected and were never missed, the longest in the list first. */
  readonly fresh = new Chain<PointEntry>()
  /** Those that may be collected and were missed, the oldest miss first. */
  readonly missed = new Chain<PointEntry>()
  /** Its place among the sources of the same load. */
  readonly ranked = new Link<PointSource>(this)

  constructor(key: string, weight: number) {
    this.key = key
    this.weight = weight
  }

  get collectable(): number {
    return this.fresh.size + this.missed.size
  }
}

/** The points of one address group. */
export class PointGroup {
  readonly key: string
  /** A host of it, to tell how far the group reaches. None: the group of a relay, or of one point alone. */
  readonly host: Host | undefined
  /** How many times the ordinary cap it may hold; infinite: no cap. Found out when the ordinary cap is reached: few groups ever do. */
  weight: number | undefined = undefined
  /** All of them. */
  points = 0
  /** The untried ones that caps count, in any state: those that operator and storage did not bring. */
  untried = 0
  tried = 0
  /** Of the untried that caps count: those that may be collected and were missed, oldest miss first. Most groups have none. */
  missed: Chain<PointEntry> | undefined = undefined
  /** Tried ones that are not trusted, busy ones too, the least recently seen first. */
  proven: Chain<PointEntry> | undefined = undefined

  constructor(key: string, host: Host | undefined) {
    this.key = key
    this.host = host
  }
}

/** The fields are written by the index that they are named under, and by no other code. */
export class PointEntry {
  readonly record: PointRecord
  readonly source: PointSource
  readonly group: PointGroup

  // point-shares.ts
  /** Counted among the tried; no point goes back to the untried. */
  tried = false
  /** In its source's `fresh` or `missed`, if it may be collected as an untried point. */
  readonly waiting = new Link<PointEntry>(this)
  /** Its last miss when it was put there. */
  missAt: number | undefined = undefined
  /** In its group's `missed` or `proven`. */
  member: Link<PointEntry> | undefined = undefined
  /** Its last miss or sighting when it was put there. */
  memberAt: number | undefined = undefined

  // point-listing.ts
  /** Its place in the bag of all points. */
  index = -1
  /** Its place in the bag of public points; -1: it is not public. */
  openIndex = -1
  /** Among the running, tried or answering points, once it was seen. */
  sighting: Link<PointEntry> | undefined = undefined
  /** Its last sighting when it was put there. */
  seenAt: number | undefined = undefined

  constructor(record: PointRecord, source: PointSource, group: PointGroup) {
    this.record = record
    this.source = source
    this.group = group
  }
}
