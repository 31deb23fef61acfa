/** The page of the long runs: one peer, driven from Node through `globalThis.long`. */
import { createTabPeer, createWebPeer, type PeerId, type Point, type SharedPool, type TabPeer, type TabPeerInit } from '../../web/index.ts'
import { RawIntroductions, type RawVisit } from './raw-introductions.ts'

/** How often the page looks at its points, ms. */
const lookMs = 100
/** Between two dials to a page that is not reachable yet, ms. */
const againMs = 250

/** A browser makes no shorter pause, ms. */
const turnMs = 4

let raw: RawIntroductions | undefined
let peer: TabPeer | undefined
let shared: SharedPool | undefined

function running(): TabPeer {
  if (peer === undefined) throw new Error('no peer was started')
  return peer
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** A point that the page was given by others. */
export interface Given {
  readonly point: Point
  readonly discoverySource: string
}

export interface Arrival {
  /** From the start until the first, second, … connection ran, ms. */
  readonly times: readonly number[]
  readonly given: readonly Given[]
  readonly connections: readonly string[]
}

const long = {
  async start(init: TabPeerInit): Promise<PeerId> {
    peer = await createTabPeer(init)
    return peer.pool.peerId
  },

  /** A peer that the tabs of the site share. */
  async startShared(init: TabPeerInit): Promise<PeerId> {
    shared = await createWebPeer(init)
    for (;;) {
      const peerId = shared.snapshot()?.peerId
      if (peerId !== undefined) return peerId
      await sleep(lookMs)
    }
  },

  /** Starts, and watches its first connections and what it is told, until there are `count` of them and for `watchMs` more. */
  async arrive(init: TabPeerInit, { count, withinMs, watchMs }: { count: number; withinMs: number; watchMs: number }): Promise<Arrival> {
    const begun = performance.now()
    const times: number[] = []
    const given = new Map<Point, Given>()
    peer = await createTabPeer(init)
    const { pool } = peer
    let seen = pool.activeConnections
    for (let i = 0; i < seen; i++) times.push(performance.now() - begun)
    pool.addEventListener('connection-opened', () => {
      // Those that were lost and made anew are not counted twice.
      if (pool.activeConnections <= seen) return
      seen = pool.activeConnections
      times.push(performance.now() - begun)
    })
    let until = begun + withinMs
    while (performance.now() < until) {
      for (const { point, discoverySource } of pool.snapshot().points)
        if (discoverySource !== 'operator' && !given.has(point)) given.set(point, { point, discoverySource })
      if (times.length >= count) until = Math.min(until, begun + (times[count - 1] ?? 0) + watchMs)
      await sleep(lookMs)
    }
    return { times, given: [...given.values()], connections: pool.connections.list().map(({ peerId }) => peerId) }
  },

  relays: () => running().relays,

  /** Those that it is connected with. */
  peers: (): PeerId[] =>
    running()
      .pool.connections.list()
      .map(({ peerId }) => peerId),

  /** Dials that point, again and again until it works. Resolves with the last error when it takes longer. */
  async reach(point: string, withinMs: number): Promise<string | undefined> {
    const { pool } = running()
    const begun = performance.now()
    for (;;) {
      try {
        const { peerId } = await pool.connect(pool.parsePoint(point).point, { signal: AbortSignal.timeout(withinMs) })
        await pool.disconnect(peerId)
        return undefined
      } catch (error) {
        if (performance.now() - begun > withinMs) return String(error)
        await sleep(againMs)
      }
    }
  },

  /** Where others come to this page, as soon as a relay has a reservation for it. */
  async ownPoint(): Promise<Point> {
    for (;;) {
      const [point] = running().pool.network.ownPoints()
      if (point !== undefined) return point
      await sleep(lookMs)
    }
  },

  /** Lets this peer in whatever the band says. */
  trust(peerId: PeerId): void {
    running().pool.peers.trust(peerId)
  },

  async connect(text: string): Promise<void> {
    const { pool } = running()
    await pool.connect(pool.parsePoint(text).point)
  },

  /** Connects and disconnects at each point, one after the other. How long each dial took, ms; `undefined`: it failed. */
  async timesOf(points: readonly string[]): Promise<readonly (number | undefined)[]> {
    const { pool } = running()
    const times: (number | undefined)[] = []
    for (const text of points) {
      const { point } = pool.parsePoint(text)
      for (let waited = 0; !pool.network.canDial(point) && waited < 100; waited++) await sleep(lookMs)
      const begun = performance.now()
      try {
        const { peerId } = await pool.connect(point)
        times.push(performance.now() - begun)
        await pool.disconnect(peerId)
        // The next dial would take libp2p's connection of this one.
        const left = running()
          .node.getConnections()
          .filter(({ remotePeer, limits }) => remotePeer.toString() === peerId && limits === undefined)
        await Promise.all(left.map((connection) => connection.close()))
      } catch {
        times.push(undefined)
      }
    }
    return times
  },

  /** Between one firing of a timer of 4 ms and the next, ms: no turn of the event loop in that time took longer. */
  async turns(forMs: number): Promise<readonly number[]> {
    const found: number[] = []
    const until = performance.now() + forMs
    for (let last = performance.now(); last < until; ) {
      await sleep(turnMs)
      const now = performance.now()
      found.push(now - last)
      last = now
    }
    return found
  },

  /** From now on the peer, which has no introductions of its own, speaks their protocol by hand. */
  async speakRaw(introducer: PeerId): Promise<string> {
    raw = new RawIntroductions(running().node)
    await raw.begin()
    return raw.reserve(introducer)
  },

  /** Bytes that came through introducers, one entry for each visit. */
  visits: (): readonly number[] => raw?.visits ?? [],

  /** Asks for all of them at the same time. */
  async visitAll(introducer: PeerId, guests: readonly PeerId[], everyMs: number): Promise<readonly RawVisit[]> {
    return Promise.all(guests.map(async (to) => (await raw?.visit(introducer, to, everyMs)) ?? { answer: 'not raw', lastedMs: 0 }))
  },

  /** Connects and disconnects so many times, as fast as the budget allows. Resolves with the number of dials that failed. */
  async comeAndGo(text: string, times: number): Promise<number> {
    const { pool } = running()
    const { point } = pool.parsePoint(text)
    let failed = 0
    for (let done = 0; done < times; ) {
      while (!pool.network.canDial(point)) await sleep(lookMs)
      try {
        const { peerId } = await pool.connect(point)
        done++
        await pool.disconnect(peerId)
      } catch (error) {
        // The other side may have used up its own budget for now.
        failed++
        if (failed > times) throw error
        await sleep(1_000)
      }
    }
    return failed
  }
}

export type LongPage = typeof long

Object.assign(globalThis, { long })
