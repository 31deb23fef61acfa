/**
 * Feeds libp2p's metrics from the events and the snapshot of a pool. Loaded by `service.ts` only where the node has metrics, so that others
 * neither load nor compute any of it. It reads the pool through its public face and changes nothing.
 */
import type { Metrics } from '@libp2p/interface'
import type { Connection } from '../core/flows/connection.ts'
import type { PeerPool } from '../core/peer-pool.ts'
import type { RoundTrips } from '../core/values/attempt.ts'
import type { Clock, Log } from '../core/values/ports.ts'
import type { Rejection } from '../core/values/reason.ts'
import type { BlockSnapshot, PoolSnapshot } from '../core/values/snapshot.ts'
import type { RelayGuard } from './gater.ts'
import { type Figures, Instruments, tally } from './instruments.ts'
import { type MetricOf, outcomeOf } from './metric-table.ts'

/** One collection asks for each gauge in turn: they share one reading of the pool, this old at most, ms. */
const sharedForMs = 100
/** More attempts than are ever in progress. */
const maxAttempts = 4_096

/** What is needed of a connection. */
type MeasuredConnection = Pick<Connection, 'stat' | 'rttMs' | 'ending' | 'startedAt'>

/** What is needed of a pool. */
export interface MeasuredPool extends Pick<PeerPool, 'addEventListener' | 'snapshot' | 'band' | 'activeConnections' | 'status'> {
  readonly connections: { list(): readonly MeasuredConnection[] }
}

export interface MetricsParts {
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
  /** Of the relay in this node. @default none */
  readonly relay?: Pick<RelayGuard, 'status'> | undefined
}

interface Reading {
  readonly snapshot: PoolSnapshot
  readonly at: number
}

/** What was counted of a connection so far. */
interface Counted {
  received: number
  sent: number
  messagesReceived: number
  messagesSent: number
  messagesDropped: number
  rttMs: RoundTrips | null
}

/** Begins to feed the metrics. Never throws. Call it once for a pool, before its start. */
export function measurePool(pool: MeasuredPool, { metrics, clock, log, relay }: MetricsParts): void {
  const instruments = new Instruments(metrics, log)
  const traffic = new Traffic(pool, { instruments, clock })
  const shortage = new Shortage(pool, { instruments, clock })
  countEvents(pool, instruments)
  timeDials(pool, { instruments, clock })
  let last: Reading | undefined
  const read = (): PoolSnapshot | undefined => {
    // A pool has no snapshot before its first start.
    if (pool.status === 'created' || pool.status === 'starting') return undefined
    const now = clock.now()
    if (last === undefined || now - last.at >= sharedForMs) {
      traffic.count()
      last = { snapshot: pool.snapshot(), at: now }
    }
    return last.snapshot
  }
  const gauge = (name: MetricOf<'gauge'>, figures: (snapshot: PoolSnapshot) => Figures): void =>
    instruments.gauge(name, () => {
      const snapshot = read()
      return snapshot === undefined ? undefined : figures(snapshot)
    })
  gauge('p2p_pool_connections', ({ connections }) =>
    tally(
      'p2p_pool_connections',
      connections.map(({ direction }) => direction)
    )
  )
  gauge('p2p_pool_connections_by_transport', ({ connections }) =>
    tally(
      'p2p_pool_connections_by_transport',
      connections.map(({ transport }) => transport)
    )
  )
  gauge('p2p_pool_connections_by_kind', ({ connections }) =>
    tally(
      'p2p_pool_connections_by_kind',
      connections.map(({ kind }) => kind)
    )
  )
  gauge('p2p_pool_attempts', ({ outgoingAttempts, incomingHandshakes }) => ({ outgoing: outgoingAttempts, incoming: incomingHandshakes }))
  gauge('p2p_pool_band', ({ band: { min, expected, max } }) => ({ min, expected, max }))
  gauge('p2p_pool_below_minimum_seconds', () => shortage.forMs() / 1_000)
  gauge('p2p_pool_points', ({ points }) =>
    tally(
      'p2p_pool_points',
      points.map(({ state }) => state)
    )
  )
  gauge('p2p_pool_peers', ({ peers }) =>
    tally(
      'p2p_pool_peers',
      peers.map(({ state }) => state)
    )
  )
  gauge('p2p_pool_own_points', ({ ownPoints }) => ownPoints.length)
  gauge('p2p_pool_blocked', ({ blocks }) => tally('p2p_pool_blocked', blocks.map(kindOf)))
  gauge('p2p_pool_storage_persistent', ({ storage }) => (storage.mode === 'persistent' ? 1 : 0))
  if (relay !== undefined)
    instruments.gauge('p2p_pool_relay_reservations', () => {
      const { used, left, max } = relay.status()
      return { used, left, max }
    })
}

