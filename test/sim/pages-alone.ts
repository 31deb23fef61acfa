/**
 * A network of pages, and of servers that vanish and may come back: pages reach each other over the servers while there are any, and by
 * introductions alone afterwards. Pages that leave are replaced by newcomers. Each is invited by a page that stays while there is no server.
 */
import { nodePreset, type PoolOptions, pagePreset } from '../../src/core/index.ts'
import type { Point } from '../../src/core/values/ids.ts'
import { forgetfulStorage } from './forgetful-storage.ts'
import { componentsOf } from './graph.ts'
import type { Machine } from './machine.ts'
import { pointOf, Simulation, type SimulationOptions } from './simulation.ts'

/** At least so many, and one for so many pages. */
const minServers = 4
const pagesPerServer = 250
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
  /** Pages and Node peers that leave in a minute, as a share. */
  readonly churn: number
  /** Of each page. `introductions` is that of all. @default introductions */
  readonly options?: Partial<PoolOptions> | undefined
  /** Node peers beside the servers: no page knows them at first, and each has an address of its own. @default 0 */
  readonly nodes?: number
  /** True: pages keep what they save, and may be started again. @default false */
  readonly saves?: boolean
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

const nothingSeen: PagesSeen = { looked: 0, inBand: 0, all: 0, allInBand: 0, graphs: 0, split: 0, parts: 0, left: 0, lost: 0 }

export class PagesAlone {
  readonly sim: Simulation
  readonly pages = new Set<Machine>()
  readonly servers: readonly Machine[]
  readonly #options: Partial<PoolOptions>
  readonly #churn: number
  readonly #startedAt = new Map<Machine, number>()
  /** Node peers, which `pages` holds too. */
  readonly nodes = new Set<Machine>()
  /** They do not leave. */
  readonly staying = new Set<Machine>()
  #serversRun = true
  seen: PagesSeen = { ...nothingSeen }

  constructor({ pages, churn, options = {}, nodes = 0, saves = false, seed, checking = { everySteps: 1_009 } }: PagesOptions) {
    this.sim = new Simulation({ seed, checking })
    this.#churn = churn
    this.#options = { ...pagePreset, introductions: true, ...(saves ? {} : { storage: forgetfulStorage }), ...options }
    const { introductions = true } = this.#options
    const roomy = { minConnections: 0, expectedConnections: Math.min(50, pages), maxConnections: Math.min(10_000, pages * 2) }
    const servers = Math.max(minServers, Math.ceil(pages / pagesPerServer))
    this.servers = Array.from({ length: servers }, () => this.sim.add({ ...roomy, introductions }))
    for (let i = 0; i < pages; i++) this.#add()
    for (let i = 0; i < nodes; i++) this.#addNode()
  }

  /** The network with its servers, until it has settled; then without. */
  async begin(): Promise<void> {
    await this.settle()
    this.stopServers()
  }

