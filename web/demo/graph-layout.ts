/**
 * The places in the picture of the pool: this page in the middle, its peers around it, the farther the longer their round trips, and outside
 * the peers and points that they advertised, each behind its source. Pure: the same snapshot gives the same picture, so that it stays calm.
 */
import type { ConnectionSnapshot, PeerId, Point, PointSnapshot, PoolSnapshot } from '../../src/core/index.ts'
import { type Condition, conditionOfPeer, conditionOfPoint, type Surroundings } from './conditions.ts'
import { distanceOf, guidesFor } from './distance.ts'

export interface GraphNode {
  /** Of the peer; of the point where its peer is unknown. */
  readonly id: string
  readonly ring: 0 | 1 | 2
  readonly x: number
  readonly y: number
  readonly condition: Condition
  /** None: unknown, or several stand for one. */
  readonly peerId: PeerId | null
  readonly point: Point | null
  /** The peer that advertised it. */
  readonly source: PeerId | null
  readonly connection: ConnectionSnapshot | null
  /** More than none: stands for so many that have no place. */
  readonly more: number
}

export interface GraphEdge {
  readonly id: string
  readonly from: string
  readonly to: string
  /** `introduced`: from the peer that introduced the other one to this page. */
  readonly kind: 'link' | 'advertised' | 'introduced'
  readonly transport: string
  /** A link that came by an introduction. */
  readonly isIntroduced: boolean
}

/** A circle around this page, for one round trip. */
export interface GraphGuide {
  readonly text: string
  readonly cx: number
  readonly cy: number
  readonly rx: number
  readonly ry: number
  /** Where its text stands: between two peers. */
  readonly x: number
  readonly y: number
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly guides: readonly GraphGuide[]
}

export interface GraphSize {
  readonly width: number
  readonly height: number
}

/** Beyond, they could not be distinguished. */
const maxOuter = 60
/** Room for a node and its name at the edge. */
const marginX = 34
const marginY = 30
/** Of the way to the edge: the nearest and the farthest peers, with others outside them and without. */
const inner = { near: 0.4, far: 0.68 }
const alone = { near: 0.46, far: 0.9 }
/** Neighbours closer than that stand in two rows, px. */
const closest = 17
const secondRow = 0.86
const secondInnerRow = 0.74

interface Spot {
  readonly x: number
  readonly y: number
}

/** The middle of a mark and its name, below the middle of the mark, px. */
const nameBelow = 12

interface Known {
  readonly id: string
  readonly peerId: PeerId | null
  point: Point | null
  condition: Condition
  source: PeerId | null
}

