/** The page of the laboratory: one `createWebPeer`, driven through `globalThis.page`. */
import { createWebPeer, type PeerId, type SharedPool, type WebPeerInit } from '../../web/index.ts'
import { Echo } from './kit/echo.ts'

interface Running {
  readonly pool: SharedPool
  readonly echo: Echo
  readonly startedAt: number
}

/** What is told of dials and connections, for a run that missed its target. */
const told = [
  'dial-started',
  'connection-opened',
  'connection-lost',
  'connection-closed',
  'connection-failed',
  'handshake-refused'
] as const
const maxNotes = 100
const notes: { readonly at: number; readonly text: string }[] = []

function note(text: string): void {
  notes.push({ at: performance.now(), text })
  if (notes.length > maxNotes) notes.shift()
}

let running: Running | undefined

function peer(): Running {
  if (running === undefined) throw new Error('no peer was started')
  return running
}

/** The connections that `pages.ts` has the page note as they are made. */
declare const madeConnections: RTCPeerConnection[]

const page = {
  async start(init: WebPeerInit): Promise<string> {
    const startedAt = performance.now()
    const pool = await createWebPeer({ ...init, tabs: 'own' })
    const echo = new Echo({ send: (peerId, bytes) => pool.send(peerId as PeerId, bytes) })
    pool.addEventListener('message', ({ detail: { peerId, message } }) => echo.heard(peerId, message))
    const real = pool.owned?.pool
    for (const name of told) real?.addEventListener(name, ({ detail }) => note(`${name} ${JSON.stringify(detail)}`))
    running = { pool, echo, startedAt }
    return pool.owned?.pool.peerId ?? ''
  },

  /** Resolves when a relay makes this page reachable, with the time since the start, ms. */
  async reachable(withinMs: number): Promise<number | undefined> {
    const { pool, startedAt } = peer()
    while (performance.now() - startedAt < withinMs) {
      if ((pool.owned?.relays.held ?? 0) > 0) return performance.now() - startedAt
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
    }
  },

  /** The time since the start until a message came back, ms. */
  async meets(peerId: string, withinMs: number): Promise<number | undefined> {
    const { echo, startedAt } = peer()
    const since = performance.now() - startedAt
    const tookMs = await echo.firstAnswer(peerId, withinMs - since)
    return tookMs === undefined ? undefined : since + tookMs
  },

  /** The time from now until a message came back, ms. */
  firstAnswer(peerId: string, withinMs: number): Promise<number | undefined> {
    return peer().echo.firstAnswer(peerId, withinMs)
  },

  connections() {
    return (
      peer()
        .pool.owned?.pool.connections.list()
        .map(({ peerId, transport, direction }) => ({ peerId, transport, direction })) ?? []
    )
  },

  /** What the peer is known by, and why it is not connected. */
  async explain(peerId: string): Promise<string> {
    return JSON.stringify(await peer().pool.explain(peerId as PeerId))
  },

  /** Kinds of candidates (`host`, `srflx`, `prflx`, `relay`) of the WebRTC connections that run: ours, and the other side's. */
  async candidates(): Promise<{ ours: string; theirs: string; relayProtocol: string | undefined }[]> {
    const connected = madeConnections.filter(({ connectionState }) => connectionState === 'connected')
    return Promise.all(connected.map(async (connection) => candidatesOf(await connection.getStats())))
  },

  /** What happened lately, with how long ago, ms. */
  story(): string[] {
    return notes.map(({ at, text }) => `${Math.round(at - performance.now())} ms: ${text}`)
  },

  /** How the WebRTC connections stand. */
  states(): string[] {
    return madeConnections.map(({ connectionState, iceConnectionState }) => `${connectionState}/${iceConnectionState}`)
  }
}

interface Stat {
  readonly type: string
  readonly selectedCandidatePairId?: string
  readonly localCandidateId?: string
  readonly remoteCandidateId?: string
  readonly candidateType?: string
  readonly relayProtocol?: string
}

function candidatesOf(report: RTCStatsReport): { ours: string; theirs: string; relayProtocol: string | undefined } {
  const stats = report as unknown as ReadonlyMap<string, Stat>
  const transport = [...stats.values()].find(({ type }) => type === 'transport')
  const pair = stats.get(transport?.selectedCandidatePairId ?? '')
  const local = stats.get(pair?.localCandidateId ?? '')
  const remote = stats.get(pair?.remoteCandidateId ?? '')
  return { ours: local?.candidateType ?? '?', theirs: remote?.candidateType ?? '?', relayProtocol: local?.relayProtocol }
}

export type LabPage = typeof page

Object.assign(globalThis, { page })
