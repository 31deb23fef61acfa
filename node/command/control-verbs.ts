/**
 * What the control socket can be asked: the verbs of the pool, by the names of the pool's own table, and six of the peer that
 * runs it (`status`, `snapshot`, `events`, `log`, `metrics`, `recording`). A verb that is new in the pool's table works here without a change; its result is given back
 * once `plainResults` says how it becomes JSON. The pool checks the arguments.
 */
import { disable, enable } from '@libp2p/logger'
import { listOf, oneOf, shown, text } from '../../src/core/values/arguments.ts'
import { type PoolEventName, poolEventNames } from '../../src/core/values/events.ts'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { isVerb, type Verb } from '../../src/core/verbs.ts'
import type { Recording } from '../../src/recording/recording.ts'
import type { Connection, Libp2pPeerPool, NodePeer } from '../index.ts'
import { CommandError } from './command-error.ts'
import type { ControlTarget } from './control-connection.ts'
import type { ControlEvent } from './control-lines.ts'
import { healthOf } from './health.ts'
import { packageVersion } from './package-version.ts'
import type { PeerStatus, SnapshotField } from './peer-status.ts'
import { snapshotFields } from './peer-status.ts'

/** Takes or returns what only a program has: a function, a value of the application's codec, a live record. */
const programsOnly: ReadonlySet<Verb> = new Set<Verb>([
  ...(['send', 'broadcast', 'peers.setMetadata', 'peers.watch', 'points.watch', 'peers.describe', 'points.describe'] as const),
  ...(['connections.findByPeerId', 'connections.findByPoint'] as const)
])

const asItIs = (value: unknown): unknown => value

/** What a verb answers. Of others nothing is said but that they are done: they return live records of the pool. */
const plainResults: { readonly [Name in Verb]?: (result: unknown, pool: Libp2pPeerPool) => unknown } = {
  explain: asItIs,
  explainBand: asItIs,
  listKnownPoints: asItIs,
  'peers.isBanned': asItIs,
  'points.isBanned': asItIs,
  'connections.randomAddress': asItIs,
  connect: (result) => (result as Connection).info
}

/** The history of a known point or peer; `null` if it is not known. */
const descriptions = {
  'peers.info': (pool: Libp2pPeerPool, [peerId]: readonly unknown[]) => {
    const info = pool.peers.info(peerId as PeerId)
    return info === undefined ? null : { ...pool.peers.describe(info), metadata: undefined }
  },
  'points.info': (pool: Libp2pPeerPool, [point]: readonly unknown[]) => {
    const info = pool.points.info(point as Point)
    return info === undefined ? null : pool.points.describe(info)
  }
}

/** What the command knows of the peer beside the pool. */
export interface PeerFacts {
  readonly folder: string
  /** Where HTTP health is served. */
  readonly http: string | undefined
  /** Where it listens for control over TCP. Known later than the rest. */
  readonly control: () => string | undefined
  readonly startedAt: number
  /** The text for Prometheus. @default this peer has no metrics */
  readonly metrics?: (() => Promise<string>) | undefined
  /** @default this peer is not recorded */
  readonly recording?: Recording | undefined
}

/** The peer as the control socket gives access to it. */
export function controlOf({ node, pool, relay }: NodePeer, facts: PeerFacts): ControlTarget {
  const own: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
    snapshot: ([fields]) => pick(pool.snapshot(), fields),
    log: ([namespaces]) => switchLogs(namespaces),
    metrics: () => {
      if (facts.metrics === undefined) throw new CommandError('failed', 'this peer has no metrics')
      return facts.metrics()
    },
    recording: async () => {
      if (facts.recording === undefined) throw new CommandError('failed', 'this peer is not recorded: start it with --record')
      return Buffer.from(await facts.recording.save()).toString('base64')
    },
    status: () => {
      const snapshot = pool.snapshot()
      return statusOf(snapshot, {
        ...{
          pid: process.pid,
          packageVersion,
          startedAt: facts.startedAt,
          folder: facts.folder,
          http: facts.http ?? null,
          control: facts.control() ?? null
        },
        addresses: node.getMultiaddrs().map(String),
        relay: relay?.status() ?? null,
        explanation: pool.explainBand()
      })
    }
  }
  return {
    events: new EventLog(pool),
    async call(verb, args) {
      const run = Object.hasOwn(own, verb) ? own[verb] : undefined
      return run === undefined ? callPool(pool, verb, args) : run(args)
    }
  }
}