export function layoutGraph(snapshot: PoolSnapshot, around: Surroundings, { width, height }: GraphSize): Graph {
  const known = knownOnes(snapshot, around)
  const peers = [...snapshot.connections].sort((a, b) => compare(a.peerId, b.peerId))
  const groups = groupBySource([...known.values()], around.connected)
  const most = Math.max(1, Math.floor(maxOuter / Math.max(1, groups.size)))
  const { near, far } = groups.size === 0 ? alone : inner
  const shareOf = (distance: number) => near + (far - near) * distance
  const sectors = sectorsOf(peers, groups, most)
  const place = (angle: number, share: number) => ({
    x: Math.round(width / 2 + (width / 2 - marginX) * share * Math.cos(angle)),
    y: Math.round(height / 2 + (height / 2 - marginY) * share * Math.sin(angle))
  })
  const me: GraphNode = {
    ...blank,
    id: snapshot.peerId,
    ring: 0,
    x: width / 2,
    y: height / 2,
    condition: 'connected',
    peerId: snapshot.peerId
  }
  const nodes: GraphNode[] = [me]
  const outer: GraphNode[] = []
  const edges: GraphEdge[] = []
  /** Spreads a group over the outer ring, within the given sectors. */
  const spread = (id: string, advertised: readonly Known[], within: readonly Sector[]) => {
    const shown = advertised.length > most ? advertised.slice(0, most - 1) : advertised
    const count = shown.length + (advertised.length > shown.length ? 1 : 0)
    const isTight = (sumOf(within) / count) * (Math.min(width, height) / 2 - marginY) < closest
    const at = (index: number) => place(angleAt(within, (index + 0.5) / count), isTight && index % 2 === 1 ? secondRow : 1)
    shown.forEach((one, index) => {
      outer.push({ ...blank, ...one, ring: 2, ...at(index) })
    })
    const more = advertised.length - shown.length
    if (more > 0) outer.push({ ...blank, id: `more ${id}`, ring: 2, ...at(shown.length), condition: 'ready', more })
  }
  const narrowest = Math.min(...sectors.map(({ angle }) => angle))
  const isCrowded = narrowest * near * (Math.min(width, height) / 2 - marginY) < closest
  for (const [index, sector] of sectors.entries()) {
    const { connection, from, angle } = sector
    if (connection === null) continue
    const share = shareOf(distanceOf(connection)) * (isCrowded && index % 2 === 1 ? secondInnerRow : 1)
    const { peerId, point, transport, introducer } = connection
    const source = known.get(peerId)?.source ?? null
    nodes.push({
      ...blank,
      id: peerId,
      ring: 1,
      ...place(from + angle / 2, share),
      condition: 'connected',
      peerId,
      point,
      source,
      connection
    })
    edges.push({ id: `link ${peerId}`, from: me.id, to: peerId, kind: 'link', transport, isIntroduced: introducer !== null })
    if (introducer !== null && around.connected.has(introducer)) edges.push(tie(introducer, peerId, 'introduced'))
    else if (source !== null && source !== peerId && around.connected.has(source)) edges.push(tie(source, peerId))
    const advertised = groups.get(peerId)
    if (advertised === undefined) continue
    spread(peerId, advertised, [sector])
    edges.push(...outer.filter((one) => one.source === peerId).map(({ id }) => tie(peerId, id)))
  }
  const unknown = groups.get(null)
  if (unknown !== undefined) spread('', unknown, freeSectors(sectors, groups))
  const lines = guidesFor(snapshot.connections).map(({ text, distance }) => ({ text, share: shareOf(distance) }))
  const between = clearest(sectors, (angle) => lines.map(({ share }) => place(angle, share)), nodes)
  const guides = lines.map(({ text, share }): GraphGuide => {
    const size = { cx: width / 2, cy: height / 2, rx: (width / 2 - marginX) * share, ry: (height / 2 - marginY) * share }
    return { text, ...size, ...place(between, share) }
  })
  return { nodes: [...nodes, ...outer], edges, guides: snapshot.connections.length === 0 ? [] : readable(guides) }
}

/** Of the text at a circle, px. */
const textWidth = 44
const textHeight = 14

/** Without the circles whose texts would lie over that of a smaller one. */
function readable(guides: readonly GraphGuide[]): readonly GraphGuide[] {
  const kept: GraphGuide[] = []
  for (const guide of guides)
    if (kept.every(({ x, y }) => Math.abs(x - guide.x) > textWidth || Math.abs(y - guide.y) > textHeight)) kept.push(guide)
  return kept
}

/** Of the borders between peers, the one where the texts of the circles are farthest from marks and their names. */
function clearest(sectors: readonly Sector[], placesAt: (angle: number) => readonly Spot[], nodes: readonly Spot[]): number {
  const room = (angle: number) =>
    Math.min(...placesAt(angle).flatMap((text) => nodes.map(({ x, y }) => Math.hypot(text.x - x, 1.5 * (text.y - y - nameBelow)))))
  const angles = sectors.map(({ from }) => from)
  return angles.reduce((best, angle) => (room(angle) > room(best) + 1 ? angle : best), angles[0] ?? 0)
}

function tie(from: PeerId, to: string, kind: 'advertised' | 'introduced' = 'advertised'): GraphEdge {
  return { id: `${kind} ${to}`, from, to, kind, transport: '', isIntroduced: false }
}

const blank = { peerId: null, point: null, source: null, connection: null, more: 0 }

