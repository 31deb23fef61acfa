/**
 * Who is kept out, as far as the tables know: the access lists together with trust and with what earlier connections showed.
 * `pool-state.ts` owns it and passes its questions on; `decisions/admission.ts` says what follows.
 */
import { isPublic } from '../values/address.ts'
import type { Attempt } from '../values/attempt.ts'
import type { PoolEventName, PoolEvents } from '../values/events.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Clock } from '../values/ports.ts'
import type { AccessList } from './acl.ts'
import { noteReport } from './peer-state.ts'
import type { PeerTable } from './peer-table.ts'
import type { PointTable } from './point-table.ts'
import type { Bar, Change } from './pool-view.ts'

/** A peer that was connected for so long in all, ms, is no stranger. */
const goodConnectionMs = 10_000

/** Which peer and host to greylist, and why. */
export interface GreylistRequest {
  readonly peerId?: PeerId | undefined
  readonly host?: Host | undefined
  /** For people. */
  readonly cause: string
  /** The operator asked for it. @default false */
  readonly byOperator?: boolean
}

/** What it reads and calls; `PoolStateParts` has more. */
interface Parts<PeerMeta> {
  readonly access: AccessList
  readonly points: PointTable
  readonly peers: PeerTable<PeerMeta>
  readonly clock: Clock
  readonly emit: <Name extends PoolEventName>(type: Name, detail: PoolEvents[Name]) => void
  readonly changed: (what?: Change) => void
}

export class Doorkeeper<PeerMeta> {
  readonly #parts: Parts<PeerMeta>

  constructor(parts: Parts<PeerMeta>) {
    this.#parts = parts
  }

  /** Trusted by id (by itself, or as the peer that a trusted point expects), or trusted at that point. */
  isTrusted(peerId: PeerId | undefined, point: Point | undefined): boolean {
    const { points, peers } = this.#parts
    if (point !== undefined && points.get(point)?.trusted === true) return true
    return peerId !== undefined && (peers.get(peerId)?.trusted === true || points.isExpectedAtTrusted(peerId))
  }

  /** See `PoolView.passesGreylist`. */
  passesGreylist(peerId: PeerId): boolean {
    if (this.isTrusted(peerId, undefined)) return true
    const { peers, clock } = this.#parts
    const peer = peers.get(peerId)
    if (peer === undefined) return false
    const runsForMs = peer.state.kind === 'running' ? clock.now() - peer.state.connection.startedAt : 0
    return peer.connectedMs + runsForMs >= goodConnectionMs
  }

  /** A greylisting never counts on the host of a trusted point: a neighbour in its /64, or the filter's error, may be the cause. */
  hostBar(host: Host | undefined, spared: boolean): Bar | undefined {
    const bar = host === undefined ? undefined : this.#accessToAsk.hostBar(host, spared)
    return bar === 'greylisted' && host !== undefined && this.#parts.points.hasTrustedHost(host) ? undefined : bar
  }

  peerBar(peerId: PeerId): Bar | undefined {
    const bar = this.#accessToAsk.peerBar(peerId, false)
    return bar === 'greylisted' && this.isTrusted(peerId, undefined) ? undefined : bar
  }

  /** `access` without its look at the clock where time changes no answer: this is asked for every point of every message. */
  get #accessToAsk(): AccessList {
    return this.#parts.access.isTimeless ? this.#parts.access : this.access
  }

  /** The access lists as of now: what is due to fade or end has done so. */
  get access(): AccessList {
    const { access, clock, emit, changed } = this.#parts
    const { hosts, peers, ranges } = access.advance({ now: clock.now(), date: clock.date() })
    for (const host of hosts) emit('host-unbanned', { host })
    for (const peerId of peers) emit('peer-unbanned', { peerId })
    for (const range of ranges) emit('range-unbanned', { range })
    if (hosts.length + peers.length + ranges.length > 0) changed()
    return access
  }

  /** Greylists for a fault. A peer that is on the list already was reported, and that report decided about its host. */
  blame({ peerId, host }: Pick<Attempt, 'peerId' | 'host'>, cause: string): void {
    if (peerId !== undefined && this.peerBar(peerId) !== undefined) return
    const { peers, clock, changed } = this.#parts
    const record = peerId === undefined ? undefined : peers.get(peerId)
    if (record !== undefined) {
      noteReport(record, { kind: 'fault', reason: cause, at: clock.date() })
      changed()
    }
    this.greylist({ peerId, host, cause })
  }

  /**
   * Puts a peer and its host on the automatic lists: not a trusted peer, or one that may be it, and never the host of a trusted point.
   * A host that is not public is listed for the operator alone: there may be a proxy, and all its peers would pay for what one of
   * them did.
   */
  greylist({ peerId, host, cause, byOperator = false }: GreylistRequest): void {
    const { points, clock, emit, changed } = this.#parts
    if (this.isTrusted(peerId, undefined) || (host !== undefined && points.isTrustedAt(host, peerId))) return
    const isListed = host !== undefined && (byOperator || isPublic(host)) && !points.hasTrustedHost(host)
    if (peerId === undefined && !isListed) return
    const { access } = this
    const date = clock.date()
    if (peerId !== undefined) access.greylistPeer(peerId, date)
    if (isListed) access.greylistHost(host, date)
    emit('greylisted', { peerId, host: isListed ? host : undefined, cause })
    // Greylists are not saved.
    changed('shown')
  }
}