async function callPool(pool: Libp2pPeerPool, verb: string, args: readonly unknown[]): Promise<unknown> {
  if (!isVerb(verb))
    throw new CommandError(
      'unknown-verb',
      `verb: expected events, log, metrics, recording, snapshot, status or a method of the pool, got ${shown(verb)}`
    )
  if (programsOnly.has(verb))
    throw new CommandError('unknown-verb', `${verb}: expected a verb that takes JSON alone; this one is for programs`)
  if (verb === 'peers.info' || verb === 'points.info') return descriptions[verb](pool, args)
  const [noun, name] = verb.includes('.') ? verb.split('.') : [undefined, verb]
  const target: object = noun === undefined ? pool : Reflect.get(pool, noun)
  const result: unknown = await Reflect.apply(Reflect.get(target, name ?? ''), target, args)
  return plainResults[verb]?.(result, pool)
}

const maxNamespaces = 1_024

/** Lets libp2p's loggers of these names write to standard error of the peer, and no others. */
function switchLogs(given: unknown): void {
  const namespaces = text(given, { code: 'invalid-argument', name: 'log' }) as string
  if (!/^[\w:*,/.+@-]*$/.test(namespaces) || namespaces.length > maxNamespaces)
    throw new CommandError('usage', `log: expected names such as p2p-pool:* with commas in between, got ${shown(namespaces)}`)
  if (namespaces === '') disable()
  else enable(namespaces)
}

const fieldNames = listOf(oneOf(...snapshotFields))

/** The named fields of a snapshot: a table of 10,000 points need not be sent for a list of connections. */
function pick(snapshot: PoolSnapshot, given: unknown): Partial<PoolSnapshot> {
  const fields = fieldNames(given, { code: 'invalid-argument', name: 'snapshot' }) as readonly SnapshotField[]
  return Object.fromEntries(fields.map((field) => [field, snapshot[field]]))
}

function statusOf(snapshot: PoolSnapshot, facts: Omit<PeerStatus, 'health' | 'pool' | 'known' | 'blocked'>): PeerStatus {
  const { connections: _, points, peers, blocks, bannedPeers, bannedHosts, greylistedPeers, greylistedHosts, ...pool } = snapshot
  return {
    ...facts,
    health: healthOf(snapshot),
    pool,
    known: { points: points.length, peers: peers.length },
    blocked: {
      bannedPeers: bannedPeers.length,
      bannedHosts: bannedHosts.length,
      bannedRanges: blocks.filter(({ kind, host }) => kind === 'banned' && host?.includes('/')).length,
      greylistedPeers: greylistedPeers.length,
      greylistedHosts: greylistedHosts.length
    }
  }
}

/** Every event goes into the log but those that say nothing by themselves, that the history of a point or peer tells, or that come all the time. */
const unlogged: ReadonlySet<string> = new Set<PoolEventName>(['change', 'point-history', 'peer-history', 'storage-saved'])
const maxRecentEvents = 256

/** The last events of a pool, and who follows them. */
class EventLog {
  readonly #recent: ControlEvent[] = []
  readonly #listeners = new Set<(event: ControlEvent) => void>()

  constructor(pool: Libp2pPeerPool) {
    for (const name of Object.keys(poolEventNames) as PoolEventName[]) {
      if (!unlogged.has(name)) pool.addEventListener(name, (event) => this.#add(event))
    }
  }

  recent(): readonly ControlEvent[] {
    return this.#recent
  }

  subscribe(listener: (event: ControlEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #add(event: ControlEvent): void {
    this.#recent.push(event)
    if (this.#recent.length > maxRecentEvents) this.#recent.shift()
    for (const listener of this.#listeners) listener(event)
  }
}
