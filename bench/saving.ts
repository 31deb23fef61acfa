/**
 * Row: peers to a file and back, as a pool does it (atomic, synced, locked, checked entry by entry), against JSON as it is.
 * The longest turn is taken in runs of its own, with Node's event-loop monitor.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { jsonFileStorage } from '../node/json-file.ts'
import type { PeerId, PeerPool } from '../src/core/index.ts'
import { Bans } from '../src/core/tables/bans.ts'
import { PeerTable } from '../src/core/tables/peer-table.ts'
import { PointTable } from '../src/core/tables/point-table.ts'
import { restorePeer } from '../src/core/tables/saved-fields.ts'
import { writeState } from '../src/core/tables/saved-state.ts'
import { duration, growthOf, type Row, significant, times } from './row.ts'
import { alternate, collectGarbage, type Timed } from './timing.ts'
import { libp2pPeers, pointTexts, quietPool, tablesOf } from './world.ts'

const sizes = [1e3, 1e4]
const maxBytes = 256 * 1_024 * 1_024
const atMost = 2
const maxTurnMs = 50

export async function saving(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'p2p-pool-bench-'))
  try {
    const steps: { size: number; save: Timed; load: Timed; turns: { save: number; load: number; bareSave: number; bareLoad: number } }[] =
      []
    for (const size of sizes) steps.push({ size, ...(await measure(size, folder)) })
    const last = steps.at(-1)
    if (last === undefined) return []
    return (['save', 'load'] as const).map((verb) => {
      const timed = last[verb]
      const turn = last.turns[verb]
      const bare = last.turns[verb === 'save' ? 'bareSave' : 'bareLoad']
      return {
        work: `${verb} 1e4 peers`,
        against: verb === 'save' ? '`JSON.stringify` and write' : 'read and `JSON.parse`',
        bar: `at most ${atMost} times; no turn above ${maxTurnMs} ms`,
        baseline: duration(timed.baseline),
        ours: duration(timed.ours),
        result: `${times(timed.ratio)}; longest turn ${significant(turn)} ms`,
        met: timed.ratio <= atMost && turn <= maxTurnMs,
        growth: growthOf(steps.map((step) => [step.size, `${duration(step[verb].ours)} (${times(step[verb].ratio)})`])),
        note:
          `Each peer met once, with two events. The bare way blocks the event loop for ${significant(bare)} ms.` +
          (verb === 'save'
            ? ''
            : ' Beyond reading and parsing, each entry is checked field by field, its ids and addresses too, and enters the tables: by a profile a fifth is `JSON.parse`, a quarter the collection of garbage.')
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(size: number, folder: string) {
  const path = join(folder, `peers-${size}.json`)
  const barePath = join(folder, `bare-${size}.json`)
  const text = [...partsOf(size)].join('')
  await writeFile(path, text)
  const document: unknown = JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`)
  await writeFile(barePath, JSON.stringify(document))
  const bareSave = async (): Promise<void> => writeFile(barePath, JSON.stringify(document))
  const bareLoad = async (): Promise<unknown> => JSON.parse(await readFile(barePath, 'utf8'))
  const change = (pool: PeerPool): void => {
    const [first] = pool.peers.known()
    if (first !== undefined) pool.peers.setMetadata(first[0], null)
  }
  const pool = await loaded(path, size)
  const rounds = { ops: { baseline: 1, ours: 1 }, rounds: size > 1e4 ? 5 : 9 }
  const save = await alternate(
    {
      baseline: () => bareSave,
      ours: () => {
        change(pool)
        return () => pool.savePeers()
      }
    },
    rounds
  )
  change(pool)
  const turns = { save: await longestTurn(() => pool.savePeers()), bareSave: await longestTurn(bareSave) }
  await pool.destroy()
  const used: PeerPool[] = []
  const fresh = async (): Promise<() => Promise<void>> => {
    for (const before of used.splice(0)) await before.destroy()
    const next = make(path, size)
    used.push(next)
    return () => start(next, size)
  }
  const load = await alternate({ baseline: () => bareLoad, ours: fresh }, rounds)
  const loadTurn = await longestTurn(await fresh())
  const bareLoadTurn = await longestTurn(bareLoad)
  for (const before of used) await before.destroy()
  return { save, load, turns: { ...turns, load: loadTurn, bareLoad: bareLoadTurn } }
}

async function loaded(path: string, size: number): Promise<PeerPool> {
  const pool = make(path, size)
  await start(pool, size)
  return pool
}

function make(path: string, size: number): PeerPool {
  return quietPool({ ...tablesOf(size), storage: jsonFileStorage(path, { maxBytes }) })
}

/** Opening and loading, whether the pool waited for it or went on behind it. */
async function start(pool: PeerPool, size: number): Promise<void> {
  const storage = pool.next('storage-loaded')
  await pool.start()
  const { detail } = await storage
  if (detail.peers !== size) throw new Error(`${size} peers were stored, ${detail.peers} came back`)
}

/** ms. The monitor's own tick of 1 ms is in it. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  collectGarbage()
  const monitor = monitorEventLoopDelay({ resolution: 1 })
  monitor.enable()
  await new Promise((resolve) => setTimeout(resolve, 20))
  monitor.reset()
  // The first tick after a reset only starts its clock.
  await new Promise((resolve) => setTimeout(resolve, 10))
  await work()
  await new Promise((resolve) => setTimeout(resolve, 5))
  monitor.disable()
  return monitor.max / 1e6
}

function partsOf(size: number): Iterable<string> {
  const bounds = { max: size, target: size }
  const peers = new PeerTable({ size: bounds, score: () => 0 })
  const points = pointTexts(size)
  for (const [i, id] of libp2pPeers(size).entries()) {
    const point = points[i]
    const at = 1_700_000_000_000 + i
    restorePeer(
      peers,
      {
        peerId: id.toString() as PeerId,
        createdAt: at,
        trusted: false,
        metadata: null,
        lastFailed: undefined,
        lastRejected: undefined,
        lastEstablished: { point, at },
        lastDisconnection: { point, at: at + 60_000 },
        served: 0,
        connectedMs: 0,
        lastReport: undefined,
        events: [
          { kind: 'connection-opened', at, other: point },
          { kind: 'connection-closed', at: at + 60_000, other: point }
        ]
      },
      null
    )
  }
  const peerMetadata = { initial: () => null, toJson: () => null, fromJson: () => null, score: () => 0 }
  const config = { maxKnownPoints: bounds, maxKnownPeers: bounds, trustedPoints: [], peerMetadata }
  return writeState({ config, points: new PointTable({ size: bounds }), peers, bans: new Bans(() => 0) }, { anchors: [], date: Date.now() })
}
