/**
 * Who may hold how much of the point table, and who goes first when room is needed. Owned by `point-table.ts`, which asks
 * before it inserts and tells of every change; nothing is removed here.
 *
 * The rules, all in parts of the table's `max` (in brackets: of 400):
 * - one source: a twentieth of the known points [20], 1/40 of `max` [10] while few are known. Untried points and, tried or
 *   not, those that it said are its own; so a source whose points prove good may tell of more. All peers that are seen in one
 *   address group are one source, under the name of the first: a liar's ids cost nothing, and nor does coming back;
 * - one address group: 3/64 [18] untried and 1/64 [6] tried points, the figures that section 5 of `reference/faults.md`
 *   computes an eclipse with. Four times that for the group of a relay, which stands for many peers; no cap for groups on
 *   private and loopback addresses, since a whole local network is one;
 * - tried points keep half of the table [200]: no stranger's newcomer pushes one of these out.
 * What operator and storage bring has no caps and goes last; the local discovery counts for five sources.
 */
import type { Host, PeerId } from '../values/ids.ts'
import { Chain } from './chain.ts'
import { isTried, lastMissAt, lastSeenAt, type Medium } from './point-info.ts'
import { type GroupKey, Place, PointGroup, PointRecord, PointSource } from './point-record.ts'
import { isUncapped, weightOfDoor, weightOfGroup } from './point-weight.ts'

/** A source may replace a point of its own that nobody tried for so long; younger ones stay: a message names its best first. */
const staleAfterMs = 3_600_000

/** So many dials in a row that led to nobody are bad luck; then the source's other untried points wait for this first, ms, each time twice as long. */
const unluckyDials = 8
const firstHoldMs = 1_000
const maxHoldMs = 60_000

export class PointShares {
  readonly #max: number
  readonly #sources = new Map<string, PointSource>()
  /** The source of an address group; as many as sources at most. */
  readonly #byGroup = new Map<string, PointSource>()
  /** A group of one point is that point, until a second one asks for a place. */
  readonly #groups = new Map<GroupKey, PointGroup | PointRecord>()
  /** Sources that have something to collect, by load; among equals the one that changed last is first. */
  readonly #byLoad: Chain<PointSource>[] = []
  #topLoad = 0
  #tried = 0

  /** `max` is infinite for a table without bound: nothing has a cap then, and nothing is ever collected. */
  constructor(max: number) {
    this.#max = max
  }

  get tried(): number {
    return this.#tried
  }

  /** Are there more tried points than keep their places against newcomers? */
  get hasSurplusTried(): boolean {
    return this.#tried > Math.floor(this.#max / 2)
  }

  /** The name under which the points of a peer in this address group are counted: its own, if nobody there is known as a source. */
  nameOf(peerId: PeerId | undefined, group: string | undefined): PeerId | undefined {
    const source = peerId === undefined || group === undefined ? undefined : this.#byGroup.get(group)
    return source === undefined ? peerId : (source.key as PeerId)
  }

