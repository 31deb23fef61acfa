/**
 * Who may hold how much of the point table, and who goes first when room is needed. Owned by `point-table.ts`, which asks
 * before it inserts and tells of every change; nothing is removed here.
 *
 * The rules, all in parts of the table's `max` (in brackets: of 400):
 * - one source: a twentieth of the known points [20], 1/40 of `max` [10] while few are known. Untried points only, so that
 *   a source whose points prove good may tell of more;
 * - one address group: 3/64 [18] untried and 1/64 [6] tried points, the figures that section 5 of `reference/faults.md`
 *   computes an eclipse with. Four times that for the group of a relay, which stands for many peers; no cap for groups on
 *   private and loopback addresses, since a whole local network is one;
 * - tried points keep half of the table [200]: no stranger's newcomer pushes one of these out.
 * What operator and storage bring has no caps and goes last; the local discovery counts for five sources.
 */
import type { Host, PeerId } from '../values/ids.ts'
import { Chain, Link } from './chain.ts'
import { type PointEntry, PointGroup, PointSource } from './point-entry.ts'
import { isTried, lastMissAt, lastSeenAt, type Medium } from './point-state.ts'
import { isUncapped, weightOfDoor, weightOfGroup } from './point-weight.ts'

/** A source may replace a point of its own that nobody tried for so long; younger ones stay: a message names its best first. */
const staleAfterMs = 3_600_000

export class PointShares {
  readonly #max: number
  readonly #sources = new Map<string, PointSource>()
  readonly #groups = new Map<string, PointGroup>()
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