function kindOf({ kind, host }: BlockSnapshot): string {
  return `${kind}-${host === null ? 'peer' : host.includes('/') ? 'range' : 'host'}`
}

/** Counters that an event tells whole. */
function countEvents(pool: MeasuredPool, instruments: Instruments): void {
  pool.addEventListener('connection-opened', ({ detail: { direction } }) => countAttempt(direction, 'opened'))
  for (const name of ['handshake-refused', 'connection-failed'] as const)
    pool.addEventListener(name, ({ detail: { direction, rejection } }) => countAttempt(direction, outcomeOf(rejection)))
  const countAttempt = (direction: 'incoming' | 'outgoing', outcome: string): void =>
    instruments.count(direction === 'outgoing' ? 'p2p_pool_dials_total' : 'p2p_pool_handshakes_total', outcome)
  for (const name of ['connection-closed', 'connection-lost'] as const) {
    pool.addEventListener(name, ({ detail: { ending } }) => {
      instruments.count('p2p_pool_endings_total', ending.reason.kind)
      instruments.count('p2p_pool_endings_by_total', ending.by)
    })
  }
  pool.addEventListener('peer-reported', ({ detail: { kind } }) => instruments.count('p2p_pool_reports_total', kind))
  pool.addEventListener('greylisted', () => instruments.count('p2p_pool_greylistings_total'))
  pool.addEventListener('advertise-sent', ({ detail: { points } }) => instruments.count('p2p_pool_advertised_points_total', 'sent', points))
  pool.addEventListener('advertise-received', ({ detail: { points, taken } }) => {
    instruments.count('p2p_pool_advertised_points_total', 'received', points)
    instruments.count('p2p_pool_advertised_points_total', 'taken', taken)
  })
  pool.addEventListener('points-collected', ({ detail: { removed } }) => instruments.count('p2p_pool_collected_total', 'points', removed))
  pool.addEventListener('peers-collected', ({ detail: { removed } }) => instruments.count('p2p_pool_collected_total', 'peers', removed))
  pool.addEventListener('storage-failed', ({ detail: { failure } }) => instruments.count('p2p_pool_storage_failures_total', failure))
  pool.addEventListener('storage-saved', ({ detail: { tookMs } }) => instruments.observe('p2p_pool_save_seconds', tookMs))
  const swaps = {
    'swap-request-sent': 'offered',
    'swap-request-received': 'received',
    'swap-request-ignored': 'ignored',
    'swap-ack-sent': 'accepted',
    'swap-ack-received': 'accepted-by-peer',
    'swap-success': 'succeeded',
    'swap-failure': 'failed'
  } as const
  for (const name of Object.keys(swaps) as (keyof typeof swaps)[])
    pool.addEventListener(name, () => instruments.count('p2p_pool_swaps_total', swaps[name]))
}

interface Feeding {
  readonly instruments: Instruments
  readonly clock: Clock
}

