/**
 * The light client: follows the best chain that any of its peers can show, and finds out who lies. It has no timer, no
 * network and no clock: it takes what happens and when, and returns what to do. `follow-pool.ts` joins it to a pool.
 *
 * No peer is believed: a claim changes nothing until every header that leads there was verified here.
 */
import type { Hash, Header } from '../chain/header.ts'
import { HeaderTree, type TreeLimits } from '../chain/header-tree.ts'
import type { ChainRules } from '../chain/rules.ts'
import { type ChainMessage, type HeadersMessage, maxLocator, type StatusMessage } from '../wire/message.ts'
import type { Action, Moment } from './action.ts'
import { judgeAnswer } from './answer.ts'
import { defaultLimits, dueOf, type SyncLimits } from './deadlines.ts'
import type { LieKind } from './lie.ts'
import { NewsList } from './news.ts'
import { newRecord, type PeerRecord } from './peer-record.ts'
import { planRequests } from './plan-requests.ts'
import { type SyncView, viewOfAll } from './sync-view.ts'

/** An honest peer sends a new head every few seconds. A peer that sends so many in a window is ignored. */
const maxStatuses = 100
const statusWindowMs = 10_000
/** Peers that left, liars first of all, are still shown; the oldest goes first. */
const maxGone = 20
/** The oldest goes first: only the newest headers are shown with their peer. */
const maxServedBy = 100

export class SyncClient<Id extends string = string> {
  readonly tree: HeaderTree
  readonly #limits: SyncLimits
  readonly #peers = new Map<Id, PeerRecord<Id>>()
  readonly #gone = new Map<Id, PeerRecord<Id>>()
  readonly #news = new NewsList<Id>()
  /** Who showed a header first. At most `maxServedBy`. */
  readonly #servedBy = new Map<Hash, Id>()
  /** Peers whose work another peer has still to take over. */
  #lost: { readonly peerId: Id; readonly why: 'late' | 'left' } | undefined
  #actions: Action<Id>[] = []

  constructor({
    rules,
    limits = {},
    tree = {}
  }: { rules: ChainRules; limits?: Partial<SyncLimits> | undefined; tree?: Partial<TreeLimits> }) {
    this.tree = new HeaderTree(rules, tree)
    this.#limits = { ...defaultLimits, ...limits }
  }

  // What happens. Each call says what to do about it, in this order.

  join(peerId: Id, moment: Moment): Action<Id>[] {
    this.#gone.delete(peerId)
    this.#peers.set(peerId, newRecord(peerId, moment.now))
    return this.#done(moment)
  }