/** One entry for each peer, and for each point whose peer is unknown. */
function knownOnes({ peerId: self, points, peers, connections }: PoolSnapshot, around: Surroundings): Map<string, Known> {
  const found = new Map<string, Known>()
  for (const info of points) {
    const peerId = info.peerId ?? info.expectedPeerId
    const id = peerId ?? info.point
    const condition = conditionOfPoint(info, around)
    const before = found.get(id)
    if (before === undefined) found.set(id, { id, peerId, point: info.point, condition, source: sourceOf(info, self) })
    else {
      before.source ??= sourceOf(info, self)
      if (rank[condition] < rank[before.condition]) Object.assign(before, { condition, point: info.point })
    }
  }
  for (const info of peers) {
    if (!found.has(info.peerId))
      found.set(info.peerId, {
        id: info.peerId,
        peerId: info.peerId,
        point: info.lastSeenPoint,
        condition: conditionOfPeer(info),
        source: null
      })
  }
  for (const { peerId } of connections) Object.assign(found.get(peerId) ?? {}, { condition: 'connected' })
  found.delete(self)
  return found
}

/** A peer with several points is shown in the condition of the best one. */
const rank: Readonly<Record<Condition, number>> = {
  connected: 0,
  elsewhere: 1,
  busy: 2,
  banned: 3,
  greylisted: 4,
  ready: 5,
  waiting: 6,
  foreign: 7
}

/** A peer is not shown as the source of itself. */
function sourceOf({ source, peerId, expectedPeerId }: PointSnapshot, self: PeerId): PeerId | null {
  return source === self || source === (peerId ?? expectedPeerId) ? null : source
}

/** Those outside, behind the connected peer that advertised them; `null`: behind none. The most interesting first. */
function groupBySource(known: readonly Known[], connected: ReadonlySet<PeerId>): Map<PeerId | null, Known[]> {
  const groups = new Map<PeerId | null, Known[]>()
  const outside = known.filter(({ peerId }) => peerId === null || !connected.has(peerId))
  for (const one of outside.sort((a, b) => rank[a.condition] - rank[b.condition] || compare(a.id, b.id))) {
    const source = one.source !== null && connected.has(one.source) ? one.source : null
    const group = groups.get(source)
    if (group === undefined) groups.set(source, [one])
    else group.push(one)
  }
  return groups
}

interface Sector {
  /** None: of those that no connected peer advertised. */
  readonly connection: ConnectionSnapshot | null
  /** Radians, clockwise, from the right. */
  readonly from: number
  readonly angle: number
}

/** The circle, cut so that each has room for those behind it; the first one begins at the top. */
function sectorsOf(inner: readonly ConnectionSnapshot[], groups: ReadonlyMap<PeerId | null, readonly Known[]>, most: number): Sector[] {
  const behind = (peerId: PeerId | null) => Math.min(most, groups.get(peerId)?.length ?? 0)
  const isFull = inner.every(({ peerId }) => groups.has(peerId))
  const weights = [
    ...inner.map((connection) => ({ connection, weight: 1 + 0.2 * Math.max(0, behind(connection.peerId) - 1) })),
    ...(groups.has(null) && isFull ? [{ connection: null, weight: 0.6 + 0.2 * behind(null) }] : [])
  ]
  const all = weights.reduce((sum, { weight }) => sum + weight, 0)
  let from = -Math.PI / 2 - (Math.PI * (weights[0]?.weight ?? 0)) / all
  return weights.map(({ connection, weight }) => {
    const sector = { connection, from, angle: (2 * Math.PI * weight) / all }
    from += sector.angle
    return sector
  })
}

/** The places of those that no connected peer advertised: behind peers that advertised none, or in the sector that was left for them. */
function freeSectors(sectors: readonly Sector[], groups: ReadonlyMap<PeerId | null, unknown>): readonly Sector[] {
  const own = sectors.filter(({ connection }) => connection === null)
  return own.length > 0 ? own : sectors.filter(({ connection }) => connection !== null && !groups.has(connection.peerId))
}

function sumOf(sectors: readonly Sector[]): number {
  return sectors.reduce((sum, { angle }) => sum + angle, 0)
}

/** Where so large a share of these sectors, laid end to end, is over. */
function angleAt(sectors: readonly Sector[], share: number): number {
  let left = share * sumOf(sectors)
  for (const { from, angle } of sectors) {
    if (left <= angle) return from + left
    left -= angle
  }
  return 0
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
