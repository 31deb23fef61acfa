/**
 * Two hostile peers that every pool holds offer swaps whenever they may, and answer every offer. What they give are hostile
 * peers too, who do the same as soon as they are let in.
 */
import { honestWorld, hostileShareConnected } from '../hostile/honest.ts'
import { answerEverywhere, type Conduct, hostilePoint, Intruder, idAt } from '../hostile/intruder.ts'
import { closing, figure, percent, type Scenario, worldOf } from '../scenario.ts'
import { pointOf } from '../simulation.ts'

const hostile = 2
/** Hosts that the two can send somebody from. */
const accomplices = 2_000
const offerEveryMs = 10_000
const sampleEveryMs = 600_000
const defaultMinutes = 24 * 60
const bar = 0.1

export const swappers: Scenario = {
  name: 'swappers',
  about: `${hostile} hostile peers that all pools hold swap whenever they may, for a day; whom they give is hostile too`,
  bar: 'at most 10 % of the connections hostile after 24 h, in every pool',
  pools: [50],
  async run(options) {
    const { pools, minutes = defaultMinutes } = options
    const sim = worldOf(options, 1_000)
    const honest = await honestWorld(sim, pools)
    let drawn = 0
    const conduct: Conduct = {
      joined: (link, self) => offer(link, self),
      heard: (link, message, self) => {
        if (message.kind === 'swap-request') self.say(link, { kind: 'swap-ack', ...accomplice() })
      }
    }
    function accomplice(): { point: string; peerId: string } {
      const point = hostilePoint(hostile + (drawn++ % accomplices))
      return { point, peerId: idAt(point) }
    }
    function offer(link: Parameters<Intruder['say']>[0], self: Intruder): void {
      if (!self.links.has(link)) return
      self.say(link, { kind: 'swap-request', ...accomplice() })
      sim.at(offerEveryMs, () => offer(link, self))
    }
    answerEverywhere(sim, conduct)
    const swapping = Array.from({ length: hostile }, (_, i) => new Intruder(sim, hostilePoint(i), conduct))
    const shares: (readonly [number, number])[] = []
    const worst: (readonly [number, number])[] = []
    for (let at = 0; at < minutes * 60_000; at += sampleEveryMs) {
      for (const machine of honest)
        for (const intruder of swapping)
          if (![...intruder.links].some(({ peerId }) => peerId === machine.network.peerId)) void intruder.connect(pointOf(machine))
      await sim.run(sampleEveryMs)
      const each = honest.map(hostileShareConnected)
      const hours = (at + sampleEveryMs) / 3_600_000
      shares.push([hours, (100 * each.reduce((sum, share) => sum + share, 0)) / each.length])
      worst.push([hours, 100 * Math.max(...each)])
    }
    sim.check()
    const atEnd = honest.map(hostileShareConnected)
    return {
      figures: [
        figure('of the connections hostile at the end, in all', percent((shares.at(-1)?.[1] ?? 0) / 100)),
        figure('in the pool that has most of them', percent(Math.max(...atEnd))),
        figure('at most, ever, in any pool', percent(Math.max(...worst.map(([, share]) => share)) / 100)),
        figure('swaps that succeeded', sim.log.count('swap-success')),
        figure('swaps that failed', sim.log.count('swap-failure')),
        figure('offers of swaps that pools ignored', sim.log.count('swap-request-ignored'))
      ],
      isMet: Math.max(...atEnd) <= bar,
      ...closing(sim),
      plot: {
        title: 'Two hostile peers swap whenever they may',
        x: 'virtual hours',
        y: '% of the connections hostile',
        series: [
          { name: 'in all pools', color: '#3b6fb4', points: shares },
          { name: 'in the worst one', color: '#b4483b', points: worst }
        ],
        band: { from: 0, to: bar * 100, name: 'bar: 10 %' }
      }
    }
  }
}