  /** May this source tell of one more point, when so many are known? At its cap: the point of its own to give for it, if any. */
  placeFor(source: PeerId | undefined, medium: Medium, { known, at }: { known: number; at: number }): PointEntry | 'free' | 'full' {
    const holder = this.#sources.get(source ?? medium)
    if (holder === undefined || holder.untried < this.#sourceCap(holder, known + 1)) return 'free'
    const missed = holder.missed.first
    if (missed !== undefined) return missed.item
    const oldest = holder.fresh.first?.item
    return oldest !== undefined && at - oldest.record.discoveredAt >= staleAfterMs ? oldest : 'full'
  }

  /** May the group hold one more untried point? At its cap: the missed point to give for it, if any. */
  placeIn(key: string): PointEntry | 'free' | 'full' {
    const group = this.#groups.get(key)
    if (group === undefined || !this.#isAtCap(group, group.untried, 3)) return 'free'
    return group.missed?.first?.item ?? 'full'
  }

  sourceOf(source: PeerId | undefined, medium: Medium): PointSource {
    const key = source ?? medium
    const known = this.#sources.get(key)
    if (known !== undefined) return known
    const made = new PointSource(key, source === undefined ? weightOfDoor(medium) : 1)
    this.#sources.set(key, made)
    return made
  }

  groupOf(key: string, host: Host | undefined): PointGroup {
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const made = new PointGroup(key, host)
    this.#groups.set(key, made)
    return made
  }

  add(entry: PointEntry): void {
    entry.source.untried++
    entry.group.points++
    if (!isUncapped(entry.record.medium)) entry.group.untried++
    this.refresh(entry)
  }

  remove(entry: PointEntry): void {
    const { group, member } = entry
    if (entry.tried) {
      this.#tried--
      group.tried--
    } else {
      this.#uncount(entry)
    }
    this.#wait(entry, undefined)
    member?.chain?.remove(member)
    if (--group.points === 0) this.#groups.delete(group.key)
  }

  /** Puts the entry where its record says that it belongs. True: it has just become a tried one. */
  refresh(entry: PointEntry): boolean {
    const { record, source, group } = entry
    const promoted = !entry.tried && isTried(record)
    if (promoted) {
      this.#wait(entry, undefined)
      this.#uncount(entry)
      entry.tried = true
      this.#tried++
      group.tried++
    }
    const missAt = lastMissAt(record)
    const collectable = !record.trusted && !entry.tried && record.state.kind === 'disconnected'
    const queue = !collectable ? undefined : missAt === undefined ? source.fresh : source.missed
    if (entry.waiting.chain !== queue || entry.missAt !== missAt) this.#wait(entry, queue)
    entry.missAt = missAt
    if (entry.tried) {
      group.proven ??= new Chain()
      join(entry, record.trusted ? undefined : group.proven, lastSeenAt(record))
    } else {
      const isGivable = queue === source.missed && !isUncapped(record.medium)
      if (isGivable) group.missed ??= new Chain()
      join(entry, isGivable ? group.missed : undefined, missAt)
    }
    return promoted
  }

  /** The untried point to collect first: of the source with the highest load, missed ones before others. */
  worstUntried(): PointEntry | undefined {
    const source = this.#byLoad[this.#topLoad]?.first?.item
    return (source?.missed.first ?? source?.fresh.first)?.item
  }

  /** The tried point to give up because its group holds more than its cap, the least recently seen one; never `except`. */
  surplusOf(group: PointGroup, except: PointEntry): PointEntry | undefined {
    if (!this.#isAtCap(group, group.tried - 1, 1)) return undefined
    for (const entry of group.proven ?? []) if (entry !== except && entry.record.state.kind === 'disconnected') return entry
    return undefined
  }

  /** What is wrong with counts and places, given all entries. */
  check(entries: readonly PointEntry[]): string[] {
    const wrong: string[] = []
    const expect = (what: string, kept: unknown, found: unknown): void => {
      if (kept !== found) wrong.push(`${what}: kept ${String(kept)}, found ${String(found)}`)
    }
    for (const entry of entries) {
      const { record, source } = entry
      const collectable = !record.trusted && !isTried(record) && record.state.kind === 'disconnected'
      const queue = !collectable ? undefined : lastMissAt(record) === undefined ? source.fresh : source.missed
      expect(`${record.point} tried`, entry.tried, isTried(record))
      expect(`${record.point} in its queue`, entry.waiting.chain === queue, true)
      expect(
        `${record.point} in its group's proven`,
        entry.member?.chain !== undefined && entry.member.chain === entry.group.proven,
        entry.tried && !record.trusted
      )
      expect(`${record.point} has the kept group`, this.#groups.get(entry.group.key) === entry.group, true)
      if (!entry.tried) expect(`${record.point} has the kept source`, this.#sources.get(source.key) === source, true)
    }
    expect('tried points', this.#tried, entries.filter((entry) => entry.tried).length)
    expect('sources', this.#sources.size, new Set(entries.filter((entry) => !entry.tried).map((entry) => entry.source.key)).size)
    expect('groups', this.#groups.size, new Set(entries.map((entry) => entry.group.key)).size)
    let top = 0
    for (const source of this.#sources.values()) {
      const load = this.#max === Number.POSITIVE_INFINITY ? 0 : loadOf(source)
      const found = entries.filter((entry) => !entry.tried && entry.source === source)
      expect(`untried of source ${source.key}`, source.untried, found.length)
      expect(`queues of source ${source.key}`, source.collectable, found.filter((entry) => entry.waiting.chain !== undefined).length)
      expect(
        `load ${load} has source ${source.key}`,
        source.ranked.chain === (source.collectable === 0 ? undefined : this.#byLoad[load]),
        true
      )
      if (source.collectable > 0) top = Math.max(top, load)
    }
    expect('highest load', this.#topLoad, top)
    for (const group of this.#groups.values()) {
      const found = entries.filter((entry) => entry.group === group)
      expect(`points of group ${group.key}`, group.points, found.length)
      expect(`tried of group ${group.key}`, group.tried, found.filter((entry) => entry.tried).length)
      expect(
        `untried of group ${group.key}`,
        group.untried,
        found.filter((entry) => !entry.tried && !isUncapped(entry.record.medium)).length
      )
    }
    return wrong
  }

  #sourceCap(source: PointSource, known: number): number {
    return Math.max(1, Math.floor(this.#max / 40), Math.floor(known / 20)) * source.weight
  }

  /** Do `count` points, tried or untried, fill the group? Its cap is so many 64ths of the table, and what its weight allows. */
  #isAtCap(group: PointGroup, count: number, parts: number): boolean {
    const ordinary = Math.max(1, Math.floor((this.#max * parts) / 64))
    if (count < ordinary) return false
    group.weight ??= weightOfGroup(group)
    return count >= ordinary * group.weight
  }

  /** Takes it out of the counts of untried points. */
  #uncount({ record, source, group }: PointEntry): void {
    if (--source.untried === 0) this.#sources.delete(source.key)
    if (!isUncapped(record.medium)) group.untried--
  }

  /** Puts it last in a queue of its source or takes it out of its queue, and the source where its load belongs. */
  #wait({ source, waiting }: PointEntry, queue: Chain<PointEntry> | undefined): void {
    if (queue !== undefined) queue.pushBack(waiting)
    else if (waiting.chain === undefined) return
    else waiting.chain.remove(waiting)
    if (this.#max === Number.POSITIVE_INFINITY) return
    const load = loadOf(source)
    const was = source.ranked.chain
    if (source.collectable === 0) {
      was?.remove(source.ranked)
    } else {
      const level = this.#byLoad[load] ?? new Chain()
      this.#byLoad[load] = level
      if (was === level) return
      level.pushFront(source.ranked)
    }
    if (load > this.#topLoad) this.#topLoad = load
    // A load changes by one at a time, so this takes one step, and the level that was left is the top or below it.
    while (this.#topLoad > 0 && (this.#byLoad[this.#topLoad]?.size ?? 0) === 0) this.#topLoad--
  }
}

/** What a source has to give, over its weight: the fuller it is, the sooner it gives. 0: only when no other can. */
function loadOf(source: PointSource): number {
  return Math.ceil(source.collectable / source.weight)
}

function join(entry: PointEntry, list: Chain<PointEntry> | undefined, at: number | undefined): void {
  if (entry.member?.chain === list && (list === undefined || entry.memberAt === at)) return
  entry.memberAt = at
  if (list === undefined) {
    entry.member?.chain?.remove(entry.member)
    return
  }
  entry.member ??= new Link(entry)
  list.pushBack(entry.member)
}
