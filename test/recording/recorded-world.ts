/** A world of pools in memory of which the first is recorded, with an application that does this and that by chance. */

import { gunzipSync } from 'node:zlib'
import { offerToAll } from '../../src/core/flows/payload.ts'
import '../support/preload.ts'
import { memoryStorage } from '../../src/core/memory-storage.ts'
import { PeerPool } from '../../src/core/peer-pool.ts'
import { nodePreset, resolveConfig } from '../../src/core/values/config.ts'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { PoolConfig, PoolOptions } from '../../src/core/values/settings.ts'
import { readRecording } from '../../src/recording/read-recording.ts'
import { Recording } from '../../src/recording/recording.ts'
import { type ReplayOptions, type ReplayResult, replay } from '../../src/recording/replay.ts'
import { MemoryWorld } from '../../src/testing/memory-world.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

const band = { minConnections: 2, expectedConnections: 4, maxConnections: 6 }
const settings: PoolOptions = {
  network: 'test',
  allowPrivatePoints: true,
  ...band,
  maintenanceIdleMs: 20_000,
  swapCooldownMs: 5_000,
  timeBetweenSearchesMs: 2_000
}

export interface Recorded {
  readonly world: MemoryWorld
  readonly pool: PeerPool
  readonly recording: Recording
}

/** A pool of the world that is recorded; not started. */
export function recorded(
  world: MemoryWorld,
  { recording = new Recording(), page = false, ...options }: Partial<PoolOptions> & { recording?: Recording; page?: boolean } = {}
): Recorded {
  const network = world.hub.node('recorded', { page })
  const given = resolveConfig(
    { ...settings, ...options },
    { preset: nodePreset, storage: options.storage ?? memoryStorage() }
  ) as PoolConfig
  const random = seededRandom(world.seed * 31 + 7)
  const made = new PeerPool(...recording.begin(given, { network, clock: world.clock, random, log: { error: () => undefined } }))
  recording.attach(made)
  network.gate = made.gate
  return { world, pool: made, recording }
}

/** Resolves when a recorded pool has started: a part of it is loaded in real time. */
export async function started({ pool, world }: Recorded): Promise<void> {
  let isOver = false
  const starting = pool.start().finally(() => {
    isOver = true
  })
  starting.catch(() => undefined)
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve))
    await world.clock.advance(1)
  }
  await starting
}

export async function saved({ recording, world }: Recorded): Promise<string[]> {
  const saving = recording.save()
  saving.catch(() => undefined)
  await world.clock.advance(1)
  return linesOf(await saving)
}

export function linesOf(file: Uint8Array): string[] {
  return gunzipSync(file).toString().trimEnd().split('\n')
}

export async function replayed(lines: readonly string[], options: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  const { header, turns } = await readRecording(lines)
  return replay(header, turns, { settled: () => new Promise((resolve) => setImmediate(resolve)), ...options })
}

/** One life of a recorded pool: peers come and go, links break, the application talks and changes its mind. Everything follows from the seed. */
export async function recordedLife(seed: number): Promise<string[]> {
  const random = seededRandom(seed)
  const below = (n: number): number => Math.floor(random.next() * n)
  const world = new MemoryWorld({ seed, latencyMs: (next) => 2 + 60 * next() })
  const life = recorded(world, random.next() < 0.3 ? { onAdmit: () => random.next() < 0.8 } : {})
  const { pool } = life
  const others = Array.from({ length: 9 }, (_, i) =>
    world.make(`peer${i}`, {
      ...settings,
      trustedPoints: i === 0 ? [] : [{ point: '/ip4/45.1.0.1/tcp/4001' as Point, expectedPeerId: undefined }]
    })
  )
  const [hub] = others
  if (hub === undefined) throw new Error('expected a peer')
  pool.addEventListener('connection-opened', ({ detail }) => void answer(pool, detail.peerId))
  for (const { pool: other } of others) other.addEventListener('connection-opened', ({ detail }) => void answer(other, detail.peerId))
  await started(life)
  for (const { pool: other } of others.slice(0, 6)) void other.start().catch(() => undefined)
  await world.clock.advance(50)
  pool.registerPoint(hub.network.point)
  for (const { network, pool: other } of others.slice(1, 6))
    if (random.next() < 0.5) other.registerPoint(hub.network.point) && network.point
  const quiet = (promise: Promise<unknown>): void => void promise.catch(() => undefined)
  const someone = (): PeerId => `peer${below(9)}` as PeerId
  const somewhere = (): Point => others[below(9)]?.network.point ?? hub.network.point
  const acts: (() => void)[] = [
    () => quiet(pool.connect(somewhere(), { timeoutMs: 500 + below(3_000) })),
    () => quiet(pool.disconnect(someone())),
    () => quiet(pool.peers.ban(someone(), { endsAt: world.clock.date() + below(60_000) })),
    () => pool.peers.unban(someone()),
    () => pool.peers.trust(someone()),
    () => void pool.registerPoint(somewhere(), { trusted: random.next() < 0.2 }),
    () => pool.unregisterPoint(somewhere()),
    () => pool.setBand({ min: below(2), expected: 2 + below(2), max: 4 + below(4) }),
    () => void pool.broadcast(new Uint8Array(below(3_000))),
    () => void offerToAll(pool.connections.list(), new Uint8Array(below(3_000)), [someone()]),
    () => quiet(pool.suspend()),
    () => pool.resume(),
    () => quiet(pool.savePeers()),
    () => quiet(pool.maintain()),
    () => void pool.snapshot(),
    () => void pool.explainBand(),
    () => void pool.listKnownPoints({ ignorePrivate: false, size: 3 }),
    () => quiet(others[below(9)]?.pool.start() ?? Promise.resolve()),
    () => quiet(others[1 + below(8)]?.pool.stop() ?? Promise.resolve()),
    () => others[below(9)]?.network.crash(),
    () => [...world.hub.links][0]?.breakBoth(),
    () => world.clock.jumpDate(below(5_000)),
    () => pool.clearAcl(),
    () => callOff(pool, somewhere())
  ]
  for (let step = 0; step < 30; step++) {
    acts[below(acts.length)]?.()
    if (random.next() < 0.3) acts[below(acts.length)]?.()
    await world.clock.advance(below(10) === 0 ? 20_000 : below(800))
  }
  const lines = await saved(life)
  await world.stop()
  return lines
}

function callOff(pool: PeerPool, point: Point): void {
  const controller = new AbortController()
  pool.connect(point, { signal: controller.signal }).catch(() => undefined)
  pool.addEventListener('dial-started', () => controller.abort())
}

/** Reads all, and answers some. */
async function answer(pool: PeerPool, peerId: PeerId): Promise<void> {
  const connection = pool.connections.findByPeerId(peerId)
  if (connection === undefined) return
  try {
    await connection.send(new TextEncoder().encode(`hello from ${pool.peerId}`))
    for await (const message of connection.messages) if (message.length > 1_000) await connection.send(message.slice(0, 200))
  } catch {
    // It ended.
  }
}
