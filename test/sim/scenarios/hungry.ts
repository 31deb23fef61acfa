/**
 * A hungry pool that a liar tells of points, as many and as often as it takes them, at which nobody is: how often can the liar have it
 * dial hosts of his choice, and does he keep it from honest peers that it knows of too?
 */
import { isIntroduction } from '../../../src/core/values/address.ts'
import type { Point } from '../../../src/core/values/ids.ts'
import { honestWorld, startWatched } from '../hostile/honest.ts'
import { type Conduct, hostilePoint, Intruder, isHostile } from '../hostile/intruder.ts'
import { figure, type RunOptions, type Scenario, worldOf } from '../scenario.ts'
import { pointOf, type Simulation } from '../simulation.ts'

const points = 10_000
const pointsPerMessage = 100
const defaultMinutes = 60
const tellEveryMs = 1_000
/** Of a pool that has nobody else: dials a minute to points of one liar, once it has seen what his word is worth. */
const maxDialsPerMinute = 12
const firstMinutes = 5
/** A liar that goes without a word so often makes a pool that has nobody else forget its back-offs each time. */
const leaveEveryMs = 61_000
/** With one honest peer more it reaches its band in this time. */
const maxFillMs = 60_000

/** A liar at hostile point 0; it tells of all others in turn. `leaves`: now and then it breaks the link, and may be dialed again. */
function liar(sim: Simulation, { leaves }: { leaves: boolean }): Intruder {
  let next = 1
  const more = (): Point[] => Array.from({ length: pointsPerMessage }, () => hostilePoint(1 + (next++ % points)))
  const conduct: Conduct = {
    joined: (link, self) => {
      tell(link, self)
      if (leaves) sim.at(leaveEveryMs, () => link.abort('without a word'))
    },
    heard: (link, message, self) => {
      if (message.kind === 'bootstrap') self.advertise(link, more())
    }
  }
  function tell(link: Parameters<Intruder['say']>[0], self: Intruder): void {
    if (!self.links.has(link)) return
    self.advertise(link, more())
    sim.at(tellEveryMs, () => tell(link, self))
  }
  return new Intruder(sim, hostilePoint(0), conduct)
}

async function starve(
  options: RunOptions,
  { minutes, leaves }: { minutes: number; leaves: boolean }
): Promise<{ sim: Simulation; perMinute: number[]; asked: number }> {
  const sim = worldOf(options)
  const self = liar(sim, { leaves })
  const victim = sim.add({ trustedPoints: [{ point: self.point, expectedPeerId: undefined }] })
  let [dials, asked] = [0, 0]
  await startWatched(sim, victim, (point: Point) => {
    // A request on the connection with the liar, and no dial to a host of its choice.
    if (isIntroduction(point)) asked++
    else if (point !== self.point) dials++
  })
  const perMinute: number[] = []
  for (let minute = 0; minute < minutes; minute++) {
    const before = dials
    await sim.run(60_000)
    perMinute.push(dials - before)
  }
  sim.check()
  return { sim, perMinute, asked }
}

async function fill(options: RunOptions): Promise<{ sim: Simulation; filledAfterMs: number; hostileDials: number }> {
  const sim = worldOf(options, 1_000)
  const [, honest] = await honestWorld(sim, options.pools)
  const self = liar(sim, { leaves: false })
  const known = [self.point, ...(honest === undefined ? [] : [pointOf(honest)])]
  const victim = sim.add({ trustedPoints: known.map((point) => ({ point, expectedPeerId: undefined })) })
  let hostileDials = 0
  await startWatched(sim, victim, (point: Point) => {
    if (isHostile(point) && point !== self.point) hostileDials++
  })
  let filledAfterMs = 0
  while (victim.active < 36 && filledAfterMs < 600_000) {
    await sim.run(1_000)
    filledAfterMs += 1_000
  }
  sim.check()
  return { sim, filledAfterMs, hostileDials }
}

export const hungry: Scenario = {
  name: 'hungry',
  about: 'a pool that knows a liar alone is told of 10,000 points where nobody is, for an hour; another one knows an honest pool as well',
  bar: `after ${firstMinutes} minutes at most ${maxDialsPerMinute} dials a minute to points of the liar, the mean if it leaves each minute; the other one fills within ${maxFillMs / 1_000} s`,
  pools: [100],
  async run(options) {
    const { minutes = defaultMinutes } = options
    const starving = await starve(options, { minutes, leaves: false })
    const left = await starve(options, { minutes, leaves: true })
    const filling = await fill(options)
    const later = Math.max(...starving.perMinute.slice(firstMinutes))
    // Its dials come ten at a time, a minute apart or more, and two of these may fall into one minute of ours.
    const laterLeft = sum(left.perMinute.slice(firstMinutes)) / (minutes - firstMinutes)
    return {
      figures: [
        figure('dials in each of the first minutes', starving.perMinute.slice(0, firstMinutes).join(', ')),
        figure('dials a minute afterwards, at most', later),
        figure('dials in all', sum(starving.perMinute)),
        figure('if it leaves each minute: dials a minute afterwards, mean', laterLeft),
        figure('introductions asked of it in a minute; if it leaves', `${perMinuteOf(starving)}; ${perMinuteOf(left)}`),
        figure('with an honest pool too: at its lower target after s', filling.filledAfterMs / 1_000),
        figure('dials to points of the liar until then', filling.hostileDials)
      ],
      isMet: Math.max(later, laterLeft) <= maxDialsPerMinute && filling.filledAfterMs <= maxFillMs,
      violations: [starving, left, filling].flatMap(({ sim }) => sim.violations),
      hash: [starving, left, filling].map(({ sim }) => sim.log.hash).join(''),
      plot: undefined
    }
  }
}

function perMinuteOf({ asked, perMinute }: { readonly asked: number; readonly perMinute: readonly number[] }): string {
  return (asked / perMinute.length).toFixed(1)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
