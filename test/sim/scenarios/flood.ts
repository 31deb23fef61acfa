/**
 * Strangers who tell of points that are nobody's, or their own, as fast as a link takes them, while the pool they tell has
 * use for points: honest peers come and go, and the pool itself is killed every ten minutes and begins with what it has saved.
 * Every hostile point counts, also the one at which a source itself is.
 */
import type { Point } from '../../../src/core/values/ids.ts'
import { churn, honestWorld, hostileShareConnected, hostileShareKnown, provenPoints, startWatched } from '../hostile/honest.ts'
import { answerEverywhere, type Conduct, hostilePoint, Intruder, idAt, isHostile } from '../hostile/intruder.ts'
import type { Machine } from '../machine.ts'
import { type Figure, figure, percent, type Report, type RunOptions, type Scenario, worldOf } from '../scenario.ts'
import { pointOf, type Simulation } from '../simulation.ts'

const proven = 100
const pointsPerSource = 10_000
const pointsPerMessage = 100
const defaultMinutes = 60
const restartEveryMinutes = 10
const looksPerMinute = 6
const churnShare = 0.1
/** Dials after a restart that must not all be hostile. */
const firstDials = 8

interface Outcome {
  readonly sim: Simulation
  /** The largest shares that were ever seen, every ten seconds. */
  readonly known: number
  readonly connected: number
  readonly dials: number
  readonly hostileDials: number
  readonly lost: number
  readonly provenAtFirst: number
  readonly restarts: number
  /** Restarts whose first dials were all hostile. */
  readonly captured: number
  readonly series: readonly (readonly [number, number])[]
}

interface Attack {
  readonly sources: number
  /** Somebody is at the points that they tell of, and tells of more. */
  readonly answers: boolean
  /** Each leaves once a minute and comes back from its host with a peer id that nobody has met. */
  readonly renamed: boolean
}

async function flood(options: RunOptions, attack: Attack): Promise<Outcome> {
  const { pools, minutes = defaultMinutes } = options
  const sim = worldOf(options, 2_000)
  const [first, ...others] = await honestWorld(sim, pools)
  const victim = sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
  let dials: Point[] = []
  const all: Point[] = []
  const dialed = (point: Point): void => {
    dials.push(point)
    all.push(point)
  }
  const pool = await startWatched(sim, victim, dialed)
  // Full ones tell of others instead of taking it: it goes on until it has met enough.
  for (const machine of others) {
    if (provenPoints(victim).length >= proven) break
    await sim.clock.until(pool.connect(pointOf(machine)).catch(() => undefined))
  }
  await sim.run(60_000)
  const before = provenPoints(victim)

  const again = tell(sim, victim, attack)
  churn(sim, others, churnShare)
  all.length = 0
  const out = { known: 0, connected: 0, restarts: 0, captured: 0 }
  const series: (readonly [number, number])[] = []
  for (let minute = 1; minute <= minutes; minute++) {
    if (minute % restartEveryMinutes === 0) {
      sim.kill(victim)
      dials = []
      await startWatched(sim, victim, dialed)
    }
    for (let look = 0; look < looksPerMinute; look++) {
      await sim.run(60_000 / looksPerMinute)
      out.known = Math.max(out.known, hostileShareKnown(victim))
      out.connected = Math.max(out.connected, hostileShareConnected(victim))
    }
    again()
    series.push([minute, hostileShareKnown(victim) * 100])
    if (minute % restartEveryMinutes === 0) {
      out.restarts++
      if (dials.slice(0, firstDials).every(isHostile)) out.captured++
    }
  }
  sim.check()
  const after = new Set(provenPoints(victim))
  return {
    ...out,
    sim,
    series,
    dials: all.length,
    hostileDials: all.filter(isHostile).length,
    lost: before.filter((point) => !after.has(point)).length,
    provenAtFirst: before.length
  }
}

/**
 * Connects the sources to the victim, again whenever they were thrown out, and lets each tell all it has. The function that it
 * gives lets each tell some more.
 */
