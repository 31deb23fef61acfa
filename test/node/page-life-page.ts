/** The page of page-life.test.ts: one peer, driven from the test through `globalThis.life`. Its clocks can be set forward. */
import { type Connection, createTabPeer, type PeerId, type TabPeer, type TabPeerInit } from '../../web/index.ts'

let skippedMs = 0
let skippedTimerMs = 0
const [date, now] = [Date.now.bind(Date), performance.now.bind(performance)]
Date.now = () => date() + skippedMs
performance.now = () => now() + skippedTimerMs

/** Timers that wait, with where each was set. */
const waiting = new Map<unknown, string>()
/** Timers of five seconds and more come so many times sooner. */
let haste = 1
const [setOnce, setOften] = [globalThis.setTimeout, globalThis.setInterval]
const [clearOnce, clearOften] = [globalThis.clearTimeout, globalThis.clearInterval]
const noted = <Timer>(timer: Timer): Timer => {
  waiting.set(timer, new Error('set here').stack ?? '')
  return timer
}
Object.assign(globalThis, {
  setTimeout: (then: (...given: unknown[]) => void, ms?: number, ...given: unknown[]): unknown => {
    const timer: unknown = setOnce(
      () => {
        waiting.delete(timer)
        then(...given)
      },
      ms !== undefined && ms >= 5_000 ? ms / haste : ms
    )
    return noted(timer)
  },
  setInterval: (then: () => void, ms?: number): unknown => noted(setOften(then, ms)),
  clearTimeout: (timer?: number) => {
    waiting.delete(timer)
    clearOnce(timer)
  },
  clearInterval: (timer?: number) => {
    waiting.delete(timer)
    clearOften(timer)
  }
})

let peer: TabPeer | undefined
/** What went wrong lately, for the message of a test that fails. */
const news: string[] = []
let marked = new Set<Connection>()
let lastEnding: string | undefined
let timesKept = 0
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) timesKept++
})

const life = {
  /** `known`: points to dial that are trusted no more than others. */
  async start(init: TabPeerInit, known: readonly string[]): Promise<PeerId> {
    peer = await createTabPeer(init)
    const { pool } = peer
    for (const name of ['connection-failed', 'connection-closed', 'connection-lost', 'handshake-refused'] as const)
      pool.addEventListener(name, ({ detail }) => news.push(`${Math.round(now())} ${name} ${JSON.stringify(detail)}`))
    pool.addEventListener('connection-lost', ({ detail }) => {
      lastEnding = detail.ending.reason.kind
    })
    for (const text of known) {
      const { point, expectedPeerId } = pool.parsePoint(text)
      pool.registerPoint(point, { expectedPeerId })
    }
    return pool.peerId
  },

  /** The clocks go on by so much at once, as after a sleep; `timers`: also the one that some systems stop meanwhile. */
  skip(ms: number, timers: boolean): void {
    skippedMs += ms
    if (timers) skippedTimerMs += ms
  },

  /** Long timers that are set from now on come so many times sooner; those that wait already stay as they are. */
  hasten(times: number): void {
    haste = times
  },

  /** Connections that run now are old ones. */
  mark(): void {
    marked = new Set(peer?.pool.connections.list())
  },

  /** How often the page was kept for the back button; if it was loaded anew instead, the browser's reason. */
  kept(): number | string {
    const [navigation] = performance.getEntriesByType('navigation') as (PerformanceEntry & { notRestoredReasons?: unknown })[]
    return peer === undefined ? `loaded anew: ${JSON.stringify(navigation?.notRestoredReasons)}` : timesKept
  },

  /** Why the last connection ended that another peer ended. */
  lastEnding: (): string | undefined => lastEnding,

  view() {
    if (peer === undefined) throw new Error('not started')
    const { status: pool, active, bounds, band, storage, ownPoints } = peer.pool.snapshot()
    const running = peer.pool.connections.list()
    return {
      ...{ pool, active, band, storage, ownPoints },
      inTargets: active >= bounds.minTarget && active <= bounds.maxTarget,
      renewed: running.filter((connection) => !marked.has(connection)).length,
      peers: running.map(({ peerId, transport }) => ({ peerId, transport })),
      visibility: document.visibilityState
    }
  },

  /** The files of ours that set the timers that wait now. The bundle names the file that each part comes from. */
  async timers(): Promise<string[]> {
    const lines = (await (await fetch(import.meta.url)).text()).split('\n')
    const fileAt = (line: number): string => {
      for (let at = line; at >= 0; at--) {
        const file = /^\/\/ (?:\.\.\/)*((?:src|web|test|node_modules)\/\S+)$/.exec(lines[at] ?? '')?.[1]
        if (file !== undefined) return file
      }
      return ''
    }
    return [...waiting.values()].flatMap((stack) => {
      const files = [...stack.matchAll(/:(\d+):\d+\)?$/gm)].map(([, line]) => fileAt(Number(line) - 1))
      const setter = files.find((file) => !file.includes('page-life-page') && !file.endsWith('src/libp2p/system.ts')) ?? 'nobody'
      return /^(src|web)\//.test(setter) ? [setter] : []
    })
  },

  /** How many connections of the pool lead to that peer, how many of them are new, and how many direct ones of libp2p. */
  met(peerId: PeerId): { pool: number; renewed: number; direct: number } {
    if (peer === undefined) throw new Error('not started')
    const running = peer.pool.connections.list().filter((connection) => connection.peerId === peerId)
    const direct = peer.node.getConnections().filter(({ limits, remotePeer }) => limits === undefined && remotePeer.toString() === peerId)
    return { pool: running.length, renewed: running.filter((connection) => !marked.has(connection)).length, direct: direct.length }
  },

  /** Resolves with the time it took until a new connection with that peer ran, ms. */
  metAgain(peerId: PeerId, withinMs: number): Promise<number | string> {
    return timeUntil(
      () => life.met(peerId),
      ({ renewed }) => renewed > 0,
      withinMs
    )
  },

  /** Resolves with the time it took until all connections are new and as many as wanted, ms. */
  back(withinMs: number): Promise<number | string> {
    return timeUntil(life.view, ({ inTargets, renewed, active }) => inTargets && renewed === active, withinMs)
  },

  /** Resolves with the time it took until none of the old connections ran any more, ms. */
  rid(withinMs: number): Promise<number | string> {
    return timeUntil(life.view, ({ renewed, active }) => renewed === active, withinMs)
  }
}

/** If it takes longer, resolves with what is seen then, and the news. */
async function timeUntil<Seen>(look: () => Seen, holds: (seen: Seen) => boolean, withinMs: number): Promise<number | string> {
  const begun = now()
  for (;;) {
    const seen = look()
    if (holds(seen)) return now() - begun
    if (now() - begun > withinMs) return `${JSON.stringify(seen)}\n${news.slice(-20).join('\n')}`
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}

export type LifePage = typeof life

Object.assign(globalThis, { life })