  /** The network with its servers, until it has settled. */
  async settle(): Promise<void> {
    this.sim.startAll(this.servers)
    for (const page of this.pages) this.sim.at(this.sim.random.next() * startWithinMs, () => void this.#start(page))
    await this.sim.run(startWithinMs + settleMs)
  }

  stopServers(): void {
    this.sim.note('the servers vanish')
    this.#serversRun = false
    for (const server of this.servers) this.sim.kill(server)
    for (const page of this.pages) if (!this.nodes.has(page)) page.network.announce()
  }

  /** They run again at their addresses, and newcomers need no invitation. */
  startServers(): void {
    this.sim.note('the servers are back')
    this.#serversRun = true
    this.sim.startAll(this.servers)
  }

  /** Begins to count anew. */
  forgetSeen(): void {
    this.seen = { ...nothingSeen }
  }

  /** How long a page has run, ms; a page that slept began anew when it woke. */
  ageOf(page: Machine): number {
    return this.sim.clock.now() - (this.#startedAt.get(page) ?? 0)
  }

  /** Servers that a page is connected with. */
  serversOf(page: Machine): Machine[] {
    return this.servers.filter(({ network }) => page.program?.state.connection(network.peerId) !== undefined)
  }

  /** The page is not looked at, and nobody takes its place, until `comeBack`. */
  goAway(page: Machine): void {
    this.pages.delete(page)
    this.#startedAt.delete(page)
  }

  comeBack(page: Machine): void {
    this.pages.add(page)
    this.#startedAt.set(page, this.sim.clock.now())
  }

  /** Lets time pass. `looked`: called each second, after a look if there is one. */
  async run(forMs: number, looked: (atMs: number) => void = () => undefined): Promise<void> {
    for (let at = 0; at < forMs; at += 1_000) {
      for (const page of [...this.pages]) if (!this.staying.has(page) && this.sim.random.next() < this.#churn / 60) this.#leave(page)
      await this.sim.run(1_000)
      if (this.#serversRun) for (const page of this.pages) this.#reserve(page)
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
    const page = this.sim.add({ ...this.#options, trustedPoints }, { page: true })
    page.network.announce(...(this.#serversRun ? known.map((server) => relayedPoint(server, page)) : []))
    this.pages.add(page)
    return page
  }

  #addNode(): Machine {
    const trustedPoints = this.servers
      .slice(0, knownServers)
      .map((server) => ({ point: pointOf(server), expectedPeerId: server.network.peerId }))
    const node = this.sim.add({ ...this.#options, ...nodePreset, trustedPoints })
    this.nodes.add(node)
    this.pages.add(node)
    return node
  }

  /** A page is reached over the servers that it is connected with. */
  #reserve(page: Machine): void {
    if (this.nodes.has(page)) return
    const points = this.serversOf(page).map((server) => relayedPoint(server, page))
    if (points.join() !== page.network.ownPoints().join()) page.network.announce(...points)
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
    const isNode = this.nodes.delete(page)
    sim.at(sim.random.next() * comesWithinMs, () => void this.#come(isNode))
  }

  async #come(isNode: boolean): Promise<void> {
    const page = isNode ? this.#addNode() : this.#add()
    await this.#start(page)
    this.sim.at(graceMs, () => {
      if (page.pool?.activeConnections === 0) this.seen.lost++
    })
    this.#invite(page)
  }

  /** In its first minute a page that is connected with nobody asks for another invitation: who invited it was full, or has left. */
  #invite(page: Machine): void {
    const { sim } = this
    if (page.pool === undefined || this.ageOf(page) > hostAgeMs) return
    sim.at(invitesEveryMs, () => this.#invite(page))
    if (page.active > 0 || this.#serversRun) return
    const hosts = [...this.pages].filter((one) => one !== page && one.pool !== undefined && this.ageOf(one) > hostAgeMs)
    const host = hosts[Math.floor(sim.random.next() * hosts.length)]
    if (host !== undefined) page.pool.connect(sim.hub.invite(host.network)).catch(() => undefined)
  }

  #look(): void {
    const { seen } = this
    for (const page of this.pages) {
      if (page.pool === undefined) continue
      const isIn = page.active >= (page.program?.state.band.min ?? 0)
      const isSettled = this.ageOf(page) > graceMs
      seen.all++
      if (isIn) seen.allInBand++
      if (isSettled) seen.looked++
      if (isSettled && isIn) seen.inBand++
    }
  }

  #lookAtGraph(): void {
    const settled = [...this.pages].filter((page) => this.ageOf(page) > hostAgeMs)
    this.seen.parts = componentsOf([...this.pages, ...this.servers], settled)
    this.seen.graphs++
    if (this.seen.parts > 1) this.seen.split++
  }
}

function relayedPoint(server: Machine, { network }: Machine): Point {
  return `${pointOf(server)}/p2p/${server.network.peerId}/p2p-circuit/webrtc/p2p/${network.peerId}` as Point
}
