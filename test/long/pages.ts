/**
 * Twenty pages in Chromium whose two relays are killed. From then on each minute one page closes, a newcomer takes its place, and one reloads. Both
 * know no server that runs, so another page lets them in.
 */
import { type Finding, type LongRun, type LongRunOptions, median, pause, seconds } from './finding.ts'
import { partsOf } from './page-graph.ts'
import { joinsWithinMs, type Life, PageNetwork } from './page-network.ts'

const defaultPages = 20
const defaultMinutes = 60
const lookEveryMs = 2_000
/** Until all pages are in their band, ms. */
const settleWithinMs = 120_000
/** In it for so long before the relays are killed, ms. */
const steadyMs = 20_000
/** Time that does not count after the relays were killed, ms. */
const graceMs = 60_000
const minShare = 0.95

export const pages: LongRun = {
  name: 'pages',
  about: '20 pages go on without their relays; each minute one closes, one comes, one reloads. 63 minutes',
  async run(options) {
    const world = await PageNetwork.start(options)
    try {
      return await watch(world, options)
    } finally {
      await world.stop()
    }
  }
}

async function watch(
  world: PageNetwork,
  { scale, minutes = defaultMinutes, pages = defaultPages, say }: LongRunOptions
): Promise<readonly Finding[]> {
  await world.openAll(pages)
  say(`${pages} pages are open`)
  await untilSteady(world)
  world.killRelays()
  const killedAt = performance.now()
  say('both relays are killed')
  const record = new Record(world, killedAt)
  console.log(record.head)
  for (let minute = 0; minute < minutes * scale; minute++) {
    const until = killedAt + (minute + 1) * 60_000
    const half = async (end: number, disturb: () => Promise<void>): Promise<void> => {
      const disturbed = disturb().catch((error: unknown) => say(`the churn failed: ${String(error)}`))
      await record.lookUntil(end)
      await disturbed
    }
    await half(until - 30_000, () => world.replaceOne())
    await half(until, () => world.reloadOne())
    console.log(await record.row(minute + 1))
  }
  for (const line of record.totals()) say(line)
  return record.findings()
}

async function untilSteady(world: PageNetwork): Promise<void> {
  const until = performance.now() + settleWithinMs
  let since = performance.now()
  while (performance.now() - since < steadyMs) {
    await pause(lookEveryMs)
    if (!(await world.look()).every(isInBand)) since = performance.now()
    if (performance.now() > until) throw new Error('the pages are not in their band while the relays run')
  }
}

function isInBand({ last }: Life): boolean {
  return last !== undefined && last.peers.length >= last.min && last.peers.length <= last.max
}

/** What the looks found. */
class Record {
  readonly #world: PageNetwork
  readonly #killedAt: number
  /** Looks at a page, and those where it was in its band, from `graceMs` on. */
  #all = 0
  #in = 0
  #graphs = 0
  #split = 0
  /** Of this minute. */
  #minute = { all: 0, in: 0, split: 0, longestTaskMs: 0, sizes: [] as number[] }
  #browserMs = 0
  #opened = 0
  #mainThread = new Map<Life, number>()
  readonly #mainThreadMs: number[] = []

  constructor(world: PageNetwork, killedAt: number) {
    this.#world = world
    this.#killedAt = killedAt
  }

  readonly head =
    'minute | in the band | connections: least, median, most | looks in parts | opened by introductions | main thread of a page: mean, most | longest task | Chromium'

  async lookUntil(end: number): Promise<void> {
    while (performance.now() < end) {
      const next = Math.min(end, performance.now() + lookEveryMs)
      this.#note(await this.#world.look())
      await pause(Math.max(0, next - performance.now()))
    }
  }

