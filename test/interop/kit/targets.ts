/** What a pool must reach among five peers of one implementation, and how it is measured. The peers listen on this machine alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createNodePeer, type NodePeer, type PoolEvents } from '../../../node/index.ts'
import type { Implementation } from './program.ts'
import { Stranger } from './stranger.ts'

const band = { minConnections: 3, expectedConnections: 5, maxConnections: 9 }
const peers = 5
const restarted = 3
const fillWithinMs = 3_000
const belowAtMostMs = 10_000
/** How long the connections are watched after the restart, and after the ban. */
const afterRestartMs = 40_000
const afterBanMs = 60_000
/** For the goodbye and the last packets. */
const banSettlesMs = 1_000
const sampleMs = 50

export const columns = ['in the band', 'idle', 'restart', 'ban'] as const
export type Column = (typeof columns)[number]

export const targets: Readonly<Record<Column, string>> = {
  'in the band': `3 to 9 connections within ${fillWithinMs / 1_000} s`,
  idle: 'never below 3',
  restart: `below 3 for ${belowAtMostMs / 1_000} s at most`,
  ban: 'no dial, no socket, at either address'
}

export interface Result {
  readonly measured: string
  readonly isMet: boolean
}

export interface MeasureOptions {
  readonly idleMs: number
  /** Starts of programs wait for each other: a machine that is busy with them would be measured too. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  readonly found: (column: Column, result: Result) => void
}

/** Measures one column after the other. Rejects if a program does not start. */
export async function measure(implementation: Implementation, { idleMs, alone, found }: MeasureOptions): Promise<void> {
  const strangers = await Promise.all(
    Array.from({ length: peers }, (_, index) => Stranger.make(implementation, { index, addresses: index === 0 ? 2 : 1 }))
  )
  let peer: NodePeer | undefined
  try {
    await alone(async () => {
      await Promise.all(strangers.map((stranger) => stranger.start()))
      peer = await createNodePeer({
        network: 'interop',
        listen: ['/ip4/127.0.0.1/tcp/0'],
        plainPeers: 'admit',
        allowPrivatePoints: true,
        ...band
      })
      found('in the band', await fill(peer, strangers))
    })
    if (peer === undefined) return
    found('idle', await idle(peer, idleMs))
    found('restart', await alone(() => restart(peer as NodePeer, strangers)))
    found('ban', await ban(peer, strangers))
  } finally {
    for (const stranger of strangers) stranger.kill()
    await peer?.stop()
  }
}

async function fill({ pool }: NodePeer, strangers: readonly Stranger[]): Promise<Result> {
  const began = performance.now()
  for (const { listen } of strangers) pool.registerPoint(pool.parsePoint(listen[0] ?? '').point)
  while (pool.activeConnections < band.minConnections && performance.now() - began < 10 * fillWithinMs) await sleep(10)
  const tookMs = performance.now() - began
  await sleep(Math.max(0, fillWithinMs - tookMs))
  const count = pool.activeConnections
  const isMet = tookMs <= fillWithinMs && count >= band.minConnections && count <= band.maxConnections
  return { measured: `${count} after ${seconds(fillWithinMs)}; 3 after ${seconds(tookMs)}`, isMet }
}

async function idle({ pool }: NodePeer, idleMs: number): Promise<Result> {
  let lowest = pool.activeConnections
  let losses = 0
  const lost = (): void => {
    losses++
    lowest = Math.min(lowest, pool.activeConnections)
  }
  pool.addEventListener('connection-lost', lost)
  const began = performance.now()
  let belowMs = 0
  for (let last = began; last - began < idleMs; ) {
    await sleep(sampleMs)
    const now = performance.now()
    if (pool.activeConnections < band.minConnections) belowMs += now - last
    lowest = Math.min(lowest, pool.activeConnections)
    last = now
  }
  pool.removeEventListener('connection-lost', lost)
  const below = lowest < band.minConnections ? `, below 3 for ${seconds(belowMs)}` : ''
  return { measured: `${lowest} at least, ${losses} lost in ${seconds(idleMs)}${below}`, isMet: lowest >= band.minConnections }
}

/** Three that are connected are killed and started again at once. The first, which has two addresses, is spared. */
async function restart({ pool }: NodePeer, strangers: readonly Stranger[]): Promise<Result> {
  const connected = new Set<string>(pool.connectedPeerIds.keys())
  const [, ...others] = strangers
  const victims = others.sort((a, b) => Number(connected.has(b.peerId)) - Number(connected.has(a.peerId))).slice(0, restarted)
  const began = performance.now()
  for (const victim of victims) victim.kill()
  let listeningMs = 0
  const starting = Promise.all(victims.map((victim) => victim.start())).then(() => {
    listeningMs = performance.now() - began
  })
  let belowMs = 0
  for (let last = began; last - began < afterRestartMs; ) {
    await sleep(sampleMs)
    const now = performance.now()
    if (pool.activeConnections < band.minConnections) belowMs += now - last
    last = now
  }
  await starting
  const count = pool.activeConnections
  return {
    measured: `below 3 for ${seconds(belowMs)}; they listened after ${seconds(listeningMs)}`,
    isMet: belowMs <= belowAtMostMs && count >= band.minConnections
  }
}

/** The first peer is banned, and two others are killed for good: the pool is below its minimum, and looks for everybody that it knows. */
async function ban({ pool }: NodePeer, [banned, ...others]: readonly Stranger[]): Promise<Result> {
  if (banned === undefined) throw new Error('there is nobody to ban')
  const points = new Set(banned.listen)
  const peerId = pool.parsePeerId(banned.peerId)
  if (pool.connections.findByPeerId(peerId) === undefined) await pool.connect(pool.parsePoint(banned.listen[0] ?? '').point)
  const known = [...pool.points.known()].filter(([point]) => points.has(point)).length
  await pool.peers.ban(peerId)
  for (const other of others.slice(0, restarted)) other.kill()
  await sleep(banSettlesMs)
  let dials = 0
  let sockets = 0
  const dialed = ({ detail }: { readonly detail: PoolEvents['dial-started'] }): void => {
    if (points.has(detail.point)) dials++
  }
  pool.addEventListener('dial-started', dialed)
  for (const began = performance.now(); performance.now() - began < afterBanMs; await sleep(sampleMs))
    sockets = Math.max(sockets, await banned.sockets())
  pool.removeEventListener('dial-started', dialed)
  return {
    measured: `${dials} dials, ${sockets} sockets in ${seconds(afterBanMs)} at ${known} known addresses, with ${pool.activeConnections} connections`,
    isMet: dials === 0 && sockets === 0
  }
}

function seconds(ms: number): string {
  return `${ms < 9_950 ? (ms / 1_000).toFixed(1) : Math.round(ms / 1_000)} s`
}
