/**
 * Rows: the access lists. Is a peer, is a host banned, through the pool's own verbs, with N known and a tenth of that banned
 * (10,000 at most, the cap of bans), also while somebody is greylisted and a ban has an end; and one step of the greylist's fading.
 */
import { type Host, type PeerId, type Point, PoolError } from '../src/core/index.ts'
import { AddressGreylist } from '../src/core/tables/greylist.ts'
import { hostOf } from '../src/core/values/address.ts'
import { duration, growthOf, type Row, significant, times } from './row.ts'
import { collectGarbage, compare, median, type Timed } from './timing.ts'
import { peerTexts, pointTexts, quietPool, sampleOf, tablesOf } from './world.ts'

const sizes = [1e3, 1e4]
const asked = 1_000
const maxBans = 10_000
const atMost = 10

interface Question {
  readonly work: string
  readonly note: string
  /** Asked while time can change the answer. @default false */
  readonly isTimed?: true
  readonly ask: (
    pool: ReturnType<typeof quietPool>,
    sample: { peers: readonly PeerId[]; points: readonly Point[]; hosts: readonly Host[] }
  ) => number
}

const questions: readonly Question[] = [
  {
    work: 'is it banned: `peers.isBanned(peerId)`',
    note: '',
    ask: (pool, { peers }) => count(peers, (peerId) => pool.peers.isBanned(peerId))
  },
  {
    work: "is it banned: `points.isBanned(point)`, by the point's host",
    note: '',
    ask: (pool, { points }) => count(points, (point) => pool.points.isBanned(point))
  },
  {
    work: 'is it banned: `gate.deniesPeer(peerId, host)`, host and peer at once',
    note: '',
    ask: (pool, { peers, hosts }) => count(peers, (peerId, i) => pool.gate.deniesPeer(peerId, hosts[i]))
  },
  {
    work: 'the same while a host and a peer are greylisted and a ban has an end',
    note: 'For information: both clocks are read, and what is not banned is looked up in the greylists too.',
    isTimed: true,
    ask: (pool, { peers, hosts }) => count(peers, (peerId, i) => pool.gate.deniesPeer(peerId, hosts[i]))
  }
]

export async function banned(): Promise<Row[]> {
  const steps = questions.map((): [number, Timed][] => [])
  for (const size of sizes) {
    const pool = quietPool(tablesOf(size))
    const peers = peerTexts(size)
    const points = pointTexts(size)
    for (const peerId of peers) pool.registerPeer(peerId)
    for (const point of points) pool.registerNewPoint(point)
    const bans = Math.min(maxBans, size / 10)
    for (let i = 0; i < bans; i++) {
      await pool.peers.ban(peers[(i * 7) % size] as PeerId)
      await pool.points.ban(points[(i * 7) % size] as Point, { banPeers: false }).catch(expectTableFull)
    }
    const known = new Map(peers.map((peerId, i) => [peerId, i]))
    const sample = { peers: sampleOf(peers, asked), points: sampleOf(points, asked) }
    const hosts = sample.points.map((point) => hostOf(point) as Host)
    let found = 0
    for (const [i, { ask, isTimed }] of questions.entries()) {
      if (isTimed) {
        pool.greylistAddress('::ffff:99.1.2.3' as Host)
        pool.greylistPeer(peers[1] as PeerId)
        pool.peers.unban(peers[0] as PeerId)
        await pool.peers.ban(peers[0] as PeerId, { endsAt: Date.now() + 3_600_000 })
      }
      const timed = await compare(
        {
          baseline: () => {
            found += count(sample.peers, (peerId) => known.has(peerId))
          },
          ours: () => {
            found += ask(pool, { ...sample, hosts })
          }
        },
        { ops: { baseline: asked, ours: asked }, rounds: 5 }
      )
      steps[i]?.push([size, timed])
    }
    if (found === 0) throw new Error('nothing was found')
  }
  return questions.map(({ work, note, isTimed }, i) => {
    const measured = steps[i] ?? []
    const worst = Math.max(...measured.map(([, { ratio }]) => ratio))
    const first = measured[0]?.[1] as Timed
    return {
      work,
      against: 'one `Map.has` of as many',
      bar: isTimed ? '–' : `at most ${atMost} times without greylisted entries; no growth`,
      baseline: duration(first.baseline),
      ours: duration(first.ours),
      result: `${times(first.ratio)}, ${times(worst)} at worst`,
      met: isTimed ? undefined : worst <= atMost,
      growth: growthOf(measured.map(([size, { ours, ratio }]) => [size, `${duration(ours)} (${times(ratio)})`])),
      note
    }
  })
}

function count<T>(items: readonly T[], is: (item: T, index: number) => boolean): number {
  let found = 0
  for (let i = 0; i < items.length; i++) if (is(items[i] as T, i)) found++
  return found
}

/** Two points may be on one host's ban list already full; more bans than the cap are not what is measured. */
function expectTableFull(error: unknown): void {
  if (!(error instanceof PoolError) || error.code !== 'table-full') throw error
}

const filterKiB = 2_048

/** A listing lives fifteen steps, so the list is filled anew for each ten of them; fill and step take turns. */
export async function fading(): Promise<Row[]> {
  const steps: [number, Timed & { readonly longest: number; readonly longestByWall: number }][] = []
  const same = new Uint8Array(filterKiB * 1_024)
  for (const listed of sizes) {
    const hosts = pointTexts(listed).map((point) => hostOf(point) as Host)
    const filling: number[] = []
    const turns: number[] = []
    const stepping: number[] = []
    for (let round = -1; round < 3; round++) {
      const greylist = new AddressGreylist({ sizeKiB: filterKiB, key: new Uint8Array(32) })
      for (const host of hosts) greylist.add(host, 1)
      collectGarbage()
      for (let step = 0; step < 7 && !greylist.isEmpty; step++) {
        filling.push(timeOf(() => same.fill(round & 15)))
        const before = process.threadCpuUsage()
        stepping.push(timeOf(() => greylist.fade()))
        const { user, system } = process.threadCpuUsage(before)
        turns.push((user + system) * 1_000)
      }
      if (round < 0) filling.length = stepping.length = turns.length = 0
    }
    const baseline = median(filling)
    const ours = median(stepping)
    steps.push([listed, { baseline, ours, ratio: ours / baseline, longest: Math.max(...turns), longestByWall: Math.max(...stepping) }])
  }
  const worst = steps.map(([, timed]) => timed).reduce((a, b) => (a.ratio > b.ratio ? a : b))
  const longest = Math.max(...steps.map(([, timed]) => timed.longest))
  const longestByWall = Math.max(...steps.map(([, timed]) => timed.longestByWall))
  return [
    {
      work: "one step of the greylist's fading at 2,048 KiB",
      against: 'a `Uint8Array.fill` of the same size',
      bar: `at most ${atMost} times; never more than 16 ms in one turn`,
      baseline: duration(worst.baseline),
      ours: duration(worst.ours),
      result: `${times(worst.ratio)} at worst; longest step ${significant(longest / 1e6)} ms of processor time, ${significant(longestByWall / 1e6)} ms by the wall clock`,
      met: worst.ratio <= atMost && longest <= 16e6,
      growth: growthOf(steps.map(([listed, { ours, ratio }]) => [listed, `${duration(ours)} (${times(ratio)})`])),
      note: 'Growth: hosts listed. A step works in place and makes nothing, so nothing is left for a later turn.'
    }
  ]
}

function timeOf(work: () => unknown): number {
  const start = performance.now()
  work()
  return (performance.now() - start) * 1e6
}
