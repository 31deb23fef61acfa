/** Pools with their minimum and the network's parts over virtual time. The plot is uPlot's. */
import uPlot from 'uplot'
import type { Look } from '../../test/sim/playground-figures.ts'

/** Seconds kept; a longer run shows the last of them. */
const maxSeconds = 3_600
const height = 150
const font = '11px system-ui, sans-serif'

export class Chart {
  readonly #plot: uPlot
  readonly #place: HTMLElement
  #at: number[] = []
  #share: number[] = []

  constructor(place: HTMLElement) {
    this.#place = place
    const colour = (name: string) => (): string => getComputedStyle(place).getPropertyValue(name)
    const axis = { stroke: colour('--quiet'), font, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    this.#plot = new uPlot(
      {
        width: place.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: [0, 100] } },
        axes: [
          { ...axis, size: 30, values: (_, ticks) => ticks.map((tick) => `${tick} s`) },
          { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => `${tick} %`) }
        ],
        series: [{}, { stroke: colour('--good'), fill: colour('--good-soft'), width: 1.5 }]
      },
      [[], []],
      place
    )
    new ResizeObserver(([entry]) => {
      if (entry !== undefined) requestAnimationFrame(() => this.#plot.setSize({ width: Math.floor(entry.contentRect.width), height }))
    }).observe(place)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw(false))
  }

  clear(): void {
    this.#at = []
    this.#share = []
    this.#plot.setData([[], []])
  }

  add(looks: readonly Look[]): void {
    for (const { atS, withMinimum, up } of looks) {
      this.#at.push(atS)
      this.#share.push(up === 0 ? 0 : (withMinimum / up) * 100)
    }
    const over = this.#at.length - maxSeconds
    if (over > 0) {
      this.#at.splice(0, over)
      this.#share.splice(0, over)
    }
    this.#plot.setData([this.#at, this.#share])
    this.#place.setAttribute(
      'aria-label',
      `Pools with their minimum over ${this.#at.length} s: now ${share(this.#share.at(-1))}, least ${share(Math.min(...this.#share))}`
    )
  }
}

function share(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? 'none' : `${value.toFixed(0)} %`
}
