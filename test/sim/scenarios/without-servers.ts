/** The servers vanish, pages come and go, and nobody but other pages helps a newcomer. */
import type { PoolOptions } from '../../../src/core/index.ts'
import { PagesAlone } from '../pages-alone.ts'
import { closing, figure, percent, type Report, type RunOptions, type Scenario } from '../scenario.ts'

const churnPerMinute = 0.02
const defaultMinutes = 24 * 60
const smallBand = { minConnections: 2, expectedConnections: 3, maxConnections: 5 }
const smallMinutes = 10
const barShare = 0.99

const bar = 'at least their minimum 99 % of the time; one graph at the end, and in every look at it'

export const withoutServers: Scenario = {
  name: 'without-servers',
  about:
    'pages whose servers vanish; each minute 2 % of them leave, and newcomers are invited by pages that stay; for --minutes (default: a day)',
  bar,
  pools: [1_000],
  run: (options) => runWorld(options, { minutes: options.minutes ?? defaultMinutes, band: {} })
}

export const withoutServersSmall: Scenario = {
  name: 'without-servers-small',
  about: 'the same with the band 2/3/5, for --minutes (default: 10)',
  bar,
  pools: [10_000],
  run: (options) => runWorld(options, { minutes: options.minutes ?? smallMinutes, band: smallBand })
}

async function runWorld(
  { pools, seed, checking, progress }: RunOptions,
  { minutes, band }: { minutes: number; band: Partial<PoolOptions> }
): Promise<Report> {
  const world = new PagesAlone({ pages: pools, seed, churn: churnPerMinute, options: band, checking })
  await world.begin()
  const { sim } = world
  const counts = () => ({ dials: sim.log.count('dial-started'), opened: sim.log.count('connection-opened') / 2 })
  const first = counts()
  const shares: [number, number][] = []
  let before = { looked: 0, inBand: 0 }
  await world.run(minutes * 60_000, (at) => {
    if (at % 600_000 !== 590_000) return
    const { looked, inBand, split, graphs } = world.seen
    const share = (inBand - before.inBand) / Math.max(1, looked - before.looked)
    shares.push([at / 3_600_000, 100 * share])
    before = { looked, inBand }
    progress?.(`${(at + 10_000) / 60_000} min: ${percent(share)}, in all ${percent(inBand / looked)}; in parts ${split} of ${graphs} looks`)
  })
  const { looked, inBand, all, allInBand, graphs, split, parts, left, lost } = world.seen
  const held = [...world.pages].map(({ active }) => active).sort((a, b) => a - b)
  const last = counts()
  const passed = [...world.pages].map(({ network }) => network.introductions.passedBytes / 1_024)
  const share = inBand / Math.max(1, looked)
  return {
    figures: [
      figure('time with at least their minimum', percent(share)),
      figure('the same with those that began less than 10 s ago', percent(allInBand / Math.max(1, all))),
      figure('looks at the graph, of which in parts; parts at the end', `${graphs}, ${split}; ${parts}`),
      figure('pages that left; newcomers connected with nobody after 10 s', `${left}; ${lost}`),
      figure('connections at the end: least, median, most', `${held[0]}, ${held[held.length >> 1]}, ${held.at(-1)}`),
      figure('dials, of which connected', `${last.dials - first.dials}, ${last.opened - first.opened}`),
      figure('KiB passed on by a page: mean, most', `${mean(passed).toFixed(1)}, ${Math.max(...passed)}`)
    ],
    isMet: share >= barShare && split === 0 && parts === 1,
    ...closing(sim),
    plot: {
      title: `${pools} pages without servers`,
      x: 'virtual hours',
      y: '% with at least their minimum',
      series: [{ name: 'pages older than 10 s', color: '#3b6fb4', points: shares }],
      band: { from: barShare * 100, to: 100, name: 'bar: 99 %' }
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
