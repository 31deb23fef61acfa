/**
 * A network of pages, and of servers that vanish: pages reach each other over the servers while there are any, and by introductions alone
 * afterwards. Pages that leave are replaced by newcomers, each invited by a page that stays.
 */
import { type PoolOptions, pagePreset } from '../../src/core/index.ts'
import type { Point } from '../../src/core/values/ids.ts'
import { forgetfulStorage } from './forgetful-storage.ts'
import { componentsOf } from './graph.ts'
import type { Machine } from './machine.ts'
import { pointOf, Simulation, type SimulationOptions } from './simulation.ts'

const servers = 4
/** Servers that a page knows by configuration. */
const knownServers = 2
/** All begin within so long, ms. */
const startWithinMs = 30_000
const settleMs = 120_000
/** Of the pages that leave, so many say goodbye, and so many go dark. */
const politeShare = 0.25
const darkShare = 0.25
/** A newcomer comes so long after a page has left, at most, ms. */
const comesWithinMs = 10_000
/** One that has just begun is not counted for so long, ms. */
export const graceMs = 10_000
/** One that is connected with nobody gets another invitation after this, ms. */
const invitesEveryMs = 3_000
/** Who invites is at least so old, ms. */
const hostAgeMs = 60_000
const lookEveryMs = 10_000
const partsEveryMs = 60_000

export interface PagesOptions extends Pick<SimulationOptions, 'seed' | 'checking'> {
  readonly pages: number
  /** Pages that leave in a minute, as a share. */
  readonly churn: number
  /** Of each page. */
  readonly options?: Partial<PoolOptions> | undefined
}

/** What was seen since the servers vanished. */
export interface PagesSeen {
  /** Pages looked at that were older than `graceMs`, and those of them with at least their minimum. */
  looked: number
  inBand: number
  /** The same of all pages. */
  all: number
  allInBand: number
  /** Looks at the graph, those with more than one part, and the parts of the last one. */
  graphs: number
  split: number
  parts: number
  left: number
  /** Newcomers that were connected with nobody 10 s after they began. */
  lost: number
}

export class PagesAlone {
  readonly sim: Simulation
  readonly pages = new Set<Machine>()
  readonly servers: readonly Machine[]
  readonly #options: Partial<PoolOptions>
  readonly #churn: number
  readonly #startedAt = new Map<Machine, number>()
  readonly seen: PagesSeen = { looked: 0, inBand: 0, all: 0, allInBand: 0, graphs: 0, split: 0, parts: 0, left: 0, lost: 0 }

  constructor({ pages, churn, options = {}, seed, checking = { everySteps: 1_009 } }: PagesOptions) {
    this.sim = new Simulation({ seed, checking })
    this.#churn = churn
    this.#options = { ...pagePreset, introductions: true, ...options }
    const roomy = { minConnections: 0, expectedConnections: Math.min(50, pages), maxConnections: pages * 2 }
    this.servers = Array.from({ length: servers }, () => this.sim.add({ ...roomy, introductions: true }))
    for (let i = 0; i < pages; i++) this.#add()
  }

  /** The network with its servers, until it has settled; then without. */
  async begin(): Promise<void> {
    this.sim.startAll(this.servers)
    for (const page of this.pages) this.sim.at(this.sim.random.next() * startWithinMs, () => void this.#start(page))
    await this.sim.run(startWithinMs + settleMs)
    this.sim.note('the servers vanish')
    for (const server of this.servers) this.sim.kill(server)
    for (const page of this.pages) page.network.announce()
  }

  /** Lets time pass without servers. `looked`: called after each look. */
  async run(forMs: number, looked: (atMs: number) => void = () => undefined): Promise<void> {
    for (let at = 0; at < forMs; at += 1_000) {
      for (const page of [...this.pages]) if (this.sim.random.next() < this.#churn / 60) this.#leave(page)
      await this.sim.run(1_000)
      if (at % lookEveryMs === 0) this.#look()
      if (at % partsEveryMs === 0) this.#lookAtGraph()
      looked(at)
    }
    this.#lookAtGraph()
  }

  #add(): Machine {
    const known = [...this.servers]
    while (known.length > knownServers) known.splice(Math.floor(this.sim.random.next() * known.length), 1)
    const trustedPoints = known.map((server) => ({ point: pointOf(server), expectedPeerId: server.network.peerId }))
    const page = this.sim.add({ storage: forgetfulStorage, ...this.#options, trustedPoints }, { page: true })
    page.network.announce(...known.map((server) => relayedPoint(server, page)))
    this.pages.add(page)
    return page
  }

  async #start(page: Machine): Promise<void> {
    this.#startedAt.set(page, this.sim.clock.now())
    await page.start()
  }

  #leave(page: Machine): void {
    const { sim } = this
    this.pages.delete(page)
    this.#startedAt.delete(page)
    this.seen.left++
    const how = sim.random.next()
    if (how < politeShare) void page.stop().then(() => sim.at(60_000, () => sim.remove(page)))
    else {
      sim.kill(page, { dark: how < politeShare + darkShare })
      sim.at(60_000, () => sim.remove(page))
    }
    sim.at(sim.random.next() * comesWithinMs, () => void this.#come())
  }

  async #come(): Promise<void> {
    const page = this.#add()
    page.network.announce()
    await this.#start(page)
    this.sim.at(graceMs, () => {
      if (page.pool?.activeConnections === 0) this.seen.lost++
    })
    this.#invite(page)
  }

  /** In its first minute a page that is connected with nobody asks for another invitation: who invited it was full, or has left. */
  #invite(page: Machine): void {
    const { sim } = this
    const ageOf = (one: Machine): number => sim.clock.now() - (this.#startedAt.get(one) ?? 0)
    if (page.pool === undefined || ageOf(page) > hostAgeMs) return
    sim.at(invitesEveryMs, () => this.#invite(page))
    if (page.active > 0) return
    const hosts = [...this.pages].filter((one) => one !== page && one.pool !== undefined && ageOf(one) > hostAgeMs)
    const host = hosts[Math.floor(sim.random.next() * hosts.length)]
    if (host !== undefined) page.pool.connect(sim.hub.invite(host.network)).catch(() => undefined)
  }

  #look(): void {
    const now = this.sim.clock.now()
    const { seen } = this
    for (const page of this.pages) {
      if (page.pool === undefined) continue
      const isIn = page.active >= (page.program?.state.band.min ?? 0)
      const isSettled = now - (this.#startedAt.get(page) ?? 0) > graceMs
      seen.all++
      if (isIn) seen.allInBand++
      if (isSettled) seen.looked++
      if (isSettled && isIn) seen.inBand++
    }
  }

  #lookAtGraph(): void {
    const now = this.sim.clock.now()
    const settled = [...this.pages].filter((page) => now - (this.#startedAt.get(page) ?? 0) > hostAgeMs)
    this.seen.parts = componentsOf([...this.pages], settled)
    this.seen.graphs++
    if (this.seen.parts > 1) this.seen.split++
  }
}

function relayedPoint(server: Machine, { network }: Machine): Point {
  return `${pointOf(server)}/p2p/${server.network.peerId}/p2p-circuit/webrtc/p2p/${network.peerId}` as Point
}
