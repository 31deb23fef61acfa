/**
 * Whether the two tables are in order: for the numbered invariants and for tests. Each costs a walk over all entries. Called after each
 * step of a simulation, so texts are made only of what is wrong.
 */
import { isTried } from '../../src/core/tables/bounded-table.ts'
import type { PeerTable } from '../../src/core/tables/peer-table.ts'
import { lastSeenAt, type PointRecord } from '../../src/core/tables/point.ts'
import { type HostQuota, isUncapped, maxDials, maxHosts, type PointQuota } from '../../src/core/tables/point-quota.ts'
import type { PointTable } from '../../src/core/tables/point-table.ts'

/** What is wrong with a table of points: nothing, ever. */
export function checkPoints(table: PointTable): string[] {
  const records = [...table]
  const wrong = [...checkSize('points', records, table), ...checkQuota(table.quota, records), ...checkHosts(table.hosts, records)]
  const sighted = table.bySighting()
  const found = new Set(sighted)
  if (sighted.length !== records.length || !records.every((record) => found.has(record)))
    wrong.push(`${sighted.length} points in order of sighting, there are ${records.length}`)
  for (const record of records) {
    const { point, host, trusted } = record
    if (host !== undefined && trusted && !table.hasTrustedHost(host)) wrong.push(`${point} is trusted, its host is not known as such`)
    if (record.sightedAt !== lastSeenAt(record))
      wrong.push(`${point} was seen at ${lastSeenAt(record)}, the table knows of ${record.sightedAt}`)
  }
  return wrong
}

const middle = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) }

/** What is wrong with the listings of a table of at most 1,000 points. Not asked after each step of a simulation: it takes as long as all else. */
export function checkListings(table: PointTable): string[] {
  const records = [...table]
  return [true, false].flatMap((ignorePrivate) => {
    const listed = table.list({ ignorePrivate, size: records.length, random: middle, isBanned: () => false })
    const count = records.filter(({ isPublic }) => isPublic || !ignorePrivate).length
    return listed.length === count ? [] : [`${listed.length} points in a list of all, there are ${count}`]
  })
}

/** What is wrong with a table of peers: nothing, ever. */
export function checkPeers<PeerMeta>(table: PeerTable<PeerMeta>): string[] {
  return checkSize('peers', [...table], table)
}

interface Entry {
  readonly trusted: boolean
  readonly state: { readonly kind: string }
}

function checkSize(what: string, entries: readonly Entry[], { bounds }: Pick<PointTable, 'bounds'>): string[] {
  const trusted = entries.filter((entry) => entry.trusted).length
  const busy = entries.filter((entry) => !entry.trusted && entry.state.kind !== 'disconnected').length
  const room = bounds === null ? Number.POSITIVE_INFINITY : Math.max(bounds.max, busy) + trusted
  return entries.length > room ? [`${entries.length} ${what}, of which ${trusted} are trusted, in a table of ${bounds?.max}`] : []
}

/** Each point is counted where it should be, and nothing else is. */
function checkQuota({ sources, groups }: PointQuota, records: readonly PointRecord[]): string[] {
  const wrong: string[] = []
  let [bySource, untried, tried] = [0, 0, 0]
  for (const record of records) {
    const { point, source, discoverySource, group } = record
    const isOfSource = !isTried(record) || discoverySource === 'hello'
    const isUntried = !isTried(record) && !isUncapped(discoverySource)
    if (isOfSource) bySource++
    if (isUntried) untried++
    if (isTried(record)) tried++
    if ((sources.get(source ?? discoverySource)?.points.has(record) ?? false) !== isOfSource)
      wrong.push(`${point}, of its source: ${!isOfSource}`)
    if ((groups.get(group)?.untried.has(record) ?? false) !== isUntried) wrong.push(`${point}, untried in its group: ${!isUntried}`)
    if ((groups.get(group)?.tried.has(record) ?? false) !== isTried(record)) wrong.push(`${point}, tried in its group: ${!isTried(record)}`)
  }
  for (const { key, points } of sources.values()) {
    bySource -= points.size
    if (points.size === 0) wrong.push(`source ${key} has no points`)
  }
  for (const [key, group] of groups) {
    untried -= group.untried.size
    tried -= group.tried.size
    if (group.untried.size + group.tried.size === 0) wrong.push(`group ${key} has no points`)
  }
  if (bySource !== 0 || untried !== 0 || tried !== 0) wrong.push(`points that are gone are counted: ${-bySource}, ${-untried}, ${-tried}`)
  return wrong
}

/** Each point is at its host, and nothing else; the remembered dials are within their caps. */
function checkHosts({ points, dials }: HostQuota, records: readonly PointRecord[]): string[] {
  const wrong: string[] = []
  let atHosts = 0
  for (const record of records) {
    if (record.hostKey === undefined) continue
    atHosts++
    if (points.get(record.hostKey)?.has(record) !== true) wrong.push(`${record.point} is missing at its host`)
  }
  for (const [key, { size }] of points) {
    atHosts -= size
    if (size === 0) wrong.push(`host ${key} has no points`)
  }
  if (atHosts !== 0) wrong.push(`points that are gone are counted at hosts: ${-atHosts}`)
  if (dials.size > maxHosts) wrong.push('too many dials are remembered')
  for (const { length } of dials.values()) if (length > maxDials) wrong.push('too many dials of one host are remembered')
  return wrong
}