function tell(sim: Simulation, victim: Machine, { sources, answers, renamed }: Attack): () => void {
  const next = new Map<number, number>()
  const someOf = (base: number): Point[] => {
    const from = next.get(base) ?? 0
    next.set(base, (from + pointsPerMessage) % pointsPerSource)
    return Array.from({ length: pointsPerMessage }, (_, i) => hostilePoint(base + from + i))
  }
  const conductOf = (base: number): Conduct => ({
    heard: (link, message, self) => {
      if (message.kind === 'bootstrap') self.advertise(link, someOf(base))
    }
  })
  // Those who answer tell of the points of all sources, as a source does.
  if (answers) answerEverywhere(sim, conductOf(sources))
  const tellers = Array.from({ length: sources }, (_, i) => {
    const base = sources + i * pointsPerSource
    return { base, point: hostilePoint(i), self: new Intruder(sim, hostilePoint(i), conductOf(base)) }
  })
  const speak = ({ base, self }: (typeof tellers)[number]): void => {
    if (self.links.size === 0) void self.connect(pointOf(victim))
    for (const link of self.links) self.advertise(link, someOf(base))
  }
  let names = 0
  const rename = (teller: (typeof tellers)[number]): void => {
    for (const link of teller.self.links) void link.close()
    teller.self = new Intruder(sim, teller.point, conductOf(teller.base), `${idAt(teller.point)}-${++names}`)
  }
  // All of it in the first two minutes, then once a minute.
  for (let second = 1; second <= 120; second++) sim.at(second * 1_000, () => tellers.forEach(speak))
  return () => {
    if (renamed) tellers.forEach(rename)
    tellers.forEach(speak)
    // A new name is let in only now.
    if (renamed) sim.at(5_000, () => tellers.forEach(speak))
  }
}

function figuresOf(name: string, out: Outcome): Figure[] {
  return [
    figure(`${name}: of the known points hostile, at most`, percent(out.known)),
    figure(`${name}: proven points lost`, `${out.lost} of ${out.provenAtFirst}`),
    figure(`${name}: dials to hostile points`, `${percent(out.hostileDials / Math.max(1, out.dials))} of ${out.dials}`),
    figure(`${name}: of the connections hostile, at most`, percent(out.connected)),
    figure(`${name}: restarts whose first ${firstDials} dials were all hostile`, `${out.captured} of ${out.restarts}`)
  ]
}

const plotOf = (title: string, runs: readonly { name: string; color: string; out: Outcome }[], limit: number) => ({
  title,
  x: 'virtual minutes',
  y: '% of the known points hostile',
  series: runs.map(({ name, color, out }) => ({ name, color, points: out.series })),
  band: { from: 0, to: limit, name: `bar: ${limit} %` }
})

export const advertise: Scenario = {
  name: 'advertise',
  about: 'one peer tells a pool of 10,000 points, again and again for an hour, of which none answers; once under a new id each minute',
  bar: 'at most 5 % of the known points hostile, no proven point lost',
  pools: [200],
  async run(options) {
    const one = await flood(options, { sources: 1, answers: false, renamed: false })
    const renamed = await flood(options, { sources: 1, answers: false, renamed: true })
    const isMet = ({ known, lost }: Outcome): boolean => known <= 0.05 && lost === 0
    return {
      figures: [...figuresOf('one source', one), ...figuresOf('ever new ids', renamed)],
      isMet: isMet(one) && isMet(renamed),
      ...closingBoth(one, renamed),
      plot: plotOf(
        'One peer tells of 10,000 points',
        [
          { name: 'one source', color: '#b4483b', out: one },
          { name: 'under ever new ids', color: '#3b6fb4', out: renamed }
        ],
        5
      )
    }
  }
}

export const sources: Scenario = {
  name: 'sources',
  about: 'ten peers in ten address groups tell a pool of 10,000 points each, for an hour; once nobody answers there, once their own do',
  bar: 'at most 50 % of known (60 % where they answer), no proven point lost, at most 55 % of dials',
  pools: [200],
  async run(options) {
    const silent = await flood(options, { sources: 10, answers: false, renamed: false })
    const answering = await flood(options, { sources: 10, answers: true, renamed: false })
    const isMet = (out: Outcome, share: number): boolean =>
      out.known <= share && out.lost === 0 && out.hostileDials <= 0.55 * out.dials && out.captured === 0
    return {
      figures: [...figuresOf('nobody answers', silent), ...figuresOf('their own answer', answering)],
      isMet: isMet(silent, 0.5) && isMet(answering, 0.6),
      ...closingBoth(silent, answering),
      plot: plotOf(
        'Ten peers tell of 10,000 points each',
        [
          { name: 'nobody answers', color: '#b4483b', out: silent },
          { name: 'their own answer', color: '#3b6fb4', out: answering }
        ],
        50
      )
    }
  }
}

function closingBoth(a: Outcome, b: Outcome): Pick<Report, 'violations' | 'hash'> {
  return { violations: [...a.sim.violations, ...b.sim.violations], hash: `${a.sim.log.hash}${b.sim.log.hash}` }
}
