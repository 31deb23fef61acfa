/** What the picture of the pool is drawn with: a mark for each peer, a line for each tie, and what they are called. Placed by `graph.ts`. */
import type { PeerId } from '../../src/core/index.ts'
import { type About, kindWords, labelOf, titleOf } from './about.ts'
import { conditions } from './conditions.ts'
import { type Row, setAttribute, setText, svgEl } from './dom.ts'
import { formatDuration, shortenIds, shortId } from './format.ts'
import type { GraphEdge, GraphGuide, GraphNode, GraphSize } from './graph-layout.ts'
import { identicon } from './identicon.ts'
import { wayWords } from './way-words.ts'

export interface Place {
  readonly x: number
  readonly y: number
}

export function transformOf(place: Place | undefined): string | undefined {
  return place === undefined ? undefined : `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`
}

/** Links are straight; the line from a source bends to the middle, so that it does not look like a link. */
export function pathOf(
  [from, to]: readonly [Place | undefined, Place | undefined],
  kind: GraphEdge['kind'],
  { width, height }: GraphSize
): string | undefined {
  if (from === undefined || to === undefined) return undefined
  if (kind === 'link') return `M${from.x} ${from.y}L${to.x} ${to.y}`
  const bend = 0.22
  const x = (from.x + to.x) / 2
  const y = (from.y + to.y) / 2
  return `M${from.x} ${from.y}Q${x + (width / 2 - x) * bend} ${y + (height / 2 - y) * bend} ${to.x} ${to.y}`
}

export function edgeMark({ id }: GraphEdge): Row<GraphEdge> {
  const element = svgEl('path', { 'data-edge': id })
  return {
    element,
    update: ({ kind, transport, isIntroduced }) =>
      setAttribute(element, 'class', `edge ${kind} ${transport}${isIntroduced ? ' by-introduction' : ''}`)
  }
}

export function guideMark({ text }: GraphGuide): Row<GraphGuide> {
  const circle = svgEl('ellipse', { class: 'guide' })
  const label = svgEl('text', { class: 'guide-text' }, [text])
  return {
    element: svgEl('g', {}, [circle, label]),
    update({ cx, cy, rx, ry, x, y }) {
      for (const [name, value] of Object.entries({ cx, cy, rx, ry })) setAttribute(circle, name, value.toFixed(1))
      for (const [name, value] of Object.entries({ x, y: y + 4 })) setAttribute(label, name, value.toFixed(1))
    }
  }
}

/** How marks are named; the same for all, and read at each drawing. */
export interface Naming {
  /** Whether there is room for words. */
  readonly hasRoom: () => boolean
  of(peerId: PeerId): About | undefined
}

export function nodeMark(node: GraphNode, naming: Naming, open: (node: GraphNode) => void): Row<GraphNode> {
  let current = node
  const { ring, peerId, more } = node
  const radius = ring === 0 ? 25 : ring === 1 ? 16 : 6
  const shape = svgEl('circle', { class: 'shape', r: String(more > 0 ? 12 : radius) })
  const parts: SVGElement[] = [svgEl('circle', { class: 'hit', r: String(Math.max(12, radius)) }), shape]
  if (peerId !== null && ring < 2) parts.push(portrait(peerId, ring === 0 ? 15 : 10))
  const name = nameOf(node, naming)
  const label = svgEl('text', { class: 'name', y: String(more > 0 ? 4 : radius + 13) }, [name])
  if (name !== '' || ring === 1) parts.push(label)
  // Several pages are called by the same browser.
  const end = svgEl('text', { class: 'name end', y: String(radius + 25) })
  if (ring === 1) parts.push(end)
  const element = svgEl(
    'g',
    { class: `node ring-${ring}`, 'data-node': node.id, role: ring === 0 || more > 0 ? 'img' : 'button', tabindex: '-1' },
    parts
  )
  element.addEventListener('click', () => open(current))
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    open(current)
  })
  return {
    element,
    update(next) {
      current = next
      setAttribute(element, 'data-condition', next.condition)
      setText(label, nameOf(next, naming))
      setText(end, endOf(next, naming))
      setAttribute(element, 'aria-label', spokenOf(next, naming))
    }
  }
}

/** Short enough to stand below its picture; empty: nothing stands there. */
function nameOf({ ring, peerId, more }: GraphNode, naming: Naming): string {
  if (ring === 0) return 'this page'
  if (more > 0) return `+${more}`
  if (peerId === null || ring === 2) return ''
  const about = naming.of(peerId)
  // Ends of ids tell nobody anything there; the relay is the one to find.
  if (!naming.hasRoom()) return about?.kind === 'relay' ? labelOf(about) : ''
  return (about === undefined ? '' : labelOf(about)) || shortId(peerId)
}

/** Below the name of a page, which is that of its browser: the end of its id. */
function endOf({ ring, peerId, more }: GraphNode, naming: Naming): string {
  const isPage = ring === 1 && more === 0 && peerId !== null && naming.hasRoom() && naming.of(peerId)?.kind === 'page'
  return isPage && naming.of(peerId)?.name === '' ? shortId(peerId) : ''
}

function portrait(peerId: PeerId, half: number): SVGSVGElement {
  const picture = identicon(peerId)
  for (const [name, value] of Object.entries({ x: -half, y: -half, width: 2 * half, height: 2 * half }))
    setAttribute(picture, name, String(value))
  return picture
}

function spokenOf(node: GraphNode, naming: Naming): string {
  const { ring, peerId, point, condition, source, more, connection } = node
  if (ring === 0) return 'this page'
  if (more > 0) return `+${more} more`
  const label = ring === 1 ? nameOf(node, naming) : ''
  // Who speaks to the page says what is written there, in the same order.
  const named = endOf(node, naming) === '' ? `${label}: peer` : label
  const who = peerId === null ? shortenIds(point ?? '') : `${label === '' ? 'peer' : named} ${shortId(peerId)}`
  const way = connection === null ? '' : `, ${wayWords(connection)}`
  return `${who}, ${conditions[condition].word}${way}${source === null ? '' : `, advertised by ${shortId(source)}`}`
}

/** What is shown beside it when it is pointed at. */
export function describeNode(
  { ring, peerId, point, condition, source, connection, more }: GraphNode,
  about: About | undefined,
  now: number
): string {
  if (more > 0) return `${more} more that have no place here; they are in the list below`
  const state = ring === 0 ? 'this page' : conditions[condition].word
  const link =
    connection === null
      ? ''
      : ` for ${formatDuration(now - connection.establishedAt)}, ${wayWords(connection)}${connection.rttMs === null ? '' : `, round trip ${Math.ceil(connection.rttMs.last)} ms`}`
  const from = source === null ? '' : `; advertised by ${shortId(source)}`
  const name = about === undefined ? '' : ` · ${titleOf(about)}${about.name === '' ? '' : ` (${kindWords(about)})`}`
  return `${peerId ?? shortenIds(point ?? '')}${name} · ${state}${link}${from}`
}
