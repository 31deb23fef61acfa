/** Pages without servers, a tenth of whose neighbours introduce as they should not: one kind of them, or all kinds mixed. */
import type { FlowConnection } from '../../../src/core/flows/context.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { type Gang, HostileIntroducer, type Misdeed, misdeeds } from '../hostile/introducer.ts'
import type { Machine } from '../machine.ts'
import { PagesAlone } from '../pages-alone.ts'
import { closing, figure, percent, type Report, type RunOptions, type Scenario } from '../scenario.ts'

/** Of all pages; and of twenty with one hostile page. */
const hostileShare = 0.1
const oneOfTwenty = 0.05
const churnPerMinute = 0.02
const defaultMinutes = 60
/** Of all connections of honest pages so many may have come by one hostile introducer; of those of one page as many, and one in any case. */
const barShare = 0.1
/** A page that has been there for as long, ms, is no newcomer. */
const newcomerMs = 30_000
/** A page that lost its peers is back at its minimum after this, ms: its dead peers are noticed after 30 s. */
const maxBelowMs = 180_000
const lookEveryMs = 10_000

const all = Object.keys(misdeeds) as Misdeed[]

/** How long honest pages that are no newcomers were below their minimum. */
class Shortages {
  readonly #since = new Map<Machine, number>()
  readonly #bornAt = new Map<Machine, number>()
  longestMs = 0

  look(pages: Iterable<Machine>, now: number): void {
    for (const page of pages) {
      const bornAt = this.#bornAt.get(page) ?? now
      this.#bornAt.set(page, bornAt)
      if (page.active >= (page.program?.state.band.min ?? 0)) this.#since.delete(page)
      else {
        const since = this.#since.get(page) ?? Math.max(now, bornAt + newcomerMs)
        this.#since.set(page, since)
        this.longestMs = Math.max(this.longestMs, now - since)
      }
    }
  }
}

interface Shares {
  /** Connections of honest pages, and of these those with hostile peers. */
  readonly connections: number
  readonly hostile: number
  /** Those that the busiest hostile introducer brought about. */
  readonly byOne: number
  /** Of one page: the most that one hostile introducer brought about, beyond the one that each may. */
  readonly worst: number
}

function sharesOf(pages: Iterable<Machine>): Shares {
  const by = new Map<PeerId, number>()
  let [connections, hostile, worst] = [0, 0, 0]
  for (const { program, active } of pages) {
    const here = new Map<PeerId, number>()
    for (const { peerId, introducer } of (program?.state.connections() ?? []) as Iterable<FlowConnection>) {
      connections++
      if (peerId.startsWith('hostile')) hostile++
      if (introducer?.startsWith('hostile') === true) here.set(introducer, (here.get(introducer) ?? 0) + 1)
    }
    for (const [introducer, count] of here) {
      by.set(introducer, (by.get(introducer) ?? 0) + count)
      if (count > 1) worst = Math.max(worst, count / active)
    }
  }
  return { connections, hostile, byOne: Math.max(0, ...by.values()), worst }
}

async function run(
  does: readonly Misdeed[],
  share: number,
  { pools, seed, checking, minutes = defaultMinutes }: RunOptions
): Promise<Report> {
  const hostile = Math.max(1, Math.round(pools * share))
  const world = new PagesAlone({ pages: pools - hostile, seed, churn: churnPerMinute, checking })
  const { sim } = world
  const gang: Gang = { sim, members: [], victims: () => [...world.pages].filter(({ pool }) => pool !== undefined) }
  for (let i = 0; i < hostile; i++)
    sim.at(sim.random.next() * 30_000, () =>
      gang.members.push(new HostileIntroducer(gang, does[i % does.length] ?? 'swallow', world.servers))
    )
  await world.begin()
  for (const { network } of gang.members) network.announce()
  const shortages = new Shortages()
  const dials = sim.log.count('dial-started')
  await world.run(minutes * 60_000, (at) => {
    if (at % lookEveryMs === 0) shortages.look(world.pages, sim.clock.now())
  })
  const { looked, inBand, graphs, split, parts, lost } = world.seen
  const { connections, hostile: withHostile, byOne, worst } = sharesOf(world.pages)
  const links = gang.members.map(({ links: { size } }) => size).sort((a, b) => a - b)
  const taken = [...world.pages].map(({ network }) => network.introductions.takenIntroductions / minutes)
  const isOneGraph = parts === 1
  return {
    figures: [
      figure('connections that the busiest hostile introducer brought', percent(byOne / Math.max(1, connections))),
      figure('of one page, if more than one: most by one of them', percent(worst)),
      figure(
        'hostile: of the population, of the connections',
        `${percent(hostile / pools)}, ${percent(withHostile / Math.max(1, connections))}`
      ),
      figure('connections of a hostile page: least, median, most', `${links[0]}, ${links[links.length >> 1]}, ${links.at(-1)}`),
      figure('time with at least their minimum', percent(inBand / Math.max(1, looked))),
      figure('longest time below it of a page that is no newcomer, s', Math.round(shortages.longestMs / 1_000)),
      figure('newcomers connected with nobody after 10 s', lost),
      figure('looks at the graph, of which in parts; parts at the end', `${graphs}, ${split}; ${parts}`),
      figure('introductions that a page agreed to in a minute: mean, most', `${mean(taken).toFixed(2)}, ${Math.max(...taken).toFixed(2)}`),
      figure('dials, of which connected', `${sim.log.count('dial-started') - dials}, ${sim.log.count('connection-opened') / 2}`)
    ],
    isMet: byOne <= barShare * connections && worst <= barShare && shortages.longestMs <= maxBelowMs && isOneGraph,
    ...closing(sim),
    plot: undefined
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

const bar = `at most ${barShare * 100} % of the connections by one hostile introducer, and one of a page in any case; no page below its minimum for longer than ${maxBelowMs / 1_000} s; one graph of honest pages`

/** All kinds mixed, then each by itself. */
export const hostileIntroducers: readonly Scenario[] = [
  {
    name: 'hostile-introducers',
    about: `pages without servers for an hour, a tenth of them hostile introducers, of all kinds`,
    bar,
    pools: [20, 1_000],
    run: (options) => run(all, hostileShare, options)
  },
  ...all.map((one) => ({
    name: `hostile-introducer-${one}`,
    about: `twenty pages without servers for an hour, one of which ${misdeeds[one]}`,
    bar,
    pools: [20],
    run: (options: RunOptions) => run([one], oneOfTwenty, options)
  }))
]
