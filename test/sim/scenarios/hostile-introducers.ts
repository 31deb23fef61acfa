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
/** Of all connections of honest pages so many may have come by one hostile introducer. */
const barShare = 0.1
/** A page of this age has met others by itself, ms. */
const settledMs = 600_000
/** A page that has been there for as long, ms, is no newcomer. */
const newcomerMs = 30_000
/** A page that lost its peers is back at its minimum after this, ms: its dead peers are noticed after 30 s. */
const maxBelowMs = 180_000
const lookEveryMs = 10_000
const countEveryMs = 60_000

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

/** What hostile introducers brought about, look by look. */
class Brought {
  readonly #bornAt = new Map<Machine, number>()
  readonly #sums = new Map<PeerId, number>()
  #looks = 0
  #settled = 0
  #twice = 0
  /** Of the connections of honest pages, by the busiest hostile introducer, in the last look. */
  last = 0
  /** Of these, those with hostile pages, in the last look. */
  withHostile = 0
  /** A page that is no newcomer would keep so many connections without one hostile page, and without all that this brought about. */
  leastLeft = Number.POSITIVE_INFINITY

  look(pages: Iterable<Machine>, now: number): void {
    const by = new Map<PeerId, number>()
    let [connections, hostile] = [0, 0]
    for (const page of pages) {
      const bornAt = this.#bornAt.get(page) ?? now
      this.#bornAt.set(page, bornAt)
      const running = [...(page.program?.state.connections() ?? [])] as FlowConnection[]
      const here = new Map<PeerId, { count: number; owed: number }>()
      for (const { peerId, introducer } of running) {
        connections++
        if (peerId.startsWith('hostile')) hostile++
        for (const one of new Set([peerId, introducer])) {
          if (one?.startsWith('hostile') !== true) continue
          const { count, owed } = here.get(one) ?? { count: 0, owed: 0 }
          here.set(one, { count: count + Number(one === introducer), owed: owed + 1 })
        }
      }
      for (const [one, { count }] of here) by.set(one, (by.get(one) ?? 0) + count)
      if (now - bornAt < settledMs || running.length === 0) continue
      this.#settled++
      const counts = [...here.values()]
      if (counts.some(({ count }) => count > 1)) this.#twice++
      this.leastLeft = Math.min(this.leastLeft, running.length - Math.max(0, ...counts.map(({ owed }) => owed)))
    }
    this.#looks++
    for (const [one, count] of by) this.#sums.set(one, (this.#sums.get(one) ?? 0) + count / Math.max(1, connections))
    this.last = Math.max(0, ...by.values()) / Math.max(1, connections)
    this.withHostile = hostile / Math.max(1, connections)
  }

  /** By the busiest hostile introducer, in the mean of all looks. */
  get mean(): number {
    return Math.max(0, ...this.#sums.values()) / Math.max(1, this.#looks)
  }

  /** Of the looks at pages that are no newcomers, those that saw two or more connections by one hostile introducer. */
  get twice(): number {
    return this.#twice / Math.max(1, this.#settled)
  }
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
  const brought = new Brought()
  const dials = sim.log.count('dial-started')
  await world.run(minutes * 60_000, (at) => {
    if (at % lookEveryMs === 0) shortages.look(world.pages, sim.clock.now())
    if (at % countEveryMs === 0) brought.look(world.pages, sim.clock.now())
  })
  brought.look(world.pages, sim.clock.now())
  const { looked, inBand, graphs, split, parts, lost } = world.seen
  const links = gang.members.map(({ links: { size } }) => size).sort((a, b) => a - b)
  const taken = [...world.pages].map(({ network }) => network.introductions.takenIntroductions / minutes)
  const isOneGraph = parts === 1
  return {
    figures: [
      figure('connections by the busiest hostile introducer: mean, at the end', `${percent(brought.mean)}, ${percent(brought.last)}`),
      figure('pages older than ten minutes: looks that saw two by one', percent(brought.twice)),
      figure('their connections without one hostile page and its: fewest', brought.leastLeft),
      figure('hostile: of the population, of the connections', `${percent(hostile / pools)}, ${percent(brought.withHostile)}`),
      figure('connections of a hostile page: least, median, most', `${links[0]}, ${links[links.length >> 1]}, ${links.at(-1)}`),
      figure('time with at least their minimum', percent(inBand / Math.max(1, looked))),
      figure('longest time below it of a page that is no newcomer, s', Math.round(shortages.longestMs / 1_000)),
      figure('newcomers connected with nobody after 10 s', lost),
      figure('looks at the graph, of which in parts; parts at the end', `${graphs}, ${split}; ${parts}`),
      figure('introductions that a page agreed to in a minute: mean, most', `${mean(taken).toFixed(2)}, ${Math.max(...taken).toFixed(2)}`),
      figure('dials, of which connected', `${sim.log.count('dial-started') - dials}, ${sim.log.count('connection-opened') / 2}`)
    ],
    isMet: Math.max(brought.mean, brought.last) <= barShare && brought.leastLeft > 0 && shortages.longestMs <= maxBelowMs && isOneGraph,
    ...closing(sim),
    plot: undefined
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

const bar = `at most ${barShare * 100} % of the connections by one hostile introducer, in the mean and at the end; a page of ten minutes would keep a connection without it and all that it brought about; no page below its minimum for longer than ${maxBelowMs / 1_000} s; one graph of honest pages`

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
