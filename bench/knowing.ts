/** Rows: look a known peer up, register a new point; both against libp2p's peer store on its memory datastore. */
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerPool } from '../src/core/index.ts'
import { duration, growthOf, type Row, significant, times } from './row.ts'
import { alternate, compare, type Timed } from './timing.ts'
import { libp2pPeers, peerStore, peerTexts, pointTexts, quietPool, sampleOf, tablesOf } from './world.ts'

const sizes = [1e3, 1e4]
const maxStored = 1e4
const looked = 1_000
const stored = 200
/** Points registered in one timed turn: enough that the collector's own work is in it. */
const added = 20_000

export async function lookUp(): Promise<Row[]> {
  const steps: [number, Timed][] = []
  const peers = libp2pPeers(maxStored)
  const store = await peerStore()
  let filled = 0
  for (const size of sizes) {
    for (; filled < Math.min(size, maxStored); filled++)
      await store.merge(at(peers, filled), { multiaddrs: [multiaddr(at(points, filled))] })
    const pool = quietPool(tablesOf(size))
    const known = peerTexts(size)
    for (const peerId of known) pool.registerPeer(peerId)
    const theirs = sampleOf(peers.slice(0, filled), stored)
    const ours = sampleOf(known, looked)
    let found = 0
    const timed = await compare(
      {
        baseline: async () => {
          for (const peerId of theirs) if ((await store.get(peerId)).addresses.length > 0) found++
        },
        ours: () => {
          for (const peerId of ours) if (pool.peers.info(peerId) !== undefined) found++
        }
      },
      { ops: { baseline: stored, ours: looked }, rounds: 5 }
    )
    if (found === 0) throw new Error('nothing was found')
    steps.push([size, timed])
  }
  return [
    fasterRow(steps, {
      work: 'look a known peer up',
      against: 'libp2p PeerStore `get`, memory datastore',
      atLeast: 200,
      note: ''
    })
  ]
}

const points = pointTexts(maxStored, 5e6)

export async function register(): Promise<Row[]> {
  const steps: [number, Timed][] = []
  const store = await peerStore()
  let storedFrom = 0
  let seed = 100
  const warm = quietPool(tablesOf(1e4))
  for (const point of pointTexts(1e4, 9e6)) warm.registerNewPoint(point)
  for (const size of sizes) {
    for (const peer of libp2pPeers(Math.max(0, Math.min(size, 1e4) - storedFrom), seed++)) {
      await store.merge(peer, { multiaddrs: [multiaddr(at(points, storedFrom++))] })
    }
    // A small table would soon be a large one: several of them take the points of a turn, and are made anew for the next.
    const pools = size < added ? added / 1e3 : 1
    let from = 0
    const filled = (): PeerPool => {
      // Room for all that will come: collection is the matter of the flood.
      const pool = quietPool(tablesOf(size + 10 * added))
      for (const point of pointTexts(size, from)) pool.registerNewPoint(point)
      from += size
      return pool
    }
    const large = pools === 1 ? [filled()] : []
    const timed = await alternate(
      {
        baseline: () => {
          const news = libp2pPeers(stored, seed++).map((peer, i) => ({ peer, addresses: [multiaddr(at(points, i))] }))
          return async () => {
            for (const { peer, addresses } of news) await store.merge(peer, { multiaddrs: addresses })
          }
        },
        ours: () => {
          const turns = (pools === 1 ? large : Array.from({ length: pools }, filled)).map((pool) => {
            const news = pointTexts(added / pools, from)
            from += news.length
            return { pool, news }
          })
          return () => {
            for (const { pool, news } of turns) {
              for (const point of news) if (pool.registerNewPoint(point) === undefined) throw new Error(`${point} was refused`)
            }
          }
        }
      },
      { ops: { baseline: stored, ours: added } }
    )
    steps.push([size, timed])
  }
  return [
    fasterRow(steps, {
      work: 'register a new point',
      against: 'libp2p PeerStore `merge` of a new peer with one address',
      atLeast: 50,
      note: 'Both get parsed values; the table stands at the size of the growth column.'
    })
  ]
}

function fasterRow(
  steps: readonly [number, Timed][],
  { work, against, atLeast, note }: { work: string; against: string; atLeast: number; note: string }
): Row {
  const worst = Math.min(...steps.map(([, { ratio }]) => 1 / ratio))
  const [, first] = at(steps, 0)
  return {
    work,
    against,
    bar: `at least ${atLeast} times faster`,
    baseline: duration(first.baseline),
    ours: duration(first.ours),
    result: `${significant(1 / first.ratio)} times faster, ${significant(worst)} at worst`,
    met: worst >= atLeast,
    growth: growthOf(steps.map(([size, { ours, ratio }]) => [size, `${duration(ours)} (${times(1 / ratio)})`])),
    note
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`no item ${index} of ${items.length}`)
  return item
}
