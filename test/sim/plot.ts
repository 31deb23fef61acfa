/** A plot as an SVG text: lines over virtual time, a shaded band, a legend. Scales and paths are d3's. */
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import type { Sample } from './figures.ts'

export interface Series {
  readonly name: string
  readonly color: string
  /** In the order of x. */
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
  /** Shaded between these two values of y, with what it means. */
  readonly band?: { readonly from: number; readonly to: number; readonly name: string }
}

const size = { width: 720, height: 320 }
const margin = { top: 52, right: 16, bottom: 44, left: 52 }
/** Points of one line; more would only make the file larger. */
const maxPoints = 240

export function drawPlot({ title, x, y, series, band }: Plot): string {
  const all = series.flatMap(({ points }) => points)
  const toX = scaleLinear()
    .domain([0, Math.max(...all.map(([at]) => at))])
    .range([margin.left, size.width - margin.right])
  const toY = scaleLinear()
    .domain([0, Math.max(...all.map(([, value]) => value), band?.to ?? 0)])
    .nice()
    .range([size.height - margin.bottom, margin.top])
  const path = line<readonly [number, number]>()
    .x(([at]) => round(toX(at)))
    .y(([, value]) => round(toY(value)))
  const [left, right] = toX.range() as [number, number]
  const [bottom] = toY.range() as [number, number]
  const legend = [
    ...series.map(({ name, color }) => ({ name, color })),
    ...(band === undefined ? [] : [{ name: band.name, color: '#cfe8d5' }])
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(margin.left, 20, title, 'font-size="14" font-weight="bold"'),
    ...legend.flatMap(({ name, color }, i) => [
      `<rect x="${margin.left + i * 150}" y="30" width="12" height="12" fill="${color}"/>`,
      text(margin.left + i * 150 + 17, 40, name)
    ]),
    ...(band === undefined
      ? []
      : [
          `<rect x="${left}" y="${round(toY(band.to))}" width="${right - left}" height="${round(toY(band.from) - toY(band.to))}" fill="#cfe8d5"/>`
        ]),
    ...toY
      .ticks(6)
      .flatMap((tick) => [
        `<path d="M${left},${round(toY(tick))}H${right}" stroke="#ddd"/>`,
        text(left - 6, round(toY(tick)) + 4, String(tick), 'text-anchor="end"')
      ]),
    ...toX.ticks(8).map((tick) => text(round(toX(tick)), bottom + 16, String(tick), 'text-anchor="middle"')),
    text((left + right) / 2, size.height - 8, x, 'text-anchor="middle"'),
    `<g transform="translate(14,${(margin.top + bottom) / 2}) rotate(-90)">${text(0, 0, y, 'text-anchor="middle"')}</g>`,
    ...series.map(({ color, points }) => `<path d="${path(thinned(points)) ?? ''}" fill="none" stroke="${color}" stroke-width="1.5"/>`),
    '</svg>\n'
  ].join('\n')
}

/** The usual picture: the least, the middle and the most connections of all machines, over the band of the targets. */
export function bandPlot(
  title: string,
  samples: readonly Sample[],
  targets: { readonly minTarget: number; readonly maxTarget: number }
): Plot {
  const over = (pick: (sample: Sample) => number): Series['points'] => samples.map((sample) => [sample.atS, pick(sample)] as const)
  return {
    title,
    x: 'virtual seconds',
    y: 'connections',
    band: { from: targets.minTarget, to: targets.maxTarget, name: 'targets' },
    series: [
      { name: 'most', color: '#c2571a', points: over(({ most }) => most) },
      { name: 'median', color: '#1f5fa8', points: over(({ middle }) => middle) },
      { name: 'least', color: '#7a3f98', points: over(({ least }) => least) }
    ]
  }
}

function thinned<T>(points: readonly T[]): T[] {
  const step = Math.max(1, Math.ceil(points.length / maxPoints))
  return points.filter((_, i) => i % step === 0 || i === points.length - 1)
}

function text(x: number, y: number, words: string, more = ''): string {
  return `<text x="${x}" y="${y}" ${more}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