  leave(peerId: Id, moment: Moment): Action<Id>[] {
    const record = this.#peers.get(peerId)
    if (record === undefined) return []
    this.#peers.delete(peerId)
    if (record.request !== undefined && !record.replaced) this.#lost = { peerId, why: 'left' }
    record.request = undefined
    this.#gone.set(peerId, record)
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= maxGone) break
      this.#gone.delete(oldest)
    }
    return this.#done(moment)
  }

  /** A message that decoded. Those of a peer that lied before are not listened to. */
  receive(peerId: Id, message: ChainMessage, moment: Moment): Action<Id>[] {
    const record = this.#peers.get(peerId)
    if (record === undefined || record.lie !== undefined) return []
    switch (message.kind) {
      case 'status':
        this.#hearStatus(record, message, moment)
        break
      case 'headers':
        this.#hearHeaders(record, message, moment)
        break
      case 'get-headers':
        this.#useless(record, 'it asks us, who never said that we have headers to show', moment)
    }
    return this.#done(moment)
  }

  /** Headers that we made ourselves, or have from elsewhere. */
  add(headers: readonly Header[], moment: Moment): Action<Id>[] {
    for (const header of headers) this.tree.add(header)
    this.#proveClaims(moment)
    return this.#done(moment)
  }

  /** Time has passed. To be called at `nextDueAt`, or whenever one likes: nothing is counted, all is computed from now. */
  tick(moment: Moment): Action<Id>[] {
    const { requestDeadlineMs, statusDeadlineMs } = this.#limits
    const { now } = moment
    for (const record of this.#peers.values()) {
      if (record.lie !== undefined) continue
      const due = dueOf(record, { limits: this.#limits, behind: this.#isBehind(record) })
      if (due.deadlineAt !== undefined && due.deadlineAt <= now && record.request !== undefined) {
        record.abandoned.add(record.request.id)
        record.request = undefined
        if (!record.replaced) this.#lost = { peerId: record.peerId, why: 'late' }
        this.#late(record, `no answer within ${requestDeadlineMs} ms`, now)
      }
      if (due.statusAt !== undefined && due.statusAt <= now) {
        record.claimedAt = now
        this.#late(record, `it has not sent its head within ${statusDeadlineMs} ms`, now)
      }
      if (due.staleAt !== undefined && due.staleAt <= now) {
        record.staleSince = now
        const seconds = Math.round((now - record.claimedAt) / 1_000)
        this.#useless(record, `its head, ${record.claim?.height}, has not moved for ${seconds} s`, moment)
      }
    }
    return this.#done(moment)
  }

  /** Monotonic; `tick` has nothing to do before. */
  nextDueAt(now: number): number | undefined {
    const times = [...this.#peers.values()].flatMap((record) => {
      if (record.lie !== undefined) return []
      const due = dueOf(record, { limits: this.#limits, behind: this.#isBehind(record) })
      return Object.values(due).filter((at) => at !== undefined && at > now)
    })
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** What a connected peer last said of its head; `undefined`: nothing, as light clients do. */
  claimOf(peerId: Id): StatusMessage | undefined {
    return this.#peers.get(peerId)?.claim
  }

  /** For people, and to be asked as often as one likes. */
  view({ now }: Moment): SyncView<Id> {
    const { tree } = this
    const parts = { connected: this.#peers.values(), gone: this.#gone.values(), news: this.#news.list, servedBy: this.#servedBy }
    return viewOfAll(parts, { tree, now, slowAfterMs: this.#limits.slowAfterMs })
  }

  // What it means.

  #hearStatus(record: PeerRecord<Id>, claim: StatusMessage, moment: Moment): void {
    const { now } = moment
    if (now - record.statusesSince >= statusWindowMs) {
      record.statusesSince = now
      record.statuses = 0
    }
    if (++record.statuses > maxStatuses) {
      if (record.statuses === maxStatuses + 1)
        this.#useless(record, `more than ${maxStatuses} heads in ${statusWindowMs / 1_000} s`, moment)
      return
    }
    const before = record.claim
    if (before?.head === claim.head && before.totalWork === claim.totalWork && before.height === claim.height) return
    if (before !== undefined && claim.totalWork <= before.totalWork) {
      const detail = `it claimed total work ${before.totalWork}, now it claims ${claim.totalWork} with another head`
      this.#lied(record, 'retracted', detail, moment)
      return
    }
    record.claim = claim
    record.claimedAt = now
    record.proven = false
    this.#proveClaims(moment)
  }

  #hearHeaders(record: PeerRecord<Id>, { id, headers }: HeadersMessage, moment: Moment): void {
    const { request, claim } = record
    if (record.abandoned.delete(id)) return
    if (request?.id !== id || claim === undefined) {
      this.#lied(record, 'unasked', `nobody waits for its answer ${id}`, moment)
      return
    }
    const { now, date } = moment
    record.request = undefined
    record.answers++
    const tookMs = now - request.sentAt
    record.latencyMs = record.latencyMs === undefined ? tookMs : (2 * record.latencyMs + tookMs) / 3
    record.lateInARow = 0
    const judgement = judgeAnswer(this.tree, { request, claim, headers, nowS: Math.floor(date / 1_000) })
    const { taken, last, reorganisations, lie, useless } = judgement
    record.served += taken.length
    for (const { hash } of taken) this.#noteServed(hash, record.peerId)
    record.lastShown = last ?? record.lastShown
    for (const reorganisation of reorganisations) this.#news.tell(record.peerId, date, { kind: 'reorganised', reorganisation })
    if (lie !== undefined) this.#lied(record, lie.kind, lie.detail, moment)
    if (useless !== undefined) {
      record.restsUntil = now + this.#limits.restMs
      this.#useless(record, useless, moment)
    }
    this.#proveClaims(moment)
  }

  #noteServed(hash: Hash, peerId: Id): void {
    this.#servedBy.set(hash, peerId)
    for (const oldest of this.#servedBy.keys()) {
      if (this.#servedBy.size <= maxServedBy) break
      this.#servedBy.delete(oldest)
    }
  }

  /** Peers whose claimed head was verified meanwhile were right about it, or not. */
  #proveClaims(moment: Moment): void {
    for (const record of this.#peers.values()) {
      const { claim, proven, lie } = record
      if (claim === undefined || proven || lie !== undefined) continue
      const entry = this.tree.get(claim.head)
      if (entry === undefined) continue
      const { header, totalWork } = entry
      if (header.height === claim.height && totalWork === claim.totalWork) record.proven = true
      else {
        const detail = `its head has height ${header.height} and work ${totalWork}; it claims ${claim.height} and ${claim.totalWork}`
        this.#lied(record, 'claim', detail, moment)
      }
    }
  }

  #isBehind({ claim }: PeerRecord<Id>): boolean {
    return claim !== undefined && claim.totalWork < this.tree.head.totalWork
  }

  #lied(record: PeerRecord<Id>, kind: LieKind, detail: string, { date }: Moment): void {
    record.lie = { kind, detail }
    record.request = undefined
    this.#news.tell(record.peerId, date, { kind: 'lie', lie: record.lie })
    this.#actions.push({ kind: 'report', peerId: record.peerId, about: 'fault', reason: detail })
  }

  #late(record: PeerRecord<Id>, reason: string, now: number): void {
    const { restMs, maxLate } = this.#limits
    record.lateInARow++
    record.restsUntil = now + restMs * record.lateInARow
    this.#actions.push({ kind: 'report', peerId: record.peerId, about: 'slow', reason })
    if (record.lateInARow >= maxLate) this.#actions.push({ kind: 'leave', peerId: record.peerId, reason: 'silent' })
  }

  #useless(record: PeerRecord<Id>, reason: string, { date }: Moment): void {
    this.#news.tell(record.peerId, date, { kind: 'useless', reason })
    this.#actions.push({ kind: 'report', peerId: record.peerId, about: 'useless', reason })
    if (++record.useless === this.#limits.maxUseless) this.#actions.push({ kind: 'leave', peerId: record.peerId, reason: 'of no use' })
  }

  // What to do.

  /** Asks the peers that are to be asked now, and returns what is to be done. */
  #done({ now, date }: Moment): Action<Id>[] {
    const { slowAfterMs, maxRequests } = this.#limits
    const options = { now, totalWork: this.tree.head.totalWork, slowAfterMs, maxRequests }
    for (const { ask, insteadOf } of planRequests(this.#peers.values(), options)) {
      this.#ask(ask, now)
      const from = insteadOf === undefined ? this.#lost : { peerId: insteadOf.peerId, why: 'slow' as const }
      if (insteadOf === undefined) this.#lost = undefined
      else insteadOf.replaced = true
      if (from !== undefined && from.peerId !== ask.peerId) {
        this.#news.tell(from.peerId, date, { kind: 'switched', to: ask.peerId, why: from.why })
      }
    }
    const actions = this.#actions
    this.#actions = []
    return actions
  }

  #ask(record: PeerRecord<Id>, now: number): void {
    const id = record.nextId++
    const max = this.#limits.batch
    // On a branch of its own it goes on from there; on our chain our head is the better place.
    const { lastShown } = record
    const own = lastShown === undefined || this.tree.get(lastShown) === undefined || this.tree.isBest(lastShown) ? [] : [lastShown]
    const locator = [...new Set([...own, ...this.tree.locator()])].slice(0, maxLocator)
    record.replaced = false
    record.request = { id, sentAt: now, max, locator, orderThen: this.tree.order }
    this.#actions.push({ kind: 'send', peerId: record.peerId, message: { kind: 'get-headers', id, max, locator } })
  }
}
