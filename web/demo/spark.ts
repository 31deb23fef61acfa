/** A small chart of traffic: the last minute, received above the line, sent below it. */
import { setAttribute, svgEl } from './dom.ts'
import { formatBytes } from './format.ts'
import { maxSamples, type Rate } from './rates.ts'

const width = 2 * maxSamples
const half = 11
/** What fills the height at least, bytes a second: a ping is no storm. */
const leastFull = 500

export interface Spark {
  readonly element: SVGSVGElement
  show(rates: readonly Rate[]): void
}

export function spark(): Spark {
  const received = svgEl('path', { class: 'received' })
  const sent = svgEl('path', { class: 'sent' })
  const line = svgEl('path', { class: 'base', d: `M0 ${half}H${width}` })
  const element = svgEl('svg', { class: 'spark', viewBox: `0 0 ${width} ${2 * half}`, preserveAspectRatio: 'none', role: 'img' }, [
    received,
    sent,
    line
  ])
  let drawn: readonly Rate[] | undefined
  return {
    element,
    show(rates) {
      // A sample a second: what is drawn in between has nothing new to show.
      if (rates === drawn) return
      drawn = rates
      const { up, down } = bars(rates)
      setAttribute(received, 'd', up)
      setAttribute(sent, 'd', down)
      const last = rates.at(-1)
      setAttribute(element, 'aria-label', `Traffic of the last minute; now ${rateWords(last)}`)
    }
  }
}

/** One bar per second, the newest at the right. A square root keeps small ones in sight beside large ones. */
export function bars(rates: readonly Rate[]): { readonly up: string; readonly down: string } {
  const full = Math.sqrt(Math.max(leastFull, ...rates.flatMap(({ received, sent }) => [received, sent])))
  const first = maxSamples - rates.length
  const draw = (of: (rate: Rate) => number, direction: 1 | -1) =>
    rates
      .map((rate, index) => {
        const height = Math.min(half - 1, Math.ceil(((half - 1) * Math.sqrt(of(rate))) / full))
        return height === 0 ? '' : `M${2 * (first + index)} ${half}v${-direction * height}h2v${direction * height}z`
      })
      .join('')
  return { up: draw(({ received }) => received, 1), down: draw(({ sent }) => sent, -1) }
}

export function rateWords(rate: Rate | undefined): string {
  return `${formatRate(rate?.received ?? 0)} in, ${formatRate(rate?.sent ?? 0)} out`
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}
