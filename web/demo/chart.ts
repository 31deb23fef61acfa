/**
 * Connections over time, with the band drawn in. The plot itself is uPlot's; here is what it is given, in the colours of
 * the theme, and the same in words for those who do not see it.
 */
import uPlot from 'uplot'
import { byId, setAttribute, setText } from './dom.ts'
import { formatClock, formatCount, formatDuration } from './format.ts'
import type { Page, Part } from './page.ts'
import { ConnectionSeries, type SeriesColumns } from './series.ts'

/** A page that was just opened shows a line, not a dot at the right edge. */
const shortestSpanMs = 8_000
const plotHeight = 190
const font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'

/** Listens from now on. */
export function chartPart({ pool }: Pick<Page, 'pool'>, redraw: () => void): Part {
  const place = byId('chart', HTMLDivElement)
  const readout = byId('chart-readout', HTMLParagraphElement)
  const span = spanChoice(redraw)
  const series = new ConnectionSeries()
  // A hidden page draws nothing, but what happens meanwhile belongs into the picture.
  pool.addEventListener('change', () => {
    const snapshot = pool.snapshot()
    if (snapshot !== undefined) series.add(snapshot, Date.now())
  })
  let columns: SeriesColumns = series.columns(0, 0)
  const colours = new Map<string, string>()
  readColours(place, colours)
  const plot = makePlot(place, colours, (at) => setText(readout, at === undefined ? '' : reading(columns, at)))
  new ResizeObserver(([entry]) => {
    // In the next frame: what is changed here would be observed again.
    if (entry !== undefined) requestAnimationFrame(() => plot.setSize({ width: Math.floor(entry.contentRect.width), height: plotHeight }))
  }).observe(place)
  // The canvas keeps the colours it was painted with.
  const repaint = () => {
    readColours(place, colours)
    plot.redraw(false)
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint)
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ['data-theme'] })

  let drawn = ''
  return {
    show({ snapshot, now }) {
      series.add(snapshot, now)
      const width = Math.min(span(), Math.max(shortestSpanMs, now - (series.startedAt ?? now)))
      // Once a second is often enough for a line that only moves to the left.
      const key = `${Math.floor(now / 1_000)} ${snapshot.version} ${width}`
      if (key === drawn) return
      drawn = key
      columns = series.columns(now - width, now)
      plot.batch(() => {
        plot.setData([columns.at, columns.high, columns.low, columns.max, columns.min, columns.active], false)
        plot.setScale('x', { min: (now - width) / 1_000, max: now / 1_000 })
        plot.setScale('y', { min: 0, max: Math.max(1, ...columns.max, ...columns.active) * 1.08 })
      })
      setAttribute(place, 'aria-label', inWords(columns, width))
    }
  }
}

/** What the picture says. */
export function inWords({ active, low, high }: SeriesColumns, spanMs: number): string {
  const last = active.at(-1) ?? 0
  return `Connections over the last ${formatDuration(spanMs)}: now ${last}, fewest ${Math.min(...active, last)}, most ${Math.max(...active, last)}; the pool wants ${low.at(-1) ?? 0} to ${high.at(-1) ?? 0}.`
}

/** What held at an instant, seconds since 1970. */
export function reading({ at, active, low, high }: SeriesColumns, instant: number): string {
  const index = Math.max(
    0,
    at.findLastIndex((one) => one <= instant)
  )
  return `${formatClock(instant * 1_000)}: ${formatCount(active[index] ?? 0, 'connection')}, wanted ${low[index] ?? 0} to ${high[index] ?? 0}`
}

/** Which span was chosen, ms. */
function spanChoice(redraw: () => void): () => number {
  const choice = byId('chart-span', HTMLSelectElement)
  choice.addEventListener('change', redraw)
  return () => Number(choice.value) * 60_000
}

function makePlot(place: HTMLElement, colours: ReadonlyMap<string, string>, pointAt: (instant: number | undefined) => void): uPlot {
  const colour = (name: string) => () => colours.get(name) ?? ''
  const stepped = uPlot.paths.stepped?.({ align: 1 })
  const line = (name: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({
    stroke: colour(name),
    width: 1,
    points: { show: false },
    ...(stepped === undefined ? {} : { paths: stepped }),
    ...more
  })
  const axis: uPlot.Axis = { stroke: colour('--quiet'), font, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  return new uPlot(
    {
      width: Math.max(1, place.clientWidth),
      height: plotHeight,
      // At the right: half of the last label.
      padding: [6, 28, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: true, auto: false }, y: { auto: false } },
      axes: [
        { ...axis, space: 84, size: 26, values: (_plot, splits) => splits.map((at) => formatClock(at * 1_000)) },
        { ...axis, size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], space: 30 }
      ],
      series: [
        {},
        line('--plot-band'),
        line('--plot-band'),
        line('--plot-limit', { dash: [5, 4] }),
        line('--plot-limit', { dash: [5, 4] }),
        line('--accent', { width: 2.5, fill: colour('--plot-fill') })
      ],
      bands: [{ series: [1, 2], fill: colour('--plot-band') }],
      hooks: {
        setCursor: [
          (plot) => {
            const { left } = plot.cursor
            pointAt(left === undefined || left < 0 ? undefined : plot.posToVal(left, 'x'))
          }
        ]
      }
    },
    [[], [], [], [], [], []],
    place
  )
}

/** A canvas knows no CSS variables, and `light-dark()` is only decided where a colour is used. */
function readColours(place: HTMLElement, into: Map<string, string>): void {
  for (const name of ['--quiet', '--line', '--accent', '--plot-band', '--plot-limit', '--plot-fill']) {
    place.style.setProperty('outline-color', `var(${name})`)
    into.set(name, getComputedStyle(place).outlineColor)
  }
}
