/** The network as a picture: a mark a pool, where it is on the map, a line a connection. On a canvas: there are thousands. */
import type { MarkKind } from '../../test/sim/playground-figures.ts'
import { conditions } from './messages.ts'

export interface Scene {
  /** Two numbers a mark, from 0 to 1. */
  readonly places: Float32Array
  readonly kinds: readonly MarkKind[]
}

export interface Marks {
  readonly conditions: Uint8Array
  readonly links: Uint16Array
  /** The half of each mark, 0 or 1, or 2 for both; `undefined`: the network is not split. */
  readonly sides: Uint8Array | undefined
}

const margin = 14
/** A half of a split network is the whole map, made so narrow. */
const halfWidth = 0.46
type At = (index: number) => readonly [number, number]

export function drawNetwork(canvas: HTMLCanvasElement, { places, kinds }: Scene, marks: Marks): void {
  const context = canvas.getContext('2d')
  if (context === null) return
  const ratio = devicePixelRatio
  const { clientWidth, clientHeight } = canvas
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)]
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, clientWidth, clientHeight)
  const style = getComputedStyle(canvas)
  const colour = (name: string): string => style.getPropertyValue(name)
  const at: At = (index) => [
    margin + across(places[index * 2] ?? 0, marks.sides?.[index]) * (clientWidth - 2 * margin),
    margin + (places[index * 2 + 1] ?? 0) * (clientHeight - 2 * margin)
  ]

  if (marks.sides !== undefined) {
    context.lineWidth = 1
    context.strokeStyle = colour('--strong-line')
    context.setLineDash([6, 6])
    drawGap(context, { x: clientWidth / 2, height: clientHeight })
    context.setLineDash([])
  }

  const pools = kinds.indexOf('liar')
  const isHostile = (index: number): boolean => pools >= 0 && index >= pools
  const { honest, hostile } = sortLinks(marks.links, isHostile)
  context.lineWidth = 1
  context.strokeStyle = colour('--accent')
  context.globalAlpha = Math.max(0.05, Math.min(0.3, 120 / Math.max(1, honest.length / 2)))
  drawLinks(context, honest, at)
  context.strokeStyle = colour('--warn')
  context.globalAlpha = 0.6
  drawLinks(context, hostile, at)
  context.globalAlpha = 1

  const radius = pools > 400 || kinds.length > 400 ? 2.6 : kinds.length > 150 ? 3.6 : 5
  const fills = [undefined, colour('--bad'), colour('--good'), colour('--warn')]
  const outline = colour('--strong-line')
  // A path for each look, not for each mark: filling a thousand paths takes longer than the rest of the picture.
  const paths = fills.map(() => new Path2D())
  for (const [index, kind] of kinds.entries())
    trace(paths[marks.conditions[index] ?? conditions.off] as Path2D, kind, { at: at(index), radius })
  for (const [condition, path] of paths.entries()) {
    const fill = fills[condition]
    context.lineWidth = condition === conditions.liar ? 2 : 1.2
    context.strokeStyle = condition === conditions.liar ? (fill ?? outline) : outline
    if (condition === conditions.low || condition === conditions.ok) {
      context.fillStyle = fill ?? outline
      context.fill(path)
    } else context.stroke(path)
  }
}

/** The halves of a split network lie side by side. A liar reaches both, and stays where it is. */
function across(x: number, side: number | undefined): number {
  if (side === 0) return x * halfWidth
  return side === 1 ? 1 - halfWidth + x * halfWidth : x
}

function drawGap(context: CanvasRenderingContext2D, { x, height }: { x: number; height: number }): void {
  context.beginPath()
  context.moveTo(x, 0)
  context.lineTo(x, height)
  context.stroke()
}

function sortLinks(links: Uint16Array, isHostile: (index: number) => boolean): { honest: number[]; hostile: number[] } {
  const honest: number[] = []
  const hostile: number[] = []
  for (let i = 0; i + 1 < links.length; i += 2) {
    const [one, other] = [links[i] ?? 0, links[i + 1] ?? 0]
    const list = isHostile(one) || isHostile(other) ? hostile : honest
    list.push(one, other)
  }
  return { honest, hostile }
}

function drawLinks(context: CanvasRenderingContext2D, links: readonly number[], at: At): void {
  context.beginPath()
  for (let i = 0; i + 1 < links.length; i += 2) {
    context.moveTo(...at(links[i] ?? 0))
    context.lineTo(...at(links[i + 1] ?? 0))
  }
  context.stroke()
}

function trace(path: Path2D, kind: MarkKind, { at: [x, y], radius }: { at: readonly [number, number]; radius: number }): void {
  if (kind === 'relay') {
    const side = Math.max(8, radius * 2.6)
    path.roundRect(x - side / 2, y - side / 2, side, side, side / 4)
  } else if (kind === 'node') {
    path.moveTo(x + radius, y)
    path.arc(x, y, radius, 0, 2 * Math.PI)
  } else if (kind === 'page') {
    path.moveTo(x, y - radius * 1.25)
    path.lineTo(x + radius * 1.2, y + radius * 0.85)
    path.lineTo(x - radius * 1.2, y + radius * 0.85)
    path.closePath()
  } else {
    const arm = radius + 0.5
    path.moveTo(x - arm, y - arm)
    path.lineTo(x + arm, y + arm)
    path.moveTo(x + arm, y - arm)
    path.lineTo(x - arm, y + arm)
  }
}
