/**
 * Strangers who tell of points that are nobody's, or their own, as fast as a link takes them, while the pool they tell has
 * use for points: honest peers come and go, and the pool itself is killed every five minutes and begins with what it has saved.
 */
import type { Point } from '../../../src/core/values/ids.ts'
import { churn, honestWorld, hostileShareConnected, hostileShareKnown, provenPoints, startWatched } from '../hostile/honest.ts'
import { answerEverywhere, type Conduct, hostilePoint, Intruder, isHostile } from '../hostile/intruder.ts'
import type { Machine } from '../machine.ts'
import { closing, type Figure, figure, percent, type RunOptions, type Scenario } from '../scenario.ts'
import { pointOf, Simulation } from '../simulation.ts'

const proven = 100
const pointsPerSource = 10_000
const pointsPerMessage = 100
const defaultMinutes = 30
const restartEveryMinutes = 5
const churnShare = 0.1
/** Dials after a restart that must not all be hostile. */
const firstDials = 8

interface Outcome {
  readonly sim: Simulation
  /** The largest shares that were ever seen, once a minute. */
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

async function flood(
  { pools, seed, checking, minutes = defaultMinutes }: RunOptions,
  { sources, answers }: { sources: number; answers: boolean }
): Promise<Outcome> {
  const sim = new Simulation({ seed, checking: checking ?? { everySteps: 2_000 } })
  const [first, ...others] = await honestWorld(sim, pools)
  const victim = sim.add({ trustedPoints: [{ point: pointOf(first), expectedPeerId: undefined }] })
  let dials: Point[] = []
  const all: Point[] = []
  const dialed = (point: Point): void => {
    dials.push(point)
    all.push(point)
  }
  const pool = await startWatched(sim, victim, dialed)
  for (const machine of others.slice(0, proven)) await sim.clock.until(pool.connect(pointOf(machine)).catch(() => undefined))
  await sim.run(60_000)
  const before = provenPoints(victim)

  const told = tell(sim, victim, { sources, answers })
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
    await sim.run(60_000)
    told.again()
    const known = hostileShareKnown(victim, told.from)
    out.known = Math.max(out.known, known)
    out.connected = Math.max(out.connected, hostileShareConnected(victim))
    series.push([minute, known * 100])
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

interface Telling {
  /** Where the sources themselves are. */
  readonly from: ReadonlySet<Point>
  /** Each tells some more. */
  again(): void
}

/** Connects the sources to the victim, again whenever they were thrown out, and lets each tell all it has. */
function tell(sim: Simulation, victim: Machine, { sources, answers }: { sources: number; answers: boolean }): Telling {
  const next = new Map<Intruder, number>()
  const someOf = (source: Intruder, base: number): string[] => {
    const from = next.get(source) ?? 0
    next.set(source, (from + pointsPerMessage) % pointsPerSource)
    return Array.from({ length: pointsPerMessage }, (_, i) => hostilePoint(base + from + i))
  }
  const conductOf = (base: number): Conduct => ({
    heard: (link, message, self) => {
      if (message.kind === 'bootstrap') self.say(link, { kind: 'advertise', points: someOf(self, base), ownPoints: undefined })
    }
  })
  // Those who answer tell of the points of all sources, as a source does.
  if (answers) answerEverywhere(sim, conductOf(sources))
  const intruders = Array.from({ length: sources }, (_, i) => {
    const base = sources + i * pointsPerSource
    return { base, self: new Intruder(sim, hostilePoint(i), conductOf(base)) }
  })
  const speak = ({ base, self }: (typeof intruders)[number]): void => {
    if (self.links.size === 0) void self.connect(pointOf(victim))
    for (const link of self.links) self.say(link, { kind: 'advertise', points: someOf(self, base), ownPoints: undefined })
  }
  // All of it in the first two minutes, then once a minute.
  for (let second = 1; second <= 120; second++) sim.at(second * 1_000, () => intruders.forEach(speak))
  return { from: new Set(intruders.map(({ self }) => self.point)), again: () => intruders.forEach(speak) }
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
  about: 'one peer tells a pool of 10,000 points, again and again for half an hour, of which none answers',
  bar: 'at most 5 % of the known points are its own, no proven point lost',
  pools: 200,
  async run(options) {
    const out = await flood(options, { sources: 1, answers: false })
    return {
      figures: figuresOf('one source', out),
      isMet: out.known <= 0.05 && out.lost === 0,
      ...closing(out.sim),
      plot: plotOf('One peer tells of 10,000 points', [{ name: 'one source', color: '#b4483b', out }], 5)
    }
  }
}

export const sources: Scenario = {
  name: 'sources',
  about:
    'ten peers in ten address groups tell a pool of 10,000 points each, for half an hour; once nobody answers there, once their own do',
  bar: 'at most 50 % of known (60 % where they answer), no proven point lost, at most 55 % of dials',
  pools: 200,
  async run(options) {
    const silent = await flood(options, { sources: 10, answers: false })
    const answering = await flood(options, { sources: 10, answers: true })
    const isMet = (out: Outcome, share: number): boolean =>
      out.known <= share && out.lost === 0 && out.hostileDials <= 0.55 * out.dials && out.captured === 0
    return {
      figures: [...figuresOf('nobody answers', silent), ...figuresOf('their own answer', answering)],
      isMet: isMet(silent, 0.5) && isMet(answering, 0.6),
      violations: [...silent.sim.violations, ...answering.sim.violations],
      hash: `${silent.sim.log.hash}${answering.sim.log.hash}`,
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
