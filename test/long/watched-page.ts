/** A page that goes on without servers: one peer that counts what happens to it, driven from Node through `globalThis.long`. */
import { createTabPeer, describeRejection, type PeerId, type Point, type TabPeer, type TabPeerInit } from '../../web/index.ts'

let peer: TabPeer | undefined

function running(): TabPeer {
  if (peer === undefined) throw new Error('no peer was started')
  return peer
}

/** What a page is and was. */
export interface Look {
  readonly peers: readonly PeerId[]
  readonly min: number
  readonly max: number
  /** From the start until it had its minimum, ms; `undefined`: not yet. */
  readonly inBandMs: number | undefined
  /** What happened since the page began, by kind. */
  readonly counts: Readonly<Record<string, number>>
  /** Tasks of the main thread that took 50 ms or more: together, and the longest since the last look, ms. */
  readonly longTasksMs: number
  readonly longestTaskMs: number
}

let inBandMs: number | undefined
const counts: Record<string, number> = {}
const tasks = { sumMs: 0, longestMs: 0 }

/** What happened first, with the time since the start. */
const story: string[] = []
const maxStory = 200
let begun = 0

function count(kind: string, detail = ''): void {
  counts[kind] = (counts[kind] ?? 0) + 1
  if (story.length < maxStory) story.push(`${((performance.now() - begun) / 1_000).toFixed(1)} s ${kind} ${detail}`)
}

/** How a peer is reached. */
function wayOf(point: Point | undefined): string {
  if (point === undefined) return 'no point'
  return point.startsWith('/p2p/') ? 'introduction' : point.includes('/p2p-circuit/') ? 'relay' : 'server'
}

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    tasks.sumMs += duration
    tasks.longestMs = Math.max(tasks.longestMs, duration)
  }
}).observe({ type: 'longtask' })

const long = {
  async start(init: TabPeerInit): Promise<PeerId> {
    begun = performance.now()
    peer = await createTabPeer(init)
    const { pool } = peer
    pool.addEventListener('dial-started', ({ detail }) => count(`dials: ${wayOf(detail.point)}`, detail.point))
    pool.addEventListener('connection-opened', ({ detail: { peerId, direction, point } }) => {
      count(direction === 'outgoing' ? `opened: ${wayOf(point)}` : 'opened: incoming', peerId)
      if (pool.activeConnections >= pool.snapshot().band.min) inBandMs ??= performance.now() - begun
    })
    for (const name of ['connection-closed', 'connection-lost'] as const)
      pool.addEventListener(name, ({ detail: { peerId, ending } }) => count(`ended: ${ending.reason.kind} by ${ending.by}`, peerId))
    for (const name of ['bootstrap-sent', 'bootstrap-received'] as const)
      pool.addEventListener(name, ({ detail }) => count(name, detail.peerId))
    pool.addEventListener('advertise-received', ({ detail: { peerId, points, taken } }) =>
      count('advertise-received', `${points}, ${taken} taken, by ${peerId}`)
    )
    for (const name of ['connection-failed', 'handshake-refused', 'authentication-failed'] as const)
      pool.addEventListener(name, ({ detail: { point, rejection } }) => {
        const more = rejection.kind === 'dial-failed' ? `: ${rejection.failure}` : rejection.kind === 'timeout' ? `: ${rejection.step}` : ''
        count(`failed: ${wayOf(point)}, ${rejection.kind}${more}`, describeRejection(rejection))
      })
    return pool.peerId
  },

  look(): Look {
    const { pool } = running()
    const { min, max } = pool.snapshot().band
    const look = {
      peers: pool.connections.list().map(({ peerId }) => peerId),
      min,
      max,
      inBandMs,
      counts: { ...counts },
      longTasksMs: tasks.sumMs,
      longestTaskMs: tasks.longestMs
    }
    tasks.longestMs = 0
    return look
  },

  story: (): readonly string[] => story,

  async connect(text: string): Promise<void> {
    const { pool } = running()
    await pool.connect(pool.parsePoint(text).point)
  },

  /** Where others come to this page over that relay. */
  async ownPoint(relay: string): Promise<Point> {
    for (;;) {
      const point = running()
        .pool.network.ownPoints()
        .find((own) => own.startsWith(relay))
      if (point !== undefined) return point
      await running().pool.next('own-points-changed', { signal: AbortSignal.timeout(10_000) })
    }
  }
}

export type WatchedPage = typeof long

Object.assign(globalThis, { long })
