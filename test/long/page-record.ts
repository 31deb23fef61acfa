/** What the looks at pages without servers found: a row for each minute, and the figures of the whole run. */
import { type Finding, median, seconds } from './finding.ts'
import { partsOf } from './page-graph.ts'
import { isHostile, joinsWithinMs, type Life, type PageNetwork } from './page-network.ts'

/** Time that does not count after the relays were killed, ms. */
const graceMs = 60_000
/** A page that has been there for so long has met others, ms. */
const settledMs = 60_000

export function isInBand({ last }: Life): boolean {
  return last !== undefined && last.peers.length >= last.min && last.peers.length <= last.max
}

export class PageRecord {
  static readonly head =
    'minute | in the band | connections: least, median, most | looks in parts | opened by introductions | main thread of a page: mean, most | longest task | Chromium'

  readonly #world: PageNetwork
  readonly #killedAt: number
  /** Looks at a page, and those where it was in its band, from `graceMs` on. */
  #all = 0
  #in = 0
  #graphs = 0
  #split = 0
  /** Since when a settled page is below its minimum, and the longest time that one was, ms. */
  readonly #belowSince = new Map<Life, number>()
  #longestBelowMs = 0
  #minute = newMinute()
  #browserMs = 0
  #opened = 0
  #mainThread = new Map<Life, number>()
  readonly #mainThreadMs: number[] = []

  constructor(world: PageNetwork, killedAt: number) {
    this.#world = world
    this.#killedAt = killedAt
  }

  note(all: readonly Life[]): void {
    const now = performance.now()
    const counts = now - this.#killedAt > graceMs
    const minute = this.#minute
    const lives = all.filter((life) => !isHostile(life))
    for (const life of lives) {
      const inBand = isInBand(life)
      minute.all++
      if (inBand) minute.in++
      if (counts) this.#all++
      if (counts && inBand) this.#in++
      minute.sizes.push(life.last?.peers.length ?? 0)
      minute.longestTaskMs = Math.max(minute.longestTaskMs, life.last?.longestTaskMs ?? 0)
      this.#noteBelow(life, now)
    }
    const settled = new Set(lives.filter(({ startedAt }) => now - startedAt > joinsWithinMs).map(({ peerId }) => peerId))
    const parts = partsOf(new Map(lives.map(({ peerId, last }) => [peerId, last?.peers ?? []])), settled)
    if (parts > 1) minute.split++
    if (counts) this.#graphs++
    if (counts && parts > 1) this.#split++
  }

  #noteBelow(life: Life, now: number): void {
    const { last, startedAt } = life
    const isBelow = now - startedAt > settledMs && last !== undefined && last.peers.length < last.min
    const since = this.#belowSince.get(life) ?? now
    if (isBelow) this.#belowSince.set(life, since)
    else this.#belowSince.delete(life)
    if (isBelow) this.#longestBelowMs = Math.max(this.#longestBelowMs, now - since)
  }

  async row(minute: number): Promise<string> {
    const { all, in: inBand, split, longestTaskMs, sizes } = this.#minute
    this.#minute = newMinute()
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
    for (const life of this.#world.lives) if (!isHostile(life)) now.set(life, await life.tab.mainThreadMs())
    const before = this.#mainThread
    this.#mainThread = now
    return [...now].flatMap(([life, ms]) => (before.has(life) ? [ms - (before.get(life) ?? 0)] : []))
  }

  /** In all pages but a hostile one, those that are gone included. */
  #lives(): readonly Life[] {
    return [...this.#world.past, ...this.#world.lives].filter((life) => !isHostile(life))
  }

  #count(kind: string): number {
    return this.#lives().reduce((sum, { last }) => sum + (last?.counts[kind] ?? 0), 0)
  }

  /** One line for each kind of what happened, also while the relays ran. */
  totals(): readonly string[] {
    const kinds = new Set(this.#lives().flatMap(({ last }) => Object.keys(last?.counts ?? {})))
    const longTasksMs = this.#lives().reduce((sum, { last }) => sum + (last?.longTasksMs ?? 0), 0)
    return [
      ...[...kinds].sort().map((kind) => `${kind}: ${this.#count(kind)}`),
      `invitations that led to no connection: ${this.#world.failedJoins}`,
      `the longest time that a page older than ${seconds(settledMs)} was below its minimum: ${seconds(this.#longestBelowMs)}`,
      `tasks of 50 ms and more, of all pages: ${seconds(longTasksMs)}`,
      `main thread of a page in a minute: median ${median(this.#mainThreadMs).toFixed(0)} ms, most ${Math.max(...this.#mainThreadMs).toFixed(0)} ms`
    ]
  }

  findings(minShare: number): readonly Finding[] {
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

  /** What the hostile page reached. */
  hostileFindings(maxShare: number): readonly Finding[] {
    const hostile = new Set([...this.#world.lives].filter(isHostile).map(({ peerId }) => peerId))
    const now = [...this.#world.lives].filter((life) => !isHostile(life)).flatMap(({ last }) => last?.introducers ?? [])
    const by = now.filter((introducer) => introducer !== null && hostile.has(introducer)).length
    return [
      {
        what: 'connections that it introduced, at the end',
        measured: `${by} of ${now.length}`,
        target: `${percent(maxShare)} at most`,
        holds: by <= maxShare * now.length
      },
      {
        what: `the longest time that a page older than ${seconds(settledMs)} was below its minimum`,
        measured: seconds(this.#longestBelowMs),
        target: `${seconds(joinsWithinMs)} at most`,
        holds: this.#longestBelowMs <= joinsWithinMs
      }
    ]
  }
}

function newMinute() {
  return { all: 0, in: 0, split: 0, longestTaskMs: 0, sizes: [] as number[] }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