  /** May this source tell of one more point, when so many are known? At its cap: the point of its own to give for it, if any. */
  placeFor(source: PeerId | undefined, medium: Medium, { known, at }: { known: number; at: number }): PointRecord | 'free' | 'full' {
    const holder = this.#sources.get(source ?? medium)
    if (holder === undefined || holder.counted < this.#sourceCap(holder, known + 1)) return 'free'
    const oldest = holder.fresh.first
    return holder.missed.first ?? (oldest !== undefined && at - oldest.discoveredAt >= staleAfterMs ? oldest : 'full')
  }

  /** May the group hold one more untried point, at this host? At its cap: the missed point to give for it, if any. */
  placeIn(key: GroupKey, host: Host | undefined): PointRecord | 'free' | 'full' {
    const group = this.#grown(key)
    if (group === undefined || !this.#isAtCap(group, host, { count: group.untried, parts: 3 })) return 'free'
    return group.missed?.first?.record ?? 'full'
  }

  /** `tellers`: the address group where its source is seen, if any. */
  add(record: PointRecord, tellers: string | undefined): void {
    const { source: peerId, medium, groupKey } = record
    const key = peerId ?? medium
    const source = this.#sources.get(key) ?? new PointSource(key, peerId === undefined ? weightOfDoor(medium) : 1)
    this.#sources.set(key, source)
    source.counted++
    record.holder = source
    if (tellers !== undefined && peerId !== undefined && source.group === undefined && !this.#byGroup.has(tellers)) {
      source.group = tellers
      this.#byGroup.set(tellers, source)
    }
    const group = this.#grown(groupKey)
    if (group === undefined) this.#groups.set(groupKey, record)
    else count(record, group, 1)
    this.refresh(record)
  }

  remove(record: PointRecord): void {
    const { life, groupKey } = record
    const group = this.#groups.get(groupKey)
    if (life.tried) this.#tried--
    else this.#wait(record, undefined)
    if (isCounted(record)) this.#uncount(record)
    life.member?.chain?.remove(life.member)
    if (group instanceof PointGroup) count(record, group, -1)
    if (group === record || (group instanceof PointGroup && group.points === 0)) this.#groups.delete(groupKey)
  }

  /** Puts the record where it says that it belongs. True: it has just become a tried one. */
  refresh(record: PointRecord): boolean {
    const group = this.#groups.get(record.groupKey)
    const promoted = !record.life.tried && isTried(record.life)
    if (promoted) {
      this.#wait(record, undefined)
      if (group instanceof PointGroup) count(record, group, -1)
      record.fromProof().tried = true
      this.#tried++
      if (!isCounted(record)) {
        const { holder } = record
        if (holder !== undefined) {
          holder.misses >>= 1
          holder.heldUntil = Number.NEGATIVE_INFINITY
        }
        this.#uncount(record)
      }
      if (group instanceof PointGroup) count(record, group, 1)
    }
    const { life } = record
    if (!life.tried) {
      const missAt = lastMissAt(life)
      const queue = this.#queueOf(record)
      if (record.chain !== queue || life.missAt !== missAt) this.#wait(record, queue)
      if (life.missAt !== missAt) record.fromProof().missAt = missAt
    }
    if (group instanceof PointGroup) rank(record, group)
    return promoted
  }

  /**
   * A dial led to nobody. While that goes on with the untried points of one peer, all of them wait: else whoever tells a hungry pool of
   * points has it dial hosts of his choice as fast as it can. Dials that had begun before the wait make it no longer.
   */
  missed({ holder, source, life }: PointRecord, now: number): void {
    if (holder === undefined || source === undefined || life.tried || now < holder.heldUntil) return
    holder.misses++
    const beyond = holder.misses - unluckyDials
    if (beyond > 0) holder.heldUntil = now + Math.min(firstHoldMs * 2 ** (beyond - 1), maxHoldMs)
  }

  /** The untried point to collect first: of the source with the highest load, missed ones before others. */
  worstUntried(): PointRecord | undefined {
    const source = this.#byLoad[this.#topLoad]?.first
    return source?.missed.first ?? source?.fresh.first
  }

  /** The tried point to give up because the record's group holds more than its cap, the least recently seen one; never the record. */
  surplusBeside(record: PointRecord): PointRecord | undefined {
    const group = this.#groups.get(record.groupKey)
    if (!(group instanceof PointGroup) || !this.#isAtCap(group, record.host, { count: group.tried - 1, parts: 1 })) return undefined
    for (const { record: other } of group.proven ?? []) if (other !== record && other.state.kind === 'disconnected') return other
    return undefined
  }

  /** For `table-checks.ts`, which no page loads. */
  get inside() {
    return {
      max: this.#max,
      sources: this.#sources,
      byGroup: this.#byGroup,
      groups: this.#groups,
      byLoad: this.#byLoad,
      topLoad: this.#topLoad,
      queueOf: (record: PointRecord) => this.#queueOf(record)
    }
  }

  #sourceCap(source: PointSource, known: number): number {
    return Math.max(1, Math.floor(this.#max / 40), Math.floor(known / 20)) * source.weight
  }

  /** Do `count` points, tried or untried, fill the group? Its cap is so many 64ths of the table, and what its weight allows. */
  #isAtCap(group: PointGroup, host: Host | undefined, { count, parts }: { count: number; parts: number }): boolean {
    const ordinary = Math.max(1, Math.floor((this.#max * parts) / 64))
    if (count < ordinary) return false
    group.weight ??= weightOfGroup(host)
    return count >= ordinary * group.weight
  }

  /** The group of that key, if it has any point; with counts from now on. */
  #grown(key: GroupKey): PointGroup | undefined {
    const found = this.#groups.get(key)
    if (!(found instanceof PointRecord)) return found
    const group = new PointGroup()
    this.#groups.set(key, group)
    count(found, group, 1)
    rank(found, group)
    return group
  }

  /** Its source's cap counts it no longer. */
  #uncount(record: PointRecord): void {
    const source = record.holder
    record.holder = undefined
    if (source === undefined || --source.counted > 0) return
    this.#sources.delete(source.key)
    if (source.group !== undefined) this.#byGroup.delete(source.group)
  }

  /** Where an untried record waits to be collected; none: it may not be. */
  #queueOf({ holder, life }: PointRecord): Chain<PointRecord> | undefined {
    if (life.trusted || life.state.kind !== 'disconnected') return undefined
    return lastMissAt(life) === undefined ? holder?.fresh : holder?.missed
  }

  /** Puts it last in a queue of its source or takes it out of its queue, and the source where its load belongs. */
  #wait(record: PointRecord, queue: Chain<PointRecord> | undefined): void {
    if (queue !== undefined) queue.pushBack(record)
    else if (record.chain === undefined) return
    else record.chain.remove(record)
    const source = record.holder
    if (source === undefined || this.#max === Number.POSITIVE_INFINITY) return
    const load = loadOf(source)
    if (source.collectable === 0) {
      source.chain?.remove(source)
    } else {
      const level = this.#byLoad[load] ?? new Chain()
      this.#byLoad[load] = level
      if (source.chain === level) return
      level.pushFront(source)
    }
    if (load > this.#topLoad) this.#topLoad = load
    // A load changes by one at a time, so this takes one step, and the level that was left is the top or below it.
    while (this.#topLoad > 0 && (this.#byLoad[this.#topLoad]?.size ?? 0) === 0) this.#topLoad--
  }
}

/** What a source has to give, over its weight: the fuller it is, the sooner it gives. 0: only when no other can. */
export function loadOf(source: PointSource): number {
  return Math.ceil(source.collectable / source.weight)
}

/** Does the cap of its source count it? */
export function isCounted({ life, medium }: PointRecord): boolean {
  return !life.tried || medium === 'hello'
}

/** Counts it in or out, as what it is at the moment. */
function count({ life, medium }: PointRecord, group: PointGroup, change: 1 | -1): void {
  group.points += change
  if (life.tried) group.tried += change
  else if (!isUncapped(medium)) group.untried += change
}

/** The list of its group that it belongs into; made if there is none. */
export function listOf({ life, medium }: PointRecord, group: PointGroup): Chain<Place> | undefined {
  if (life.trusted) return undefined
  if (life.tried) {
    group.proven ??= new Chain()
    return group.proven
  }
  if (life.state.kind !== 'disconnected' || lastMissAt(life) === undefined || isUncapped(medium)) return undefined
  group.missed ??= new Chain()
  return group.missed
}

/** Puts it last in that list, if it is not there or was seen or missed since. */
function rank(record: PointRecord, group: PointGroup): void {
  const { life } = record
  const list = listOf(record, group)
  const at = life.tried ? lastSeenAt(life) : lastMissAt(life)
  if (life.member?.chain === list && (list === undefined || life.memberAt === at)) return
  const own = record.fromProof()
  own.memberAt = at
  if (list === undefined) {
    own.member?.chain?.remove(own.member)
    return
  }
  own.member ??= new Place(record)
  list.pushBack(own.member)
}