/** From the start of a dial until both sides have accepted it, or it has failed. */
function timeDials(pool: MeasuredPool, { instruments, clock }: Feeding): void {
  const startedAt = new Map<number, number>()
  const ended = (attempt: number, outcome: 'accepted' | 'failed'): void => {
    const since = startedAt.get(attempt)
    if (since === undefined) return
    startedAt.delete(attempt)
    instruments.observe('p2p_pool_dial_seconds', clock.now() - since, outcome)
  }
  pool.addEventListener('dial-started', ({ detail: { attempt } }) => {
    if (startedAt.size < maxAttempts) startedAt.set(attempt, clock.now())
  })
  pool.addEventListener('handshake-accepted', ({ detail }) => ended(detail.attempt, 'accepted'))
  for (const name of ['handshake-refused', 'connection-failed'] as const)
    pool.addEventListener(name, ({ detail }: { detail: { attempt: number; rejection: Rejection } }) => ended(detail.attempt, 'failed'))
}

/** Counts what connections carried, their round trips and their ages: at each reading, and when one ends. */
class Traffic {
  readonly #pool: MeasuredPool
  readonly #feeding: Feeding
  /** One for each running connection. */
  readonly #counted = new Map<MeasuredConnection, Counted>()

  constructor(pool: MeasuredPool, feeding: Feeding) {
    this.#pool = pool
    this.#feeding = feeding
    for (const name of ['connection-opened', 'connection-closed', 'connection-lost'] as const)
      pool.addEventListener(name, () => this.count())
  }

  count(): void {
    for (const connection of this.#pool.connections.list())
      if (!this.#counted.has(connection)) this.#counted.set(connection, { ...nothing })
    for (const [connection, counted] of this.#counted) this.#add(connection, counted)
  }

  #add(connection: MeasuredConnection, counted: Counted): void {
    const { instruments, clock } = this.#feeding
    const { bytesReceived, bytesSent, messagesReceived, messagesSent, messagesDropped } = connection.stat
    const add = (name: MetricOf<'counter'>, value: string, by: number): void => {
      if (by > 0) instruments.count(name, value, by)
    }
    add('p2p_pool_bytes_total', 'received', bytesReceived - counted.received)
    add('p2p_pool_bytes_total', 'sent', bytesSent - counted.sent)
    add('p2p_pool_messages_total', 'received', messagesReceived - counted.messagesReceived)
    add('p2p_pool_messages_total', 'sent', messagesSent - counted.messagesSent)
    add('p2p_pool_messages_dropped_total', '', messagesDropped - counted.messagesDropped)
    const { rttMs } = connection
    if (rttMs !== null && rttMs !== counted.rttMs) instruments.observe('p2p_pool_round_trip_seconds', rttMs.last)
    Object.assign(counted, { received: bytesReceived, sent: bytesSent, messagesReceived, messagesSent, messagesDropped, rttMs })
    if (connection.ending === undefined) return
    this.#counted.delete(connection)
    instruments.observe('p2p_pool_connection_age_seconds', clock.now() - connection.startedAt)
  }
}

const nothing: Counted = { received: 0, sent: 0, messagesReceived: 0, messagesSent: 0, messagesDropped: 0, rttMs: null }

/** Times with fewer connections than the band's minimum, while the pool runs. */
class Shortage {
  readonly #pool: MeasuredPool
  readonly #feeding: Feeding
  #since: number | undefined

  constructor(pool: MeasuredPool, feeding: Feeding) {
    this.#pool = pool
    this.#feeding = feeding
    pool.addEventListener('change', () => void this.forMs())
  }

  /** For how long it has lasted; 0: there are enough. */
  forMs(): number {
    const { instruments, clock } = this.#feeding
    const { status, activeConnections, band } = this.#pool
    const now = clock.now()
    const runs = status === 'running' || status === 'suspended'
    if (runs && activeConnections < band.min) {
      this.#since ??= now
      return now - this.#since
    }
    // Of a pool that stops nobody knows how long it would have lasted.
    if (runs && this.#since !== undefined) instruments.observe('p2p_pool_time_below_minimum_seconds', now - this.#since)
    this.#since = undefined
    return 0
  }
}
