/**
 * The picture of the pool: draws what `graph-layout.ts` placed, moves what has another place now, and lets everybody in
 * it be pointed at, reached by keyboard and opened. One stop of the Tab key for the whole picture; arrows go on from there.
 */
import { surroundingsOf } from './conditions.ts'
import { byId, keyedList, setAttribute, setHidden, setText, svgEl } from './dom.ts'
import { formatCount } from './format.ts'
import { type Graph, type GraphEdge, type GraphGuide, type GraphNode, type GraphSize, layoutGraph } from './graph-layout.ts'
import { describeNode, edgeMark, guideMark, nodeMark, type Place, pathOf, transformOf } from './graph-marks.ts'
import { trafficMotion } from './motion.ts'
import type { Page, Part } from './page.ts'

/** Long enough to be followed by eye, short enough not to be waited for. */
const moveMs = 450
/** Thirty pictures a second move smoothly enough; twice as many cost the page twice as much while the pool fills. */
const frameMs = 30
/** Up to so many peers have a picture and a name, in a wide picture and on a phone; beyond, they would cover each other. */
const maxNamed = { wide: 18, narrow: 10 }
/** Up to so many are called by their names; beyond, the relay alone. */
const maxInWords = { wide: 10, narrow: 6 }
const narrowPx = 520
/** What only time changes, such as the end of a wait, is looked at so often. */
const lookMs = 5_000

export function graphPart({ openPeer, showPoint, names }: Pick<Page, 'openPeer' | 'showPoint' | 'names'>, redraw: () => void): Part {
  const box = byId('graph', HTMLDivElement)
  const summary = byId('graph-summary', HTMLParagraphElement)
  const empty = byId('graph-empty', HTMLParagraphElement)
  const guideLayer = svgEl('g', { class: 'guides', 'aria-hidden': 'true' })
  const edgeLayer = svgEl('g', { class: 'edges', 'aria-hidden': 'true' })
  const nodeLayer = svgEl('g', { class: 'nodes' })
  const picture = svgEl('svg', { class: 'graph', role: 'group', 'aria-label': 'Picture of the pool; arrow keys go from peer to peer' }, [
    guideLayer,
    edgeLayer,
    nodeLayer
  ])
  box.append(picture)
  const places = new Map<string, Place>()
  let graph: Graph = { nodes: [], edges: [], guides: [] }
  let hasRoom = true
  const naming = { hasRoom: () => hasRoom, of: names.of }
  const moveBytes = trafficMotion(box, (peerId) => places.get(peerId))
  let active = ''

  let size: GraphSize = { width: 0, height: 0 }
  let now = 0
  let drawn = ''

  const nodes = keyedList<GraphNode>(nodeLayer, { key: ({ id, ring }) => `${ring} ${id}`, create: (node) => nodeMark(node, naming, open) })
  const guides = keyedList<GraphGuide>(guideLayer, { key: ({ text }) => text, create: guideMark })
  const edges = keyedList<GraphEdge>(edgeLayer, { key: ({ id }) => id, create: edgeMark })
  // The layers hold the marks in the order of the graph, and nothing else.
  const move = mover(() => {
    graph.nodes.forEach(({ id }, index) => {
      const mark = nodeLayer.children[index]
      if (mark !== undefined) setAttribute(mark, 'transform', transformOf(places.get(id)))
    })
    graph.edges.forEach(({ from, to, kind }, index) => {
      const line = edgeLayer.children[index]
      if (line !== undefined) setAttribute(line, 'd', pathOf([places.get(from), places.get(to)], kind, size))
    })
  })
  function open({ peerId, point, ring, more }: GraphNode): void {
    if (ring === 0 || more > 0) return
    if (peerId !== null) openPeer(peerId)
    else if (point !== null) showPoint(point)
  }
  function light(id: string | undefined): void {
    setAttribute(picture, 'data-lit', id !== undefined)
    const near = new Set(graph.edges.filter(({ from, to }) => from === id || to === id).flatMap(({ from, to }) => [from, to]))
    graph.nodes.forEach((node, index) => {
      const mark = nodeLayer.children[index]
      if (mark === undefined) return
      setAttribute(mark, 'data-near', node.id === id || near.has(node.id))
      // Before the listener for full texts, which sits at the document, looks at it.
      if (node.id === id) setAttribute(mark, 'data-full', describeNode(node, node.peerId === null ? undefined : names.of(node.peerId), now))
    })
    graph.edges.forEach(({ from, to }, index) => {
      const line = edgeLayer.children[index]
      if (line !== undefined) setAttribute(line, 'data-near', from === id || to === id)
    })
  }
  function step(by: number | 'first' | 'last'): void {
    const ids = graph.nodes.map(({ id }) => id)
    const now = Math.max(0, ids.indexOf(active))
    const next = by === 'first' ? 0 : by === 'last' ? ids.length - 1 : (now + by + ids.length) % ids.length
    active = ids[next] ?? active
    focusActive()
  }
  function focusActive(): void {
    markTabStop()
    const mark = nodeLayer.children[graph.nodes.findIndex(({ id }) => id === active)]
    if (mark instanceof SVGElement) mark.focus()
  }
  function markTabStop(): void {
    if (!graph.nodes.some(({ id }) => id === active)) active = graph.nodes[0]?.id ?? ''
    for (const mark of nodeLayer.children) setAttribute(mark, 'tabindex', mark.getAttribute('data-node') === active ? '0' : '-1')
  }
  const nodeOf = (event: Event): string | undefined =>
    event.target instanceof Element ? (event.target.closest('[data-node]')?.getAttribute('data-node') ?? undefined) : undefined
  picture.addEventListener('pointerover', (event) => light(nodeOf(event)))
  picture.addEventListener('pointerleave', () => light(undefined))
  picture.addEventListener('focusout', () => light(undefined))
  picture.addEventListener('focusin', (event) => {
    active = nodeOf(event) ?? active
    markTabStop()
    light(nodeOf(event))
  })
  picture.addEventListener('keydown', (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: 'first', End: 'last' }[event.key] as
      | number
      | 'first'
      | 'last'
      | undefined
    if (by === undefined) return
    event.preventDefault()
    step(by)
  })
  new ResizeObserver(([entry]) => {
    if (entry === undefined) return
    const width = Math.max(280, Math.floor(entry.contentRect.width))
    size = { width, height: width < narrowPx ? 340 : 420 }
    // In the next frame: what is changed here would be observed again.
    redraw()
  }).observe(box)

  return {
    show(moment) {
      now = moment.now
      const { snapshot } = moment
      moveBytes(snapshot)
      const key = `${snapshot.version} ${size.width} ${Math.floor(now / lookMs)} ${names.version}`
      if (key === drawn || size.width === 0) return
      drawn = key
      setAttribute(picture, 'viewBox', `0 0 ${size.width} ${size.height}`)
      setAttribute(picture, 'height', String(size.height))
      graph = layoutGraph(snapshot, surroundingsOf(moment), size)
      const width = size.width < narrowPx ? 'narrow' : 'wide'
      hasRoom = snapshot.connections.length <= maxInWords[width]
      setAttribute(picture, 'data-crowd', snapshot.connections.length > maxNamed[width])
      const hadFocus = picture.contains(document.activeElement)
      nodes.show(graph.nodes)
      edges.show(graph.edges)
      guides.show(graph.guides)
      move(targetsOf(graph), places)
      // Who is connected now has another mark than before.
      if (hadFocus && !picture.contains(document.activeElement)) focusActive()
      else markTabStop()
      setText(summary, summaryOf(graph, snapshot.points.length))
      setHidden(empty, graph.nodes.length > 1)
    }
  }
}

