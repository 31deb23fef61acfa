/** A page that goes on without servers: one peer that counts what happens to it, driven from Node through `globalThis.long`. */
import {
  createTabPeer,
  describeRejection,
  type Invitation,
  type PeerId,
  type Point,
  type TabPeer,
  type TabPeerInit
} from '../../web/index.ts'
import { type Hostility, turnHostile } from './hostile-introducer.ts'

let peer: TabPeer | undefined
let invitation: Invitation | undefined
let joining: Promise<PeerId> | undefined

function running(): TabPeer {
  if (peer === undefined) throw new Error('no peer was started')
  return peer
}

/** What a page is and was. */
export interface Look {
  readonly peers: readonly PeerId[]
  /** Who introduced them. */
  readonly introducers: readonly (PeerId | null)[]
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

/** For a newcomer, from its invitation to its connection, ms. */
const joinWithinMs = 20_000

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
  async start(init: TabPeerInit, hostile?: Hostility): Promise<PeerId> {
    if (hostile !== undefined) turnHostile(hostile)
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
    const { band, connections } = pool.snapshot()
    const look = {
      peers: connections.map(({ peerId }) => peerId),
      introducers: connections.map(({ introducer }) => introducer),
      min: band.min,
      max: band.max,
      inBandMs,
      counts: { ...counts },
      longTasksMs: tasks.sumMs,
      longestTaskMs: tasks.longestMs
    }
    tasks.longestMs = 0
    return look
  },

  story: (): readonly string[] => story,

  /** A text for a newcomer. */
  async invite(): Promise<string> {
    invitation?.end()
    invitation = await running().pool.invite()
    return invitation.text
  },

  /** The answer that a person carries back, or the peer that was reached without. */
  async join(text: string): Promise<{ readonly answer: string } | { readonly peerId: PeerId }> {
    const answered = Promise.withResolvers<{ readonly answer: string }>()
    joining = running().pool.join(text, { onAnswer: (answer) => answered.resolve({ answer }), signal: AbortSignal.timeout(joinWithinMs) })
    // Awaited by `joined`, unless it fails first.
    return Promise.race([answered.promise, joining.then((peerId) => ({ peerId }))])
  },

  async joined(): Promise<PeerId> {
    if (joining === undefined) throw new Error('no invitation is followed')
    return joining
  },

  async accept(answer: string): Promise<PeerId> {
    if (invitation === undefined) throw new Error('there is no invitation')
    return invitation.accept(answer, { signal: AbortSignal.timeout(joinWithinMs) })
  }
}

export type WatchedPage = typeof long

Object.assign(globalThis, { long })
