/**
 * Row: fifty points to tell, out of N known. Half of the points ran once and half of all are public, as in a pool that has
 * lived; such points come out of a storage, so the verbs run upon a table that was filled as a load fills it.
 */

import { nodePreset, type PeerId, PeerPool, resolveConfig } from '../src/core/index.ts'
import { memoryStorage } from '../src/core/memory-storage.ts'
import type { Parts } from '../src/core/tables/pool-view.ts'
import { restorePoint } from '../src/core/tables/saved-fields.ts'
import { systemClock, systemRandom } from '../src/libp2p/system.ts'
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

function filled(size: number): PeerPool {
  const config = resolveConfig<Uint8Array, unknown, Uint8Array>(quietOptions(tablesOf(size)), {
    preset: nodePreset,
    storage: memoryStorage()
  })
  let points: Parts<unknown, never>['points'] | undefined
  const pool = new PeerPool(config, {
    ...{ network: quietNetwork, clock: systemClock, random: systemRandom, log: console },
    inspect: (_, parts) => {
      points = parts.points
    }
  })
  if (points === undefined) throw new Error('the pool has not shown its parts')
  const peerId = peerTexts(1)[0] as PeerId
  for (const [i, point] of pointTexts(size).entries()) {
    restorePoint(points, {
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
    })
  }
  return pool
}
