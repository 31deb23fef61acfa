/** A pool's state without flows: clock, date and chance in the test's hand, and connections that are only a name. */
import { shareOf } from '../../src/core/decisions/group-shares.ts'
import { memoryStorage } from '../../src/core/memory-storage.ts'
import type { AttemptRecord } from '../../src/core/tables/attempt.ts'
import type { PointRecord } from '../../src/core/tables/point.ts'
import { PoolState } from '../../src/core/tables/pool-state.ts'
import { type Parts, partsOf } from '../../src/core/tables/pool-view.ts'
import type { Direction, RoundTrips, RunningConnection } from '../../src/core/values/attempt.ts'
import { nodePreset, resolveConfig } from '../../src/core/values/config.ts'
import type { PoolEventName, PoolEvents } from '../../src/core/values/events.ts'
import type { Host, PeerId, Point } from '../../src/core/values/ids.ts'
import type { Random, Transport } from '../../src/core/values/ports.ts'
import type { DisconnectReason, Ending } from '../../src/core/values/reason.ts'
import type { PoolOptions } from '../../src/core/values/settings.ts'
import { setInside } from './inside.ts'

export interface Told {
  readonly type: PoolEventName
  readonly detail: PoolEvents[PoolEventName]
}

/** What a test says of a connection; the rest comes from its attempt. */
export interface Made {
  readonly isPrivate?: boolean
}

export class FakeConnection implements RunningConnection {
  readonly peerId: PeerId
  readonly host: Host | undefined
  readonly transport: Transport
  readonly direction: Direction
  readonly establishedAt: number
  readonly startedAt: number
  readonly isPrivate: boolean
  readonly instance: string
  readonly rttMs: RoundTrips | null = null
  messagesReceived = 0
  use: RunningConnection['use']
  readonly #attempt: AttemptRecord<FakeConnection>
  readonly leave: (ending: Ending, comeBackAfterMs?: number) => void

  constructor(bench: StateBench, attempt: AttemptRecord<FakeConnection>, { isPrivate = false }: Made = {}) {
    this.peerId = attempt.peerId as PeerId
    this.#attempt = attempt
    this.host = attempt.host
    this.transport = attempt.transport
    this.direction = attempt.direction
    this.establishedAt = bench.date
    this.startedAt = bench.now
    this.isPrivate = isPrivate
    this.instance = attempt.instance
    this.leave = (ending, comeBackAfterMs = 0) => void bench.state.end(attempt, { kind: 'closed', ending, comeBackAfterMs })
  }

  get point(): Point | undefined {
    return this.#attempt.point
  }

  disconnect(reason: DisconnectReason): Promise<void> {
    this.leave({ by: 'us', reason })
    return Promise.resolve()
  }
}

/** Always the middle: jitter is nothing then. */
export const evenChance: Random = { next: () => 0.5, bytes: (length) => new Uint8Array(length) }

export class StateBench {
  /** Monotonic, ms. */
  now = 0
  /** Wall clock, ms. */
  date = 1_700_000_000_000
  readonly told: Told[] = []
  readonly state: PoolState<number, FakeConnection>
  /** What the state is made of. */
  readonly parts: Parts<number, FakeConnection>

  constructor(options: Partial<PoolOptions<Uint8Array, number>> = {}, { peerId = 'us', random = evenChance } = {}) {
    const peerMetadata = { initial: () => 0, toJson: (meta: number) => meta, fromJson: Number, score: (meta: number) => meta }
    const quiet = { minConnections: 0, expectedConnections: 0, network: 'test', peerMetadata }
    const config = resolveConfig<Uint8Array, number, Uint8Array>({ ...quiet, ...options }, { preset: nodePreset, storage: memoryStorage() })
    this.parts = partsOf<number, FakeConnection>({
      config,
      peerId: peerId as PeerId,
      clock: { now: () => this.now, date: () => this.date, schedule: () => () => undefined },
      random,
      score: ({ metadata }) => metadata,
      emit: (type, detail) => this.told.push({ type, detail }),
      shown: () => undefined,
      save: () => undefined
    })
    this.state = new PoolState(this.parts)
    setInside(this.state, this.parts)
  }

  /** The record of a point, made if it is new, for tests that write it past its owner. */
  record(point: Point): PointRecord {
    this.state.points.register(point)
    return this.parts.points.get(point) as PointRecord
  }

  pass(ms: number): void {
    this.now += ms
    this.date += ms
  }

  begin(point: Point, expectedPeerId?: PeerId): AttemptRecord<FakeConnection> {
    return this.state.beginOutgoing(this.state.points.register(point), expectedPeerId)
  }

  /** The checks have said yes. `point`: what an incoming peer named. */
  admit(
    attempt: AttemptRecord<FakeConnection>,
    peerId: PeerId,
    { point, instance = 'run' }: { point?: Point | undefined; instance?: string } = {}
  ): void {
    this.state.peers.register(peerId)
    this.state.admit(attempt, peerId, { instance, point: point === undefined ? undefined : this.state.points.register(point) })
  }

  run(attempt: AttemptRecord<FakeConnection>, made?: Made): FakeConnection {
    const connection = new FakeConnection(this, attempt, made)
    this.state.run(attempt, connection)
    return connection
  }

  /** A connection that we dialed, through all steps of an attempt. */
  dialed(point: Point, peerId: PeerId, made?: Made): FakeConnection {
    const attempt = this.begin(point)
    this.state.prove(attempt, peerId)
    this.admit(attempt, peerId)
    return this.run(attempt, made)
  }

  /** A handshake of a stranger that came in. */
  knocks(peerId: PeerId, host: Host | undefined, transport: Transport = 'tcp'): AttemptRecord<FakeConnection> {
    return this.state.beginIncoming({ peerId, host, transport }, { ...shareOf({ host, peerId }), source: String(host), isReserved: false })
  }

  /** One that came in. */
  cameIn(
    peerId: PeerId,
    { point, host, transport, ...made }: Made & { point?: Point | undefined; host?: Host; transport?: Transport } = {}
  ): FakeConnection {
    const attempt = this.knocks(peerId, host, transport)
    this.admit(attempt, peerId, { point })
    return this.run(attempt, made)
  }

  names(): PoolEventName[] {
    return this.told.map(({ type }) => type)
  }
}
