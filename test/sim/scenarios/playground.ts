/** A world of the playground, as the page shows it: for whoever saw something there, or wants its figures without a page. */
import type { Sample } from '../figures.ts'
import { fillS, type Look, meetS } from '../playground-figures.ts'
import { PlaygroundWorld } from '../playground-world.ts'
import { bandPlot } from '../plot.ts'
import { closing, figure, percent, type Scenario } from '../scenario.ts'
import { readWorld } from '../world-settings.ts'

const defaultMinutes = 5

export const playground: Scenario = {
  name: 'playground',
  about: 'relays, Node peers and pages behind them, as the page of `npm run playground` shows them; --world says how many of each',
  bar: 'none',
  pools: [100],
  async run({ pools, seed, minutes = defaultMinutes, world: text }) {
    const settings = readWorld(text ?? `pools=${pools}&seed=${seed}`)
    const world = new PlaygroundWorld(settings)
    const looks: Look[] = []
    while (world.second < Math.round(minutes * 60)) {
      await world.step()
      looks.push(world.look())
    }
    const { timeWithMinimum, splitS, deaths, dials, opened } = world.story
    const last = looks.at(-1)
    const { least, mean, most } = last?.others ?? {}
    const { bounds } = world.sim.up.find((machine) => world.kindOf(machine) !== 'relay')?.program?.state ?? {}
    return {
      figures: [
        figure('pools: relays, Node peers, pages', kindsOf(world)),
        figure(`time with at least the minimum, from ${fillS} s on`, percent(timeWithMinimum)),
        figure(`seconds in parts, from ${meetS} s on`, splitS),
        figure('connections at the end, without relays: least, mean, most', `${least}, ${mean?.toFixed(1)}, ${most}`),
        figure('deaths', deaths),
        figure('dials, of which connected', `${dials}, ${opened}`),
        figure('known, connected: share of liars', `${percent(last?.hostileKnown ?? 0)}, ${percent(last?.hostileConnected ?? 0)}`)
      ],
      isMet: undefined,
      ...closing(world.sim),
      plot: bounds === undefined ? undefined : bandPlot(`A world of the playground: ${text ?? ''}`, looks.map(sampleOf), bounds)
    }
  }
}

function kindsOf({ kinds }: PlaygroundWorld): string {
  return (['relay', 'node', 'page'] as const).map((kind) => kinds.filter((one) => one === kind).length).join(', ')
}

function sampleOf({ atS, others, parts }: Look): Sample {
  const { up, withMinimum, least, mean, most } = others
  return { atS, machines: up, least, middle: mean, most, mean, within: withMinimum, parts }
}
