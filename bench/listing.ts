/**
 * Row: fifty points to tell, out of N known. Half of the points ran once and half of all are public, as in a pool that has
 * lived; such points come out of a storage, so the verbs run upon a table that was filled as a load fills it.
 */

import { Registering } from '../src/core/api/registering.ts'
import type { Connection } from '../src/core/flows/connection.ts'
import { EventHub } from '../src/core/flows/event-hub.ts'
import { Guard } from '../src/core/flows/guards.ts'
import { nodePreset, type PeerId, resolveConfig } from '../src/core/index.ts'
import { memoryStorage } from '../src/core/memory-storage.ts'
import { Band } from '../src/core/tables/band.ts'
import { Claims } from '../src/core/tables/claims.ts'
import { PeerTable } from '../src/core/tables/peer-table.ts'
import { PointTable } from '../src/core/tables/point-table.ts'
import { PoolState } from '../src/core/tables/pool-state.ts'
import { Registry } from '../src/core/tables/registry.ts'
import { joinPoint } from '../src/core/tables/saved-fields.ts'
import { poolEventNames } from '../src/core/values/events.ts'
import { argumentsFor } from '../src/core/verbs.ts'
import { systemClock, systemRandom } from '../src/libp2p/system.ts'
import { accessList } from '../test/support/access-list.ts'
import { duration, growthOf, type Row, significant, times } from './row.ts'
import { compare } from './timing.ts'
import { peerTexts, pointTexts, quietNetwork, quietOptions, tablesOf } from './world.ts'

const sizes = [400, 1e4]
const listed = 50
const lists = 50

export async function list(): Promise<Row[]> {
  const small = filled(400)
  const steps: [number, string][] = []
  let worst = { ratio: 1, ours: 0, baseline: 0 }
  for (const size of sizes) {
    const large = filled(size)
    const times50 = (pool: typeof small) => () => {
      for (let i = 0; i < lists; i++) {
        if (pool.listKnownPoints({ ignorePrivate: false, size: listed }).length !== listed) throw new Error('the list is short')
      }
    }
    const timed = await compare({ baseline: times50(small), ours: times50(large) }, { ops: { baseline: lists, ours: lists } })
    steps.push([size, `${duration(timed.ours)} (${times(timed.ratio)})`])
    if (timed.ratio > worst.ratio || size === 1e4) worst = timed
  }
  return [
    {
      work: '`listKnownPoints` of 50 from N known',
      against: 'itself at N = 400',
      bar: 'at 1e4 at most 3 times the cost; under 100 µs',
      baseline: duration(worst.baseline),
      ours: duration(worst.ours),
      result: `${times(worst.ratio)}, ${significant(worst.ours / 1_000)} µs at 1e4`,
      met: worst.ratio <= 3 && worst.ours < 100_000,
      growth: growthOf(steps),
      note: 'Half of the points ran once. 30 are the most recently seen, 20 are drawn at random, with the random source of production.'
    }
  ]
}

function filled(size: number): Registering<Uint8Array, unknown, Uint8Array> {
  const config = resolveConfig(quietOptions(tablesOf(size)), { preset: nodePreset, storage: memoryStorage() })
  const points = new PointTable({ size: config.maxKnownPoints })
  const log = new Guard({ error: console.error }, systemClock)
  const events = new EventHub(poolEventNames, { clock: systemClock, guard: log })
  const state = new PoolState<unknown, Connection>({
    config,
    peerId: quietNetwork.peerId,
    clock: systemClock,
    random: systemRandom,
    points,
    peers: new PeerTable({ size: config.maxKnownPeers, score: () => 0 }),
    score: () => 0,
    band: new Band(config),
    access: accessList({ ...config, key: systemRandom.bytes(32), now: systemClock.now() }),
    emit: (type, detail) => events.emit(type, detail),
    changed: () => undefined
  })
  const peerId = peerTexts(1)[0] as PeerId
  for (const [i, point] of pointTexts(size).entries()) {
    points.restore(
      {
        point,
        source: undefined,
        discoverySource: 'storage',
        discoveredAt: 1_700_000_000_000 + i,
        trusted: false,
        registered: false,
        isPublic: i % 2 === 0,
        expectedPeerId: undefined,
        lastFailedAt: undefined,
        lastRejected: undefined,
        lastEstablished: i % 4 < 2 ? { peerId, at: 1_700_000_000_000 + i } : undefined,
        lastDisconnection: undefined,
        events: []
      },
      joinPoint
    )
  }
  const context = {
    config,
    network: quietNetwork,
    clock: systemClock,
    random: systemRandom,
    log,
    state,
    events,
    instance: systemRandom.bytes(8),
    sharingSeed: 1,
    ownMetadata: () => new Uint8Array(0),
    take: argumentsFor(quietNetwork)
  }
  return new Registering({ ...context, registry: new Registry(state), claims: new Claims(state) })
}
