/**
 * Rows: what a pool does with its tables of points and peers, with 10,000 of each beside 400. Half of the points are proven ones, and the
 * tables are full, so that newcomers push others out. Work that reads whole tables counts per entry.
 */

import { shareablePoints } from '../src/core/decisions/advertisable-points.ts'
import type { Host, ParsedPoint, PeerId, PeerStorage, Point } from '../src/core/index.ts'
import type { PeerPool } from '../src/core/peer-pool.ts'
import type { PoolState } from '../src/core/tables/pool-state.ts'
import { hostOf } from '../src/core/values/address.ts'
import { systemClock, systemRandom } from '../src/libp2p/system.ts'
import { duration, type Row, ratioRow } from './row.ts'
import { alternate } from './timing.ts'
import { farStorage, peerTexts, pointTexts, quietNetwork, quietPool, sampleOf } from './world.ts'

const sizes = { baseline: 400, ours: 10_000 }
const atMost = 3

/** A running pool whose tables are full, and what is in them. */
class World {
  readonly size: number
  readonly pool: PeerPool
  readonly state: PoolState<unknown>
  readonly points: readonly Point[]
  readonly peers: readonly PeerId[]
  /** May maintenance dial? */
  dials = true
  /** Is what changed written? The operator's word is at once, which is measured by itself. */
  saves = false
  #nextPoint = 1_000_000
  #nextSeed = 1_000

  static async make(size: number): Promise<World> {
    const points = pointTexts(size)
    const peers = peerTexts(size)
    const world = new World(size, { points, peers, text: savedText(points, peers) })
    await world.load()
    return world
  }

  private constructor(size: number, { points, peers, text }: { points: readonly Point[]; peers: readonly PeerId[]; text: string }) {
    this.size = size
    this.points = points
    this.peers = peers
    const bounds = { max: size, target: (size * 3) / 4 }
    const far = farStorage(text)
    const save: PeerStorage['save'] = (lines) => (this.saves ? far.save(lines) : Promise.resolve())
    const made = quietPool(
      { maxKnownPoints: bounds, maxKnownPeers: bounds, storage: { ...far, save } },
      { ...quietNetwork, canDial: () => this.dials }
    )
    this.pool = made.pool
    this.state = made.state
  }

  /** The same tables in a pool that has not started. */
  again(): World {
    return new World(this.size, { points: this.points, peers: this.peers, text: savedText(this.points, this.peers) })
  }

  async load(): Promise<void> {
    const loaded = this.pool.next('storage-loaded')
    await this.pool.start()
    const { detail } = await loaded
    if (detail.points !== this.size || detail.peers !== this.size) throw new Error(`${detail.points} points, ${detail.peers} peers`)
  }

