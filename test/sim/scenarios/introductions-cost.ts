/** What the option `introductions` costs a network whose servers run: the same pages, with the option and without. */
import { PagesAlone } from '../pages-alone.ts'
import { closing, type Figure, figure, percent, type Report, type RunOptions, type Scenario } from '../scenario.ts'

const churnPerMinute = 0.02
const defaultMinutes = 60

export const introductionsCost: Scenario = {
  name: 'introductions-cost',
  about: 'pages whose servers run, 2 % a minute leave, for --minutes (default: 60), with the option introductions and without',
  bar: 'none: figures',
  pools: [100],
  async run(options) {
    const [off, on] = [await runWorld(options, false), await runWorld(options, true)]
    return {
      figures: off.figures.map(({ name, value }, i) => figure(name, `${value} | ${on.figures[i]?.value}`)),
      isMet: undefined,
      violations: [...off.violations, ...on.violations],
      hash: `${off.hash} ${on.hash}`,
      plot: undefined
    }
  }
}

async function runWorld({ pools, seed, checking, minutes = defaultMinutes }: RunOptions, introductions: boolean): Promise<Report> {
  const world = new PagesAlone({ pages: pools, seed, churn: churnPerMinute, options: { introductions }, checking })
  const { sim } = world
  const total = { writes: 0, bytes: 0, passed: 0, taken: 0 }
  const before = new Map<object, { writes: number; bytes: number }>()
  await world.settle()
  const events = ['dial-started', 'connection-opened', 'bootstrap-sent', 'advertise-received'] as const
  const counted = events.map((name) => sim.log.count(name))
  const connections = { server: 0, page: 0, looks: 0 }
  for (const { network } of sim.machines) before.set(network, { ...network.sent })
  const seen = new Set(sim.machines)
  await world.run(minutes * 60_000, (at) => {
    for (const machine of sim.machines) seen.add(machine)
    if (at % 10_000 !== 0) return
    for (const page of world.pages) {
      const servers = world.serversOf(page).length
      connections.looks++
      connections.server += servers
      connections.page += page.active - servers
    }
  })
  for (const machine of seen) {
    if (world.servers.includes(machine)) continue
    const { network } = machine
    const since = before.get(network) ?? { writes: 0, bytes: 0 }
    total.writes += network.sent.writes - since.writes
    total.bytes += network.sent.bytes - since.bytes
    total.passed += network.introductions.passedBytes
    total.taken += network.introductions.takenIntroductions
  }
  const hours = (pools * minutes) / 60
  const [dials = 0, opened = 0, asked = 0, answered = 0] = events.map((name, i) => sim.log.count(name) - (counted[i] ?? 0))
  const { looked, inBand } = world.seen
  const perHour = (name: string, value: number): Figure => figure(`${name}, per page-hour`, (value / hours).toFixed(1))
  return {
    figures: [
      perHour('without | with the option: dials, those of servers included', dials),
      perHour('connections opened, both ends', opened),
      perHour('points asked for; all pools', asked),
      perHour('points received; all pools', answered),
      perHour('writes of pages', total.writes),
      perHour('KiB of pages', total.bytes / 1_024),
      perHour('KiB of signalling passed on by pages', total.passed / 1_024),
      perHour('introductions that a page agreed to', total.taken),
      figure(
        'connections of a page: servers, pages',
        `${share(connections.server, connections.looks)}, ${share(connections.page, connections.looks)}`
      ),
      figure('time with at least the minimum', percent(inBand / Math.max(1, looked)))
    ],
    isMet: undefined,
    ...closing(sim),
    plot: undefined
  }
}

function share(sum: number, count: number): string {
  return (sum / Math.max(1, count)).toFixed(2)
}
