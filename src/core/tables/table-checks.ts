/**
 * Whether the two tables and their indexes are in order: for the numbered invariants and for tests, and in no page, which is why
 * it stands apart from the tables and looks at what they show of their inside.
 */
import type { Host } from '../values/ids.ts'
import type { HostShares } from './host-shares.ts'
import type { PeerTable } from './peer-table.ts'
import { isTried } from './point-info.ts'
import type { PointListing } from './point-listing.ts'
import { type GroupKey, PointGroup, PointRecord } from './point-record.ts'
import { isCounted, listOf, loadOf, type PointShares } from './point-shares.ts'
import type { PointTable } from './point-table.ts'
import { isUncapped } from './point-weight.ts'

/** What is wrong with a table of points: nothing, ever. Costs a walk over all points and sources. */
export function checkPoints(table: PointTable): string[] {
  const { bounds, shares, listing, trusted: kept, trustedHosts } = table.inside
  const records = [...table]
  const wrong = [...checkShares(shares, records), ...checkListing(listing, records), ...checkHosts(table.hosts, records)]
  const hosts = new Set<Host>()
  let trusted = 0
  let busy = 0
  for (const record of records) {
    if (record.trusted) {
      trusted++
      if (record.host !== undefined) hosts.add(record.host)
    } else if (record.state.kind !== 'disconnected') busy++
  }
  if (hosts.size !== trustedHosts.size) wrong.push(`hosts of trusted points: kept ${trustedHosts.size}, found ${hosts.size}`)
  if (trusted !== kept) wrong.push(`trusted points: kept ${kept}, found ${trusted}`)
  const room = bounds === null ? Number.POSITIVE_INFINITY : Math.max(bounds.max, busy) + trusted
  if (records.length > room) wrong.push(`${records.length} points, of which ${trusted} are trusted, in a table of ${bounds?.max}`)
  return wrong
}

/** Each point is at its host, and nothing else; the remembered dials are within their caps. */
function checkHosts(hosts: HostShares, records: readonly PointRecord[]): string[] {
  const { points, dials, maxDials, maxHosts } = hosts.inside
  const kept = new Set([...points].flatMap(([key, beside]) => [...beside].map((record) => `${key} ${record.point}`)))
  const found = records.filter(({ hostKey }) => hostKey !== undefined).map(({ hostKey, point }) => `${hostKey} ${point}`)
  const wrong = found.filter((one) => !kept.has(one)).map((one) => `${one} is missing at its host`)
  if (kept.size !== found.length) wrong.push(`points at hosts: kept ${kept.size}, found ${found.length}`)
  if ([...points.values()].some(({ size }) => size === 0)) wrong.push('a host without points is kept')
  if (dials.size > maxHosts || [...dials.values()].some(({ length }) => length > maxDials)) wrong.push('too many dials are remembered')
  return wrong
}

/** What is wrong with a table of peers: nothing, ever. Costs a walk over all peers. */
export function checkPeers<PeerMeta>(table: PeerTable<PeerMeta>): string[] {
  const { bounds } = table
  let [trusted, busy] = [0, 0]
  for (const { life, state } of table) {
    if (life.trusted) trusted++
    else if (state.kind !== 'disconnected') busy++
  }
  const room = bounds === null ? Number.POSITIVE_INFINITY : Math.max(bounds.max, busy) + trusted
  return table.size > room ? [`${table.size} peers, of which ${trusted} are trusted, in a table of ${bounds?.max}`] : []
}

/** Points counted by what they have in common. */
interface Count {
  all: number
  /** In a queue, of those of one source; in no group's count of untried points, of those of one group. */
  other: number
  tried: number
}