  newPoints(count: number): Point[] {
    this.#nextPoint += count
    return pointTexts(count, this.#nextPoint - count)
  }

  newPeers(count: number): PeerId[] {
    return peerTexts(count, this.#nextSeed++)
  }
}

/** As a pool writes it: `docs/storage.md`. */
function savedText(points: readonly Point[], peers: readonly PeerId[]): string {
  const now = Date.now()
  const lines: object[] = [{ format: 'p2p-pool', version: 1, savedAt: now, anchors: [] }]
  for (const [i, point] of points.entries()) {
    const at = now - 3_600_000 + i
    const proven = { lastEstablished: { peerId: peers[i], at }, events: [{ kind: 'connection-opened', at, other: peers[i] }] }
    lines.push({
      kind: 'point',
      point,
      discoverySource: 'advertise',
      source: peers[i % 97],
      discoveredAt: at,
      isPublic: true,
      ...(i % 2 === 0 ? proven : {})
    })
  }
  for (const [i, peerId] of peers.entries()) lines.push({ kind: 'peer', peerId, createdAt: now - 3_600_000 + i, metadata: null })
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}

/** Prepares a turn, and gives its work, which does `ops` operations. */
interface Operation {
  readonly name: string
  /** @default 1 per entry of a table */
  readonly ops?: number
  readonly prepare: (world: World, ops: number) => (() => unknown) | Promise<() => unknown>
}

const operations: readonly Operation[] = [
  {
    name: 'look a point up',
    ops: 10_000,
    prepare: ({ pool, points }, ops) => each(sampleOf(points, ops), (point) => pool.points.info(point))
  },
  {
    name: 'look a peer up',
    ops: 10_000,
    prepare: ({ pool, peers }, ops) => each(sampleOf(peers, ops), (peerId) => pool.peers.info(peerId))
  },
  {
    name: 'is a host or a peer denied, a twentieth of them banned',
    ops: 10_000,
    prepare: async ({ pool, points, peers, size }, ops) => {
      if (!pool.peers.isBanned(peers[0] as PeerId)) {
        for (let i = 0; i < size; i += 20) await pool.peers.ban(peers[i] as PeerId)
        for (let i = 0; i < size; i += 20) await pool.points.ban(points[i] as Point, { banPeers: false })
      }
      const hosts = sampleOf(points, ops).map((point) => hostOf(point) as Host)
      return each(sampleOf(peers, ops), (peerId, i) => pool.gate.deniesPeer(peerId, hosts[i]))
    }
  },
  {
    name: 'ban a host',
    ops: 1_000,
    prepare: (world, ops) => {
      world.pool.clearAcl()
      const hosts = world.newPoints(ops).map((point) => hostOf(point) as Host)
      return async () => {
        for (const host of hosts) await world.pool.points.banHost(host)
      }
    }
  },
  {
    name: 'lift the ban of a host, per point and peer',
    prepare: async ({ pool, points }) => {
      const host = hostOf(points[0] as Point) as Host
      await pool.points.banHost(host)
      return () => pool.points.unbanHost(host)
    }
  },
  {
    name: 'list 50 known points',
    ops: 50,
    prepare: ({ pool }, ops) => each(Array.from({ length: ops }), () => pool.listKnownPoints({ ignorePrivate: true, size: 50 }))
  },
  {
    name: 'choose points for an answer to Bootstrap',
    ops: 50,
    prepare: ({ state, peers }, ops) => {
      const asker = { peerId: peers[0] as PeerId, host: undefined }
      const options = { asker, network: quietNetwork, random: systemRandom, transports: [], seed: 1 }
      return each(Array.from({ length: ops }), () => shareablePoints(state, { ...options, now: systemClock.now() }))
    }
  },
  {
    name: 'register a new point',
    ops: 20_000,
    prepare: (world, ops) => each(world.newPoints(ops), (point) => world.pool.registerNewPoint(point))
  },
  {
    name: 'take new points that 1,000 peers advertise, 100 a message',
    ops: 20_000,
    prepare: (world, ops) => {
      const sources = peerTexts(1_000, 77)
      return each(messages(world.newPoints(ops)), (message, i) =>
        world.pool.registerNewPoints(message, { discoverySource: 'advertise', source: sources[i % sources.length] as PeerId })
      )
    }
  },
  {
    name: 'refuse new points of a peer that is at its quota',
    ops: 20_000,
    prepare: (world, ops) => {
      const [source = world.peers[0] as PeerId] = peerTexts(1, 78)
      return each(messages(world.newPoints(ops)), (message) =>
        world.pool.registerNewPoints(message, { discoverySource: 'advertise', source })
      )
    }
  },
  {
    name: 'register a new peer',
    ops: 2_000,
    prepare: (world, ops) => each(world.newPeers(ops), (peerId) => world.pool.registerPeer(peerId))
  },
  {
    name: 'trust a point, take the trust back',
    ops: 1_000,
    prepare: (world, ops) => {
      const known = Array.from(world.pool.points.known(), ([point]) => point)
      return each(sampleOf(known, ops), (point) => {
        world.pool.points.trust(point)
        world.pool.points.untrust(point)
      })
    }
  },
  {
    name: 'forget a point, register it again',
    ops: 1_000,
    prepare: (world, ops) => {
      const known = Array.from(world.pool.points.known(), ([point]) => point)
      return each(sampleOf(known, ops), (point) => {
        world.pool.unregisterPoint(point)
        world.pool.registerPoint(point)
      })
    }
  },
  {
    name: 'a dial that fails',
    ops: 200,
    prepare: (world, ops) => {
      const known = Array.from(world.pool.points.known(), ([point]) => point)
      const sample = sampleOf(known, ops)
      return async () => {
        for (const point of sample) await world.pool.connect(point).catch(() => undefined)
      }
    }
  },
  {
    name: 'save, per point and peer',
    prepare: (world) => {
      world.saves = true
      return changed(world, () => world.pool.savePeers())
    }
  },
  {
    name: 'load, per point and peer',
    prepare: (world) => {
      const fresh = world.again()
      return () => fresh.load()
    }
  },
  { name: 'take a snapshot, per point and peer', prepare: (world) => changed(world, () => world.pool.snapshot()) },
  {
    name: 'look at the band, per point and peer',
    prepare: (world) => {
      world.dials = false
      world.pool.setBand({ min: 10, expected: 20, max: 100 })
      return () => world.pool.maintain()
    }
  }
]

export async function tables(): Promise<Row[]> {
  const rows: Row[] = []
  for (const { name, ops, prepare } of operations) {
    const worlds = { baseline: await World.make(sizes.baseline), ours: await World.make(sizes.ours) }
    const opsOf = { baseline: ops ?? sizes.baseline, ours: ops ?? sizes.ours }
    const rounds = await alternate(
      { baseline: async () => prepare(worlds.baseline, opsOf.baseline), ours: async () => prepare(worlds.ours, opsOf.ours) },
      { ops: opsOf, rounds: 9 }
    )
    await Promise.all([worlds.baseline.pool.destroy(), worlds.ours.pool.destroy()])
    rows.push(ratioRow({ figure: `10,000 entries: ${name}`, against: '400 entries' }, rounds, { ratio: atMost, show: duration }))
  }
  return rows
}

function each<T>(items: readonly T[], work: (item: T, index: number) => unknown): () => void {
  return () => {
    for (const [i, item] of items.entries()) work(item, i)
  }
}

function messages(points: readonly Point[]): ParsedPoint[][] {
  const parsed = points.map((point) => ({ point, expectedPeerId: undefined }))
  return Array.from({ length: parsed.length / 100 }, (_, i) => parsed.slice(i * 100, (i + 1) * 100))
}

/** Before the work something changed, so that it is not done with what it made before. */
function changed({ pool, peers }: World, work: () => unknown): () => unknown {
  pool.peers.setMetadata(peers[0] as PeerId, null)
  return work
}