function summaryOf({ nodes }: Graph, points: number): string {
  const inner = nodes.filter(({ ring }) => ring === 1).length
  const outer = nodes.reduce((sum, { ring, more }) => sum + (ring < 2 ? 0 : Math.max(1, more)), 0)
  return `${formatCount(inner, 'peer')} connected, ${outer} more known; ${formatCount(points, 'address', 'addresses')} of them all.`
}

function targetsOf({ nodes }: Graph): Map<string, Place & { readonly start: string }> {
  const me = nodes[0]?.id ?? ''
  return new Map(nodes.map(({ id, x, y, source }) => [id, { x, y, start: source ?? me }]))
}

/** Moves all from where they are to where they belong; newcomers start at their source. */
function mover(draw: () => void) {
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  let frame = 0
  let aim = ''
  return (targets: ReadonlyMap<string, Place & { readonly start: string }>, places: Map<string, Place>): void => {
    const wanted = JSON.stringify([...targets])
    if (wanted === aim) return
    const isFirst = aim === ''
    aim = wanted
    cancelAnimationFrame(frame)
    const from = new Map(Array.from(targets, ([id, { start }]) => [id, places.get(id) ?? places.get(start) ?? { x: 0, y: 0 }]))
    for (const id of places.keys()) if (!targets.has(id)) places.delete(id)
    const at = (share: number) => {
      const eased = 1 - (1 - share) ** 3
      for (const [id, target] of targets) {
        const origin = from.get(id) ?? target
        places.set(id, { x: origin.x + (target.x - origin.x) * eased, y: origin.y + (target.y - origin.y) * eased })
      }
      draw()
    }
    if (isFirst || still.matches) {
      at(1)
      return
    }
    const startedAt = performance.now()
    let drawnAt = Number.NEGATIVE_INFINITY
    const step = () => {
      const now = performance.now()
      const share = Math.min(1, (now - startedAt) / moveMs)
      if (share === 1 || now - drawnAt >= frameMs) {
        drawnAt = now
        at(share)
      }
      if (share < 1) frame = requestAnimationFrame(step)
    }
    step()
  }
}
