import { expect, test } from 'vitest'
import { surroundingsOf } from '../../../web/demo/conditions.ts'
import { type Graph, type GraphNode, layoutGraph } from '../../../web/demo/graph-layout.ts'
import { type Cast, snapshotOf, start } from './stage.ts'

const wide = { width: 700, height: 420 }
const phone = { width: 340, height: 340 }

function graphOf(cast: Cast, size = wide): Graph {
  const snapshot = snapshotOf(cast)
  return layoutGraph(snapshot, surroundingsOf({ snapshot, now: start }), size)
}

const inRing = ({ nodes }: Graph, ring: GraphNode['ring']) => nodes.filter((node) => node.ring === ring)

function closest(nodes: readonly GraphNode[]): number {
  const gaps = nodes.flatMap((a, index) => nodes.slice(index + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y)))
  return Math.min(...gaps)
}

test.each([
  [{ connections: 0, points: 0 }, wide],
  [{ connections: 3, points: 3 }, wide],
  [{ connections: 6, points: 30 }, phone],
  [{ connections: 12, points: 400 }, wide],
  [{ connections: 40, points: 400 }, wide],
  [{ connections: 40, points: 400 }, phone]
])('%o: this page in the middle, everybody inside the picture and apart', (cast, size) => {
  const graph = graphOf(cast, size)
  expect(inRing(graph, 0)).toHaveLength(1)
  expect(inRing(graph, 1)).toHaveLength(cast.connections)
  for (const { x, y } of graph.nodes) {
    expect(x).toBeGreaterThan(20)
    expect(x).toBeLessThan(size.width - 20)
    expect(y).toBeGreaterThan(20)
    expect(y).toBeLessThan(size.height - 20)
  }
  if (cast.connections > 1) expect(closest(inRing(graph, 1))).toBeGreaterThan(size === phone ? 9 : 16)
})

test('the same snapshot gives the same picture', () => {
  const cast = { connections: 7, points: 90 }
  expect(graphOf(cast)).toEqual(graphOf(cast))
})

test('what a connected peer advertised is tied to it; the rest has one place that counts them', () => {
  const graph = graphOf({ connections: 5, points: 400 })
  const outer = inRing(graph, 2)
  expect(outer.length).toBeLessThanOrEqual(60)
  const placed = outer.filter(({ more }) => more === 0)
  for (const { id, source } of placed) {
    expect(graph.edges).toContainEqual(expect.objectContaining({ kind: 'advertised', from: source, to: id }))
  }
  expect(placed.length + outer.reduce((sum, { more }) => sum + more, 0)).toBe(395)
})

test('a peer who arrives moves the others little: they keep their order around the circle', () => {
  const before = inRing(graphOf({ connections: 6, points: 6 }), 1).map(({ id }) => id)
  const snapshot = snapshotOf({ connections: 6, points: 6 })
  const fewer = { ...snapshot, connections: snapshot.connections.slice(1) }
  const after = inRing(layoutGraph(fewer, surroundingsOf({ snapshot: fewer, now: start }), wide), 1).map(({ id }) => id)
  expect(after).toEqual(before.filter((id) => after.includes(id)))
})
