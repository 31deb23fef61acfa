/**
 * 60 pages come and go in 20 minutes in a network of a relay and two Node peers. Then a newcomer has five connections as fast as one in a
 * fresh network, and few of the points that it is given are dead.
 */
import { createNodePeer, type NodePeer, type PeerId } from '../../node/index.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { departures, LongBrowser, type Tab } from './browser.ts'
import { type Finding, type LongRun, type LongRunOptions, median, pause, seconds } from './finding.ts'
import type { Given, LongPage } from './long-page.ts'

declare const long: LongPage

const totalPages = 60
const totalMs = 20 * 60_000
/** Pages that are there at a time: with three Node peers enough for five connections. */
const residents = 4
const settleMs = 5_000
/** One alone says little on a busy machine. */
const newcomersEach = 7
const wanted = 5
/** A page's own preset aims at four. */
const pageBand = { minConnections: wanted, expectedConnections: 6, maxConnections: 12 }
const withinMs = 60_000
/** A newcomer is told of more after its fifth connection. */
const watchMs = 5_000
const maxSlower = 1.3
const maxDead = 0.1

export const pagesComeAndGo: LongRun = {
  name: 'pages-come-and-go',
  about: '60 pages come and go in 20 minutes; then a newcomer is as fast as in a fresh network. 24 minutes',
  run
}

interface Newcomer {
  readonly times: readonly number[]
  readonly given: number
  readonly dead: readonly Given[]
}

async function run({ scale, seed, say }: LongRunOptions): Promise<readonly Finding[]> {
  const browser = await LongBrowser.launch()
  const old = new Crowd('old', browser)
  const fresh = new Crowd('fresh', browser)
  try {
    await old.start()
    await comeAndGo(old, { scale, seed, say })
    await fresh.start()
    const newcomers = { old: [] as Newcomer[], fresh: [] as Newcomer[] }
    // In turn, since what else runs on the machine changes all times.
    for (let i = 0; i < newcomersEach; i++)
      for (const crowd of [old, fresh]) {
        const newcomer = await crowd.newcomer()
        newcomers[crowd.name].push(newcomer)
        say(`newcomer among ${crowd.name} pages: ${describe(newcomer)}`)
      }
    return findings(newcomers, old.gone)
  } finally {
    await browser.close()
    await Promise.all([old, fresh].map((crowd) => crowd.stop()))
  }
}

/** As many pages leave as come: with a goodbye, without a word, or by a crash. */
async function comeAndGo(crowd: Crowd, { scale, seed, say }: LongRunOptions): Promise<void> {
  const random = seededRandom(seed)
  const pages = Math.max(residents, Math.round(totalPages * scale))
  const everyMs = (totalMs * scale) / pages
  const begun = performance.now()
  for (let i = 0; i < pages; i++) {
    await crowd.come()
    await pause(everyMs * random.next())
    await crowd.leave(random.next())
    await pause(Math.max(0, begun + (i + 1) * everyMs - performance.now()))
    if ((i + 1) % 10 === 0) say(`${i + 1} pages came, ${crowd.gone} left`)
  }
}

/** A relay, two Node peers, and some pages. */
class Crowd {
  readonly name: 'old' | 'fresh'
  readonly #browser: LongBrowser
  readonly #nodes: NodePeer[] = []
  readonly #pages = new Map<PeerId, Tab>()
  /** Pages that have left. */
  gone = 0

  constructor(name: 'old' | 'fresh', browser: LongBrowser) {
    this.name = name
    this.#browser = browser
  }

  async start(): Promise<void> {
    const relay = await this.#startNode({ relay: true })
    const trustedPoints = [pointOf(relay, false)]
    await Promise.all([this.#startNode({ trustedPoints }), this.#startNode({ trustedPoints })])
    while (this.#pages.size < residents) await this.come()
    await pause(settleMs)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()))
  }

  async come(): Promise<void> {
    const tab = await this.#browser.open()
    const peerId = await tab.page.evaluate((init) => long.start(init), this.#pageInit())
    this.#pages.set(peerId, tab)
  }

  /** `which`: from 0 to 1, of those that are there. */
  async leave(which: number): Promise<void> {
    const [peerId, tab] = [...this.#pages][Math.floor(which * this.#pages.size)] ?? []
    if (peerId === undefined) return
    this.#pages.delete(peerId)
    await tab?.end(departures[this.gone++ % departures.length] ?? 'left')
  }

  /** Comes, is watched until some time after its fifth connection, and leaves. */
  async newcomer(): Promise<Newcomer> {
    const tab = await this.#browser.open()
    const { times, given } = await tab.page.evaluate((options) => long.arrive(...options), [
      this.#pageInit(),
      { count: wanted, withinMs, watchMs }
    ] as const)
    await tab.end('left')
    return { times, given: given.length, dead: given.filter(({ point }) => !this.#isAlive(point)) }
  }

  /** Where a Node peer listens, or a way to a page that is there. */
  #isAlive(point: string): boolean {
    const target = /\/p2p-circuit\/.*\/p2p\/([^/]+)$/.exec(point)?.[1]
    if (target !== undefined) return this.#pages.has(target as PeerId)
    return this.#nodes.some((node) => node.pool.network.ownPoints().some((own) => own === point))
  }

  #pageInit() {
    const [relay] = this.#nodes
    if (relay === undefined) throw new Error('no relay')
    return { network: this.name, trustedPoints: [pointOf(relay, true)], ...pageBand }
  }

  async #startNode(init: object): Promise<NodePeer> {
    const node = await createNodePeer({ network: this.name, listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'], ...init })
    this.#nodes.push(node)
    return node
  }
}

function findings({ old, fresh }: Record<Crowd['name'], readonly Newcomer[]>, gone: number): Finding[] {
  const timesOf = (newcomers: readonly Newcomer[]): number[] => newcomers.map(({ times }) => times[wanted - 1] ?? Number.POSITIVE_INFINITY)
  const factor = median(timesOf(old)) / median(timesOf(fresh))
  const given = old.reduce((sum, one) => sum + one.given, 0)
  const dead = old.reduce((sum, one) => sum + one.dead.length, 0)
  const list = (newcomers: readonly Newcomer[]): string =>
    timesOf(newcomers)
      .map((ms) => (ms / 1_000).toFixed(1))
      .join(', ')
  return [
    {
      what: `time to five connections after ${gone} pages came and went, and in a fresh network`,
      measured: `${list(old)} s, and ${list(fresh)} s: ${factor.toFixed(2)} times`,
      target: `the median at most ${maxSlower} times`,
      holds: factor <= maxSlower
    },
    {
      what: 'points that the newcomers after them were given',
      measured: `${dead} of ${given} are dead`,
      target: 'a tenth at most',
      holds: given > 0 && dead <= given * maxDead
    }
  ]
}

function describe({ times, given, dead }: Newcomer): string {
  const shown = [1, 3, wanted].map((count) => seconds(times[count - 1] ?? Number.NaN)).join(', ')
  return `1, 3, ${wanted} connections after ${shown}; ${dead.length} of ${given} points dead ${dead.map(({ point, discoverySource }) => `\n  by ${discoverySource}: ${point}`).join('')}`
}

function pointOf(node: NodePeer, webSocket: boolean): string {
  const point = node.pool.network.ownPoints().find((own) => own.endsWith('/ws') === webSocket)
  return `${point}/p2p/${node.pool.peerId}`
}
