/**
 * Whether the two tables and their indexes are in order: for the numbered invariants and for tests, and in no page, which is why
 * it stands apart from the tables and looks at what they show of their inside.
 */
import type { Heap, Heaped } from './heap.ts'
import type { PeerTable } from './peer-table.ts'
import { isTried } from './point-info.ts'
import type { PointListing } from './point-listing.ts'
import { PointGroup, PointRecord } from './point-record.ts'
import { isCounted, listOf, loadOf, type PointShares } from './point-shares.ts'
import type { PointTable } from './point-table.ts'
import { isUncapped } from './point-weight.ts'

/** What is wrong with a table of points: nothing, ever. Costs a walk over all points and sources. */
export function checkPoints(table: PointTable): string[] {
  const { bounds, shares, listing, trusted: kept, trustedHosts } = table.inside
  const records = [...table]
  const wrong = [...checkShares(shares, records), ...checkListing(listing, records)]
  const trusted = records.filter((record) => record.trusted).length
  const busy = records.filter((record) => !record.trusted && record.state.kind !== 'disconnected').length
  const hosts = new Set(records.filter((record) => record.trusted && record.host !== undefined).map(({ host }) => host))
  if (hosts.size !== trustedHosts.size) wrong.push(`hosts of trusted points: kept ${trustedHosts.size}, found ${hosts.size}`)
  if (trusted !== kept) wrong.push(`trusted points: kept ${kept}, found ${trusted}`)
  const room = bounds === null ? Number.POSITIVE_INFINITY : Math.max(bounds.max, busy) + trusted
  if (records.length > room) wrong.push(`${records.length} points, of which ${trusted} are trusted, in a table of ${bounds?.max}`)
  return wrong
}

/** What is wrong with a table of peers: nothing, ever. Costs a walk over all peers. */
export function checkPeers<PeerMeta>(table: PeerTable<PeerMeta>): string[] {
  const { bounds, strangers, acquaintances, trusted: keptTrusted, ran: keptRan } = table.inside
  const wrong: string[] = []
  const records = [...table]
  for (const record of records) {
    const { peerId, state, life } = record
    if (life.ran !== (life.lastEstablished !== undefined))
      wrong.push(`${peerId} is counted among those that ${life.ran ? 'ran' : 'never ran'}`)
    const expected = life.trusted || state.kind !== 'disconnected' || bounds === null ? undefined : life.ran ? acquaintances : strangers
    for (const heap of [strangers, acquaintances]) {
      const mayLag = heap.has(record) && state.kind !== 'disconnected'
      if (heap.has(record) !== (heap === expected) && !mayLag)
        wrong.push(`${peerId} waits for collection where it should not, or not where it should`)
    }
  }
  if (!isOrdered(strangers) || !isOrdered(acquaintances)) wrong.push('the order of collection is broken')
  const trusted = records.filter((record) => record.trusted).length
  const busy = records.filter((record) => !record.trusted && record.state.kind !== 'disconnected').length
  const ran = records.filter(({ life }) => life.ran).length
  if (trusted !== keptTrusted) wrong.push(`trusted peers: kept ${keptTrusted}, found ${trusted}`)
  if (ran !== keptRan) wrong.push(`peers that ran: kept ${keptRan}, found ${ran}`)
  const room = bounds === null ? Number.POSITIVE_INFINITY : Math.max(bounds.max, busy) + trusted
  if (records.length > room) wrong.push(`${records.length} peers, of which ${trusted} are trusted, in a table of ${bounds?.max}`)
  return wrong
}

/** What is wrong with counts and places, given all records. */
function checkShares(shares: PointShares, records: readonly PointRecord[]): string[] {
  const { max, sources, byGroup, groups, byLoad, topLoad, queueOf } = shares.inside
  const wrong: string[] = []
  const expect = (what: string, kept: unknown, found: unknown): void => {
    if (kept !== found) wrong.push(`${what}: kept ${String(kept)}, found ${String(found)}`)
  }
  const keyOf = ({ source, medium }: PointRecord): string => source ?? medium
  for (const record of records) {
    const { point, life, groupKey } = record
    const group = groups.get(groupKey)
    const list = group instanceof PointGroup ? listOf(record, group) : undefined
    expect(`${point} tried`, life.tried, isTried(record))
    expect(`${point} in its queue`, record.chain === (life.tried ? undefined : queueOf(record)), true)
    expect(`${point} in the list of its group`, life.member?.chain === list, true)
    expect(`${point} alone in its group`, group === record, group instanceof PointRecord)
    if (isCounted(record)) expect(`${point} has a source`, sources.has(keyOf(record)), true)
  }
  const untried = records.filter(({ life }) => !life.tried)
  expect('tried points', shares.tried, records.length - untried.length)
  const counted = records.filter(isCounted)
  expect('sources', sources.size, new Set(counted.map(keyOf)).size)
  expect('sources with a group', byGroup.size, [...sources.values()].filter(({ group }) => group !== undefined).length)
  expect('groups', groups.size, new Set(records.map(({ groupKey }) => groupKey)).size)
  let top = 0
  for (const source of sources.values()) {
    const load = max === Number.POSITIVE_INFINITY ? 0 : loadOf(source)
    const found = counted.filter((record) => keyOf(record) === source.key)
    expect(`points of source ${source.key}`, source.counted, found.length)
    if (source.group !== undefined) expect(`source of group ${source.group}`, byGroup.get(source.group), source)
    expect(`queues of source ${source.key}`, source.collectable, found.filter(({ chain }) => chain !== undefined).length)
    const level = source.collectable === 0 ? undefined : byLoad[load]
    expect(`load ${load} has source ${source.key}`, source.chain === level, true)
    if (source.collectable > 0) top = Math.max(top, load)
  }
  expect('highest load', topLoad, top)
  for (const [key, group] of groups) {
    const found = records.filter(({ groupKey }) => groupKey === key)
    const capped = found.filter(({ life, medium }) => !life.tried && !isUncapped(medium))
    expect(`points of group ${key}`, group instanceof PointGroup ? group.points : 1, found.length)
    if (!(group instanceof PointGroup)) continue
    expect(`tried of group ${key}`, group.tried, found.filter(({ life }) => life.tried).length)
    expect(`untried of group ${key}`, group.untried, capped.length)
  }
  return wrong
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

/** Is every item where it belongs? */
function isOrdered<Item extends Heaped>(heap: Heap<Item>): boolean {
  const { items, before } = heap.inside
  return items.every((item, index) => {
    const parent = items[(index - 1) >> 1]
    return item.heapIndex === index && (index === 0 || (parent !== undefined && !before(item, parent)))
  })
}