  #note(lives: readonly Life[]): void {
    const now = performance.now()
    const counts = now - this.#killedAt > graceMs
    const minute = this.#minute
    for (const life of lives) {
      minute.all++
      if (isInBand(life)) minute.in++
      if (counts) this.#all++
      if (counts && isInBand(life)) this.#in++
      minute.sizes.push(life.last?.peers.length ?? 0)
      minute.longestTaskMs = Math.max(minute.longestTaskMs, life.last?.longestTaskMs ?? 0)
    }
    const settled = new Set(lives.filter(({ startedAt }) => now - startedAt > joinsWithinMs).map(({ peerId }) => peerId))
    const parts = partsOf(new Map(lives.map(({ peerId, last }) => [peerId, last?.peers ?? []])), settled)
    if (parts > 1) minute.split++
    if (counts) this.#graphs++
    if (counts && parts > 1) this.#split++
  }

  async row(minute: number): Promise<string> {
    const { all, in: inBand, split, longestTaskMs, sizes } = this.#minute
    this.#minute = { all: 0, in: 0, split: 0, longestTaskMs: 0, sizes: [] }
    const before = { browserMs: this.#browserMs, opened: this.#opened }
    this.#browserMs = await this.#world.browser.processorMs()
    this.#opened = this.#count('opened: introduction')
    const worked = await this.#worked()
    const mean = worked.reduce((sum, ms) => sum + ms, 0) / worked.length
    this.#mainThreadMs.push(...worked)
    return [
      String(minute).padStart(6),
      percent(inBand / all),
      `${Math.min(...sizes)}, ${median(sizes)}, ${Math.max(...sizes)}`,
      String(split),
      String(this.#opened - before.opened),
      worked.length === 0 ? '-' : `${mean.toFixed(0)}, ${Math.max(...worked).toFixed(0)} ms`,
      `${longestTaskMs.toFixed(0)} ms`,
      before.browserMs === 0 ? '-' : `${((this.#browserMs - before.browserMs) / 600).toFixed(0)} % of a core`
    ].join(' | ')
  }

  /** What the main threads of the pages that were there all along have worked since the last row, ms. */
  async #worked(): Promise<readonly number[]> {
    const now = new Map<Life, number>()
    for (const life of this.#world.lives) now.set(life, await life.tab.mainThreadMs())
    const before = this.#mainThread
    this.#mainThread = now
    return [...now].flatMap(([life, ms]) => (before.has(life) ? [ms - (before.get(life) ?? 0)] : []))
  }

  #count(kind: string): number {
    return this.#lives().reduce((sum, { last }) => sum + (last?.counts[kind] ?? 0), 0)
  }

  #lives(): readonly Life[] {
    return [...this.#world.past, ...this.#world.lives]
  }

  /** One line for each kind of what happened, the connections made by the relays included. */
  totals(): readonly string[] {
    const kinds = new Set(this.#lives().flatMap(({ last }) => Object.keys(last?.counts ?? {})))
    const longTasksMs = this.#lives().reduce((sum, { last }) => sum + (last?.longTasksMs ?? 0), 0)
    return [
      ...[...kinds].sort().map((kind) => `${kind}: ${this.#count(kind)}`),
      `newcomers that had to ask another page: ${this.#world.failedJoins} times`,
      `tasks of 50 ms and more, of all pages: ${seconds(longTasksMs)}`,
      `main thread of a page in a minute: median ${median(this.#mainThreadMs).toFixed(0)} ms, most ${Math.max(...this.#mainThreadMs).toFixed(0)} ms`
    ]
  }

  findings(): readonly Finding[] {
    const share = this.#in / this.#all
    const joined = this.#lives().filter(({ kind }) => kind !== 'first')
    const times = joined.flatMap(({ last }) => (last?.inBandMs === undefined ? [] : [last.inBandMs]))
    return [
      {
        what: `time of pages in their band, from ${seconds(graceMs)} after the kill on`,
        measured: `${percent(share)} of ${this.#all} looks`,
        target: percent(minShare),
        holds: share >= minShare
      },
      {
        what: 'looks at the graph where it was in parts',
        measured: `${this.#split} of ${this.#graphs}`,
        target: 'none',
        holds: this.#split === 0
      },
      {
        what: 'newcomers and reloaded pages: from the start to the band',
        measured: `${times.length} of ${joined.length}, median ${seconds(median(times))}, slowest ${seconds(Math.max(...times))}`,
        target: `all within ${seconds(joinsWithinMs)}`,
        holds: times.length === joined.length && times.every((ms) => ms <= joinsWithinMs)
      }
    ]
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
