/**
 * Bytes on their way, in the picture: dots that run along the lines, from this page to a peer and back, more of them for more bytes. They are
 * moved by the browser's compositor: this page's script only starts them. None where the person wants less motion, or does not look.
 */
import type { ConnectionSnapshot, PeerId, PoolSnapshot } from '../../src/core/index.ts'
import { el } from './dom.ts'
import type { Place } from './graph-marks.ts'

const runMs = 1_100
/** What is sent within it starts together. */
const lookMs = 400
/** Dots of one direction of one line, and of the whole picture, per look. */
const maxOfLine = 4
const maxDots = 24

/** Returns what looks at the counters, at each drawing. `placeOf`: where a peer stands, px in the box. */
export function trafficMotion(box: HTMLElement, placeOf: (id: string) => Place | undefined): (snapshot: PoolSnapshot) => void {
  const layer = el('div', { class: 'pulses', 'aria-hidden': 'true' })
  box.append(layer)
  const still = matchMedia('(prefers-reduced-motion: reduce)')
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') layer.replaceChildren()
  })
  let before = new Map<string, ConnectionSnapshot>()
  let lastAt = Number.NEGATIVE_INFINITY

  const run = (from: Place, to: Place, transport: string, delay: number): void => {
    const dot = el('i', { class: `pulse ${transport}` })
    layer.append(dot)
    const at = ({ x, y }: Place) => `translate(${x}px, ${y}px)`
    const running = dot.animate([{ transform: at(from) }, { transform: at(to) }], {
      duration: runMs,
      delay,
      easing: 'ease-in-out',
      fill: 'backwards'
    })
    running.onfinish = () => dot.remove()
    running.oncancel = () => dot.remove()
  }
  return ({ peerId: self, connections }) => {
    const now = performance.now()
    if (now - lastAt < lookMs) return
    lastAt = now
    const moved = connections.map((connection) => movedSince(before.get(keyOf(connection)), connection))
    before = new Map(connections.map((connection) => [keyOf(connection), connection]))
    const me = placeOf(self)
    if (me === undefined || still.matches || document.visibilityState === 'hidden') return
    let left = maxDots - layer.childElementCount
    for (const { peerId, transport, received, sent } of moved) {
      const there = placeOf(peerId)
      if (there === undefined) continue
      for (const [from, to, bytes] of [
        [there, me, received],
        [me, there, sent]
      ] as const) {
        const dots = Math.min(left, dotsFor(bytes))
        left -= dots
        for (let dot = 0; dot < dots; dot += 1) run(from, to, transport, (dot * runMs) / (2 * maxOfLine))
      }
    }
  }
}

interface Moved {
  readonly peerId: PeerId
  readonly transport: string
  readonly received: number
  readonly sent: number
}

function keyOf({ peerId, establishedAt }: ConnectionSnapshot): string {
  return `${peerId} ${establishedAt}`
}

function movedSince(before: ConnectionSnapshot | undefined, { peerId, transport, bytesReceived, bytesSent }: ConnectionSnapshot): Moved {
  return { peerId, transport, received: bytesReceived - (before?.bytesReceived ?? 0), sent: bytesSent - (before?.bytesSent ?? 0) }
}

/** One for anything, one more for each power of ten beyond 100 bytes. */
export function dotsFor(bytes: number): number {
  return bytes <= 0 ? 0 : Math.min(maxOfLine, 1 + Math.max(0, Math.floor(Math.log10(bytes / 100))))
}
