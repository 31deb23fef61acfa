/** The network as a picture: a mark a pool, where it is on the map, a line a connection. On a canvas: there are thousands. */
import type { MachineKind } from '../../test/sim/playground-world.ts'
import { conditions } from './messages.ts'

export interface Scene {
  /** Two numbers a pool, from 0 to 1. */
  readonly places: Float32Array
  readonly kinds: readonly MachineKind[]
}

export interface Marks {
  readonly conditions: Uint8Array
  readonly links: Uint16Array
}

const margin = 14

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
  const at = (index: number): readonly [number, number] => [
    margin + (places[index * 2] ?? 0) * (clientWidth - 2 * margin),
    margin + (places[index * 2 + 1] ?? 0) * (clientHeight - 2 * margin)
  ]

  context.strokeStyle = colour('--accent')
  context.globalAlpha = Math.max(0.05, Math.min(0.3, 120 / Math.max(1, marks.links.length / 2)))
  context.lineWidth = 1
  context.beginPath()
  for (let i = 0; i + 1 < marks.links.length; i += 2) {
    context.moveTo(...at(marks.links[i] ?? 0))
    context.lineTo(...at(marks.links[i + 1] ?? 0))
  }
  context.stroke()
  context.globalAlpha = 1

  const radius = kinds.length > 400 ? 2.6 : kinds.length > 150 ? 3.6 : 5
  const fills = { [conditions.ok]: colour('--good'), [conditions.low]: colour('--bad') }
  context.lineWidth = 1.2
  for (const [index, kind] of kinds.entries()) {
    const condition = marks.conditions[index] ?? conditions.off
    context.beginPath()
    trace(context, kind, { at: at(index), radius })
    if (condition === conditions.off) {
      context.strokeStyle = colour('--strong-line')
      context.stroke()
    } else {
      context.fillStyle = fills[condition as keyof typeof fills]
      context.fill()
    }
  }
}

function trace(
  context: CanvasRenderingContext2D,
  kind: MachineKind,
  { at: [x, y], radius }: { at: readonly [number, number]; radius: number }
): void {
  if (kind === 'relay') {
    const side = radius * 2.6
    context.roundRect(x - side / 2, y - side / 2, side, side, radius * 0.6)
  } else if (kind === 'node') {
    context.arc(x, y, radius, 0, 2 * Math.PI)
  } else {
    context.moveTo(x, y - radius * 1.25)
    context.lineTo(x + radius * 1.2, y + radius * 0.85)
    context.lineTo(x - radius * 1.2, y + radius * 0.85)
    context.closePath()
  }
}