/** What is wrong with counts and places, given all records. Called after each step of a simulation: texts are made only of what is wrong. */
function checkShares(shares: PointShares, records: readonly PointRecord[]): string[] {
  const { max, sources, byGroup: sourceByGroup, groups, byLoad, topLoad, queueOf } = shares.inside
  const wrong: string[] = []
  const expect = (kept: unknown, found: unknown, what: () => string): void => {
    if (kept !== found) wrong.push(`${what()}: kept ${String(kept)}, found ${String(found)}`)
  }
  /** Of points that caps of sources count. */
  const bySource = new Map<string, Count>()
  const byGroup = new Map<GroupKey, Count>()
  let tried = 0
  for (const record of records) {
    const { point, life, groupKey, chain } = record
    const group = groups.get(groupKey)
    const list = group instanceof PointGroup ? listOf(record, group) : undefined
    expect(life.tried, isTried(record), () => `${point} tried`)
    expect(chain === (life.tried ? undefined : queueOf(record)), true, () => `${point} in its queue`)
    expect(life.member?.chain === list, true, () => `${point} in the list of its group`)
    expect(group === record, group instanceof PointRecord, () => `${point} alone in its group`)
    const near = countIn(byGroup, groupKey)
    near.all++
    if (life.tried) {
      tried++
      near.tried++
    } else if (isUncapped(record.medium)) near.other++
    if (!isCounted(record)) continue
    const key = record.source ?? record.medium
    expect(sources.has(key), true, () => `${point} has a source`)
    const told = countIn(bySource, key)
    told.all++
    if (chain !== undefined) told.other++
  }
  expect(shares.tried, tried, () => 'tried points')
  expect(sources.size, bySource.size, () => 'sources')
  expect(groups.size, byGroup.size, () => 'groups')
  let top = 0
  let withGroup = 0
  for (const source of sources.values()) {
    const load = max === Number.POSITIVE_INFINITY ? 0 : loadOf(source)
    const found = countIn(bySource, source.key)
    expect(source.counted, found.all, () => `points of source ${source.key}`)
    if (source.group !== undefined) {
      withGroup++
      expect(sourceByGroup.get(source.group), source, () => `source of group ${source.group}`)
    }
    expect(source.collectable, found.other, () => `queues of source ${source.key}`)
    const level = source.collectable === 0 ? undefined : byLoad[load]
    expect(source.chain === level, true, () => `load ${load} has source ${source.key}`)
    if (source.collectable > 0) top = Math.max(top, load)
  }
  expect(sourceByGroup.size, withGroup, () => 'sources with a group')
  expect(topLoad, top, () => 'highest load')
  for (const [key, group] of groups) {
    const found = countIn(byGroup, key)
    expect(group instanceof PointGroup ? group.points : 1, found.all, () => `points of group ${key}`)
    if (!(group instanceof PointGroup)) continue
    expect(group.tried, found.tried, () => `tried of group ${key}`)
    expect(group.untried, found.all - found.tried - found.other, () => `untried of group ${key}`)
  }
  return wrong
}

function countIn<Key>(counts: Map<Key, Count>, key: Key): Count {
  let count = counts.get(key)
  if (count === undefined) {
    count = { all: 0, other: 0, tried: 0 }
    counts.set(key, count)
  }
  return count
}

/** What is wrong with order and places, given all records. */
function checkListing(listing: PointListing, records: readonly PointRecord[]): string[] {
  const { all, open, order, chainOf } = listing.inside
  const wrong: string[] = []
  for (const record of records) {
    if (!all.has(record)) wrong.push(`${record.point} is not at its place among all points`)
    if (open.has(record) !== record.isPublic) wrong.push(`${record.point} is not at its place among public points`)
    if (record.life.sighting?.chain !== chainOf(record)) wrong.push(`${record.point} is in the wrong order of listing`)
  }
  const found = records.filter(({ isPublic }) => isPublic).length
  const seen = records.filter((record) => chainOf(record) !== undefined).length
  if (all.size !== records.length) wrong.push(`${all.size} points in the array of all, there are ${records.length}`)
  if (open.size !== found) wrong.push(`${open.size} points in the array of public ones, there are ${found}`)
  let ordered = 0
  while (order() !== undefined) ordered++
  if (ordered !== seen) wrong.push(`${ordered} points in order of listing, ${seen} were seen`)
  return wrong
}
