/** The facts about the sliders: each of them changes what is seen. */
import { eventually, expectThat } from './demo-facts.ts'
import type { PlaygroundCheck } from './playground-check-context.ts'
import { PlaygroundVisitor } from './playground-visitor.ts'

/** What one glance tells. */
interface Glance {
  /** Marks on the map by kind. */
  readonly relay: number
  readonly node: number
  readonly page: number
  readonly liar: number
  /** Running pools. */
  readonly up: number
  readonly least: number
  readonly mean: number
  readonly most: number
  readonly liars: string
  readonly hash: string
}

/** In a world of 40 pools, after so many seconds. */
const lookAtS = 25

interface Slider {
  readonly name: string
  readonly to: number
  readonly changes: string
  isSeen(after: Glance, before: Glance): boolean
}

const sliders: readonly Slider[] = [
  { name: 'pools', to: 80, changes: 'more marks', isSeen: (after) => after.relay + after.node + after.page === 80 },
  { name: 'relays', to: 8, changes: 'more squares', isSeen: (after) => after.relay === 8 },
  { name: 'pages', to: 0, changes: 'no triangles', isSeen: (after) => after.page === 0 && after.node > 30 },
  { name: 'churn', to: 50, changes: 'pools that do not run', isSeen: (after) => after.up < 40 },
  {
    name: 'liars',
    to: 25,
    changes: 'crosses, and their share',
    isSeen: (after) => after.liar === 10 && /^Liars: (?!0\.0)/.test(after.liars)
  },
  { name: 'min', to: 10, changes: 'more connections', isSeen: (after, before) => after.mean > before.mean + 1 },
  { name: 'expected', to: 12, changes: 'more connections', isSeen: (after, before) => after.mean > before.mean },
  { name: 'max', to: 4, changes: 'fewer connections', isSeen: (after, before) => after.mean < before.mean - 1 }
]

export async function checkControls({ facts, browser, url }: PlaygroundCheck): Promise<void> {
  const visitor = await PlaygroundVisitor.open(browser, url)
  const look = async (): Promise<Glance> => {
    await visitor.setSpeed(0)
    return glance(visitor, (await visitor.runTo(lookAtS)).hash)
  }
  for (const { name, to, changes, isSeen } of sliders) {
    await facts.holds(`the slider “${name}” changes what is seen: ${changes}`, async () => {
      const before = await begin(visitor, 'pools=40&churn=0').then(look)
      await visitor.setSpeed(1)
      await visitor.slide(name, to)
      await newWorld(visitor)
      const after = await look()
      expectThat(isSeen(after, before), { expected: changes, seen: { before, after } })
      return undefined
    })
  }
  await facts.holds('another seed is another run, and the same seed the same again', async () => {
    const runs: ReadonlyMap<number, string>[] = []
    for (const seed of [3, 4, 3]) runs.push(await hashes(visitor, seed))
    const [one, other, again] = runs
    const common = [...(one ?? [])].filter(([second]) => again?.has(second) && other?.has(second))
    expectThat(common.length > 0 && common.every(([second, hash]) => again?.get(second) === hash && other?.get(second) !== hash), {
      expected: 'the first and the third to be equal',
      seen: runs.map((run) => [...run])
    })
    return `${common.length} seconds compared`
  })
  await visitor.close()
}

/** In real time: a fast machine runs past the beginning before it is seen. */
async function begin(visitor: PlaygroundVisitor, world: string): Promise<void> {
  await visitor.setSpeed(1)
  await visitor.page.evaluate((hash) => location.replace(`#${hash}`), world)
  await visitor.page.click('#restart')
  await newWorld(visitor)
}

async function newWorld(visitor: PlaygroundVisitor): Promise<void> {
  await eventually(async () => (await visitor.seconds()) < lookAtS || undefined, { expected: 'a world from the beginning' })
}

/** The event log at each second that the page shows. */
async function hashes(visitor: PlaygroundVisitor, seed: number): Promise<ReadonlyMap<number, string>> {
  await begin(visitor, `pools=40&seed=${seed}`)
  await visitor.setSpeed(10)
  const texts = await visitor.page.evaluate(collectStories, 2_000)
  return new Map(texts.flatMap((text) => (/^\d+ s/.test(text) ? [[Number.parseInt(text, 10), text.slice(-17, -1)] as const] : [])))
}

/** Runs in the page. */
async function collectStories(forMs: number): Promise<string[]> {
  const place = document.querySelector('#story')
  const texts: string[] = []
  const watching = new MutationObserver(() => texts.push(place?.textContent ?? ''))
  watching.observe(place as Element, { childList: true, characterData: true, subtree: true })
  await new Promise((resolve) => setTimeout(resolve, forMs))
  watching.disconnect()
  return texts
}

async function glance(visitor: PlaygroundVisitor, hash: string): Promise<Glance> {
  const count = async (kind: string): Promise<number> => Number(await visitor.page.locator(`[data-count="${kind}"]`).textContent())
  const [least = 0, mean = 0, most = 0] = (await visitor.text('connections')).split(' – ').map(Number)
  const running = async (id: string): Promise<number> => Number((await visitor.text(id)).split(' of ')[1])
  const up = (await running('minimum')) + (await running('relays-minimum'))
  const liars = (await visitor.page.textContent('#liars-line')) ?? ''
  const [relay, node, page, liar] = [await count('relay'), await count('node'), await count('page'), await count('liar')]
  return { relay, node, page, liar, up, least, mean, most, liars, hash }
}
