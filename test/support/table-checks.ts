/** Whether the two tables are in order: for the numbered invariants and for tests. Each costs a walk over all entries. */
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
  if (sighted.length !== records.length || !records.every((record) => sighted.includes(record)))
    wrong.push(`${sighted.length} points in order of sighting, there are ${records.length}`)
  for (const record of records) {
    const { point, host, trusted } = record
    if (host !== undefined && trusted && !table.hasTrustedHost(host)) wrong.push(`${point} is trusted, its host is not known as such`)
    if (record.sightedAt !== lastSeenAt(record))
      wrong.push(`${point} was seen at ${lastSeenAt(record)}, the table knows of ${record.sightedAt}`)
  }
  return wrong
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
  const kept = new Set<string>()
  for (const source of sources.values()) for (const { point } of source.points) kept.add(`${point} of source ${source.key}`)
  for (const [key, { untried, tried }] of groups) {
    for (const { point } of untried) kept.add(`${point} untried in ${key}`)
    for (const { point } of tried) kept.add(`${point} tried in ${key}`)
  }
  const found = new Set<string>()
  for (const record of records) {
    const { point, source, medium, group } = record
    if (!isTried(record) || medium === 'hello') found.add(`${point} of source ${source ?? medium}`)
    if (isTried(record)) found.add(`${point} tried in ${group}`)
    else if (!isUncapped(medium)) found.add(`${point} untried in ${group}`)
  }
  const wrong = [...found].filter((one) => !kept.has(one)).map((one) => `${one}: not counted`)
  wrong.push(...[...kept].filter((one) => !found.has(one)).map((one) => `${one}: counted`))
  if ([...sources.values()].some(({ points }) => points.size === 0)) wrong.push('a source without points is kept')
  if ([...groups.values()].some(({ untried, tried }) => untried.size + tried.size === 0)) wrong.push('a group without points is kept')
  return wrong
}

/** Each point is at its host, and nothing else; the remembered dials are within their caps. */
function checkHosts({ points, dials }: HostQuota, records: readonly PointRecord[]): string[] {
  const kept = new Set([...points].flatMap(([key, beside]) => [...beside].map((record) => `${key} ${record.point}`)))
  const found = records.filter(({ hostKey }) => hostKey !== undefined).map(({ hostKey, point }) => `${hostKey} ${point}`)
  const wrong = found.filter((one) => !kept.has(one)).map((one) => `${one} is missing at its host`)
  if (kept.size !== found.length) wrong.push(`points at hosts: kept ${kept.size}, found ${found.length}`)
  if ([...points.values()].some(({ size }) => size === 0)) wrong.push('a host without points is kept')
  if (dials.size > maxHosts || [...dials.values()].some(({ length }) => length > maxDials)) wrong.push('too many dials are remembered')
  return wrong
}
