/** Pages live without servers for some hours. Then the servers come back, and are used again. */
import { PagesAlone } from '../pages-alone.ts'
import { closing, figure, percent, type Scenario } from '../scenario.ts'

const churnPerMinute = 0.02
const defaultMinutes = 2 * 60
/** After the return, ms. */
const watchedMs = 10 * 60_000
/** A page that is younger is not counted, ms. */
const settledAfterMs = 60_000
const barShare = 0.99
/** Of the pages that have run for a minute, so many must hold a server and a relay by then, ms. */
const most = { share: 0.95, withinMs: 60_000 }
const nearlyAll = { share: 0.99, withinMs: 120_000 }

export const serversReturn: Scenario = {
  name: 'servers-return',
  about: 'pages live without servers for --minutes (default: 2 hours) while 2 % a minute leave; then the servers come back',
  bar: '95 % of the pages hold a server and a relay within 60 s, 99 % within 120 s; at least their minimum 99 % of the time; one graph; no newcomer lost',
  pools: [100],
  async run({ pools, seed, checking, minutes = defaultMinutes }) {
    const world = new PagesAlone({ pages: pools, seed, churn: churnPerMinute, checking })
    await world.begin()
    await world.run(minutes * 60_000)
    const before = world.seen
    world.forgetSeen()
    world.startServers()
    const shares: [number, number][] = []
    await world.run(watchedMs, (at) => shares.push([at / 1_000 + 1, held(world)]))
    const { looked, inBand, graphs, split, parts, lost } = world.seen
    const reachedAt = (share: number): number | undefined => shares.find(([, held]) => held >= share)?.[0]
    const isBy = ({ share, withinMs }: typeof most): boolean => (reachedAt(share) ?? Number.POSITIVE_INFINITY) * 1_000 <= withinMs
    const inBandAfter = inBand / Math.max(1, looked)
    return {
      figures: [
        figure('without servers: time with at least the minimum', percent(before.inBand / Math.max(1, before.looked))),
        figure('without servers: looks at the graph, of which in parts', `${before.graphs}, ${before.split}`),
        figure('50, 95, 99 % hold a server and a relay after, s', [0.5, most.share, nearlyAll.share].map(reachedAt).join(', ')),
        figure('the same share at the end', percent(shares.at(-1)?.[1] ?? 0)),
        figure('since the return: time with at least the minimum', percent(inBandAfter)),
        figure('looks at the graph, of which in parts; parts at the end', `${graphs}, ${split}; ${parts}`),
        figure('newcomers connected with nobody after 10 s', lost)
      ],
      isMet: isBy(most) && isBy(nearlyAll) && inBandAfter >= barShare && before.split + split === 0 && parts === 1 && lost === 0,
      ...closing(world.sim),
      plot: {
        title: `${pools} pages whose servers come back`,
        x: 'seconds since the return',
        y: '% with a server and a relay',
        series: [{ name: 'pages older than a minute', color: '#3b6fb4', points: shares.map(([at, share]) => [at, share * 100] as const) }],
        band: { from: most.share * 100, to: 100, name: 'bar: 95 % after 60 s' }
      }
    }
  }
}

/** The share of the pages older than a minute that are connected with a server and reached over it. */
function held(world: PagesAlone): number {
  const settled = [...world.pages].filter((page) => world.ageOf(page) > settledAfterMs)
  const those = settled.filter((page) => world.serversOf(page).length > 0 && page.network.ownPoints().length > 0)
  return those.length / Math.max(1, settled.length)
}
