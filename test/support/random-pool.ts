/**
 * A pool's state under random hands: every verb of its owner, with the flows' part (who checks before, who ends
 * what) played synchronously, on small tables, so that they are full most of the time. One seed is one life.
 */
import { checkDial, checkDialed } from '../../src/core/decisions/admission.ts'
import { checkHello, protocolVersions } from '../../src/core/decisions/admission-hello.ts'
import { checkIncoming } from '../../src/core/decisions/handshake-places.ts'
import type { AttemptRecord } from '../../src/core/tables/attempt.ts'
import type { Outcome } from '../../src/core/tables/outcome.ts'
import type { DiscoverySource } from '../../src/core/tables/point.ts'
import { hostOf, hostOfIp, readPoint } from '../../src/core/values/address.ts'
import type { Attempt } from '../../src/core/values/attempt.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../../src/core/values/ids.ts'
import { type DisconnectReason, PoolError, type Rejection } from '../../src/core/values/reason.ts'
import type { HelloMessage } from '../../src/core/wire/schema.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { type FakeConnection, StateBench } from './state-bench.ts'

const us = 'p5' as PeerId
const peerIds = Array.from({ length: 10 }, (_, i) => `p${i}` as PeerId)
const hosts = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '10.0.0.1', '2001:db8::1', '2001:db8::2'].map((ip) => hostOfIp(ip) as Host)
const ranges = ['192.0.2.0/24', '2001:db8::/32', '10.0.0.0/8']
const points = [
  ...['192.0.2.1', '192.0.2.2', '198.51.100.7', '10.0.0.1', '127.0.0.1', '203.0.113.9'].flatMap((ip) =>
    [1, 2, 3].map((port) => `/ip4/${ip}/tcp/${port}`)
  ),
  ...['/ip6/2001:db8::1/tcp/1', '/ip6/2001:db8::2/tcp/1', '/dns4/example.org/tcp/1'],
  ...['p1', 'p2', 'p3'].map((id) => `/ip4/192.0.2.1/tcp/1/p2p/p0/p2p-circuit/p2p/${id}`)
] as Point[]
const discoverySources: readonly DiscoverySource[] = ['operator', 'storage', 'hello', 'advertise', 'nack', 'swap', 'discovery']

/** Who mostly answers at a point; a relayed one has its own target. */
function homeOf(point: Point): PeerId {
  return (readPoint(point).isRelayed ? point.slice(point.lastIndexOf('/') + 1) : peerIds[points.indexOf(point) % peerIds.length]) as PeerId
}

export class RandomPool {
  readonly bench: StateBench
  readonly state: StateBench['state']
  readonly #next: () => number

  constructor(seed: number) {
    const random = seededRandom(seed)
    this.#next = () => random.next()
    const options = {
      ...{ minConnections: 1, expectedConnections: 2, maxConnections: 2 + this.#below(3), maxIncoming: 3, maxIncomingPerHost: 2 },
      ...{ peerGreylistSize: 3, ipGreylistSizeKiB: 1 + this.#below(3), ipGreylistCleanupDelayMs: 160_000 },
      maxKnownPoints: this.#once(0.1) ? null : { max: 3 + this.#below(10), target: this.#below(4) },
      maxKnownPeers: this.#once(0.1) ? null : { max: 2 + this.#below(6), target: this.#below(3) },
      privateMode: this.#once(0.1),
      allowPrivatePoints: this.#once(0.5)
    }
    this.bench = new StateBench(options, { peerId: us, random })
    this.state = this.bench.state
  }

  /** Does one thing by chance; returns its name. */
  act(): string {
    const [name, act] = this.#pick(this.#acts)
    try {
      act()
    } catch (error) {
      if (!(error instanceof PoolError) || error.code !== 'table-full') throw error
    }
    return name
  }

  readonly #acts: readonly (readonly [string, () => void])[] = [
    ...repeat(6, 'dial', () => this.#dial()),
    ...repeat(6, 'incoming', () => this.#incoming()),
    ...repeat(20, 'step', () => this.#step(this.#pick([...this.state.attempts()]))),
    ...repeat(3, 'leave', () => this.#leave(this.#pick([...this.state.connections()]))),
    ['register', () => void this.state.points.register(this.#point(), { trusted: this.#trust() })],
    [
      'register new',
      () => void this.state.points.registerNew(this.#point(), { discoverySource: this.#pick(discoverySources), source: this.#peer() })
    ],
    ['register peer', () => void this.state.peers.find(this.#peer())],
    ['unregister', () => this.state.points.forget(this.#point())],
    [
      'learn',
      () => void this.bench.state.claims.learn(this.#told(), { peerId: this.#peer(), host: this.#host(), discoverySource: 'advertise' })
    ],
    ['learn own', () => this.#learnOwn(this.#pick([...this.state.connections()]))],
    ['trust peer', () => this.#trustPeer(this.#pick([...this.state.peers])?.peerId)],
    ['expect', () => this.#expect()],
    ['ban peer', () => void this.state.access.banPeer(this.#peer(), { endsAt: this.#end() })],
    ['unban peer', () => this.state.access.unbanPeer(this.#peer())],
    ['ban host', () => void this.state.access.banHost(this.#host() ?? (hosts[0] as Host), this.#banOptions())],
    ['unban host', () => this.#unbanHost(this.#host() ?? (hosts[0] as Host))],
    ['ban range', () => void this.state.access.banRange(this.#pick(ranges), this.#banOptions())],
    ['unban range', () => this.state.access.unbanRange(this.#pick(ranges))],
    [
      'greylist',
      () => this.state.access.greylist({ peerId: this.#once(0.5) ? this.#peer() : undefined, host: this.#host(), cause: 'random' })
    ],
    ['fade', () => this.state.access.fadeGreylist()],
    ['band', () => this.#changeBand()],
    ['clear greylist', () => this.state.access.clearGreylist()],
    ['own point', () => this.state.points.addOwn(this.#point())],
    ['announce', () => this.#announce()],
    ['score', () => this.#score(this.#pick([...this.state.peers])?.peerId)],
    ['list', () => this.#list()],
    ...repeat(3, 'time', () => this.#pass())
  ]

  #dial(): void {
    const point = this.#point()
    const known = this.state.points.get(point)
    const expectedPeerId =
      this.#once(0.2) && !readPoint(point).isRelayed ? this.#peer() : (known?.expectedPeerId ?? readPoint(point).target)
    const trusted = this.#trust()
    if (checkDial(this.state, point, expectedPeerId, trusted) !== undefined) return
    this.state.beginOutgoing(this.state.points.wanted(point, { trusted, expectedPeerId }), expectedPeerId)
  }

  #changeBand(): void {
    const max = 1 + this.#below(5)
    this.state.changeBand({ ordinary: { min: 0, expected: max, max }, isSuspended: this.#once(0.3) })
  }

  #incoming(): void {
    const peerId = this.#peer()
    const host = this.#host()
    const entry = checkIncoming(this.state, { peerId, host, now: this.bench.now })
    if (entry.kind !== 'enter') return
    if (entry.displaces !== undefined) this.#giveWay(entry.displaces)
    this.state.beginIncoming({ peerId, host, transport: 'tcp' }, entry.place)
  }

  /** What the flow of this attempt does next: it looks at its signal after each wait, and before it changes anything. */
  #step(attempt: AttemptRecord<FakeConnection> | undefined): void {
    if (attempt === undefined) return
    if (attempt.signal.aborted) this.#fail(attempt, (attempt.signal.reason as PoolError).rejection as Rejection, 'us')
    else if (this.#once(0.1)) this.#fail(attempt, this.#rejection(), this.#once(0.5) ? 'us' : 'them')
    else if (attempt.direction === 'outgoing' && attempt.peerId === undefined) this.#answer(attempt)
    else if (attempt.phase === 'begun') this.#judge(attempt)
    else this.#run(attempt)
  }

  #answer(attempt: AttemptRecord<FakeConnection>): void {
    const there = this.#once(0.1) || attempt.point === undefined ? this.#peer() : homeOf(attempt.point)
    if (attempt.point !== undefined && there !== (readPoint(attempt.point).target ?? there)) {
      this.#fail(attempt, { kind: 'dial-failed', failure: 'wrong-peer-id', detail: 'random' }, 'them')
      return
    }
    this.state.prove(attempt, there)
    const refusal = checkDialed(this.state, there, attempt)
    if (refusal === undefined) return
    this.#fail(attempt, refusal, 'us')
    if (refusal.kind === 'already-connected') this.state.locate(attempt)
    if (refusal.kind === 'myself' && attempt.point !== undefined) this.state.points.addOwn(attempt.point)
  }

  #judge(attempt: AttemptRecord<FakeConnection>): void {
    const peerId = attempt.peerId as PeerId
    const hello = this.#hello()
    const instance = String(this.#below(3))
    const verdict = checkHello(this.state, attempt, { peerId, hello, points: [], instance, now: this.bench.now })
    if (verdict.kind !== 'admit') {
      this.#fail(attempt, verdict, 'us')
      return
    }
    if (verdict.displaces !== undefined) this.#giveWay(verdict.displaces)
    void verdict.replaces?.disconnect({ kind: 'replaced' })
    void verdict.evicts?.disconnect({ kind: 'too-many-connections' })
    const peer = this.state.peers.find(peerId)
    if (peer === undefined) {
      this.#fail(attempt, { kind: 'table-full' }, 'us')
      return
    }
    const own = this.bench.state.claims.learnOwn(this.#told(), {
      peerId,
      host: attempt.host,
      isPrivate: hello.isPrivate,
      trusted: peer.trusted
    })
    this.state.admit(attempt, peerId, { instance, point: own.find((record) => record.state.kind === 'disconnected') })
  }

  #giveWay(displaced: Attempt): void {
    for (const other of [...this.state.attempts()])
      if (other === displaced) this.#fail(other, { kind: 'cancelled', detail: 'gave way' }, 'us')
  }

  #run(attempt: AttemptRecord<FakeConnection>): void {
    this.bench.run(attempt, { isPrivate: this.#once(0.2) })
  }

  #fail(attempt: AttemptRecord<FakeConnection>, rejection: Rejection, by: 'us' | 'them'): void {
    const outcome: Outcome = { kind: 'failed', rejection, by }
    const isFirst = attempt.phase !== 'ended'
    if (this.state.end(attempt, outcome) !== isFirst || this.state.end(attempt, outcome)) throw new Error('end counted twice')
  }

  #leave(connection: FakeConnection | undefined): void {
    const reason = this.#pick<DisconnectReason>([{ kind: 'lost' }, { kind: 'fault', detail: 'random' }, { kind: 'going-away' }])
    connection?.leave({ by: this.#pick(['us', 'them', 'network'] as const), reason }, this.#once(0.1) ? 100_000 : 0)
  }

  #banOptions(): { banPeers: boolean; endsAt: number | undefined } {
    return { banPeers: this.#once(0.5), endsAt: this.#end() }
  }

  #learnOwn(connection: FakeConnection | undefined): void {
    if (connection === undefined) return
    const { peerId, host, isPrivate } = connection
    this.bench.state.claims.learnOwn(this.#told(), { peerId, host, isPrivate, trusted: this.state.access.isTrusted(peerId, undefined) })
  }

  #trustPeer(peerId: PeerId | undefined): void {
    if (peerId === undefined) return
    if (this.#once(0.4)) this.state.peers.trust(peerId)
    else this.state.peers.untrust(peerId)
  }

  #expect(): void {
    const point = this.#point()
    this.state.points.expect(point, readPoint(point).target ?? this.#peer())
  }

  #announce(): void {
    const own = [this.#point(), this.#point()].slice(0, this.#below(3))
    this.state.points.announce(own)
  }

  /** A host in a banned range is not freed alone. */
  #unbanHost(host: Host): void {
    try {
      this.state.access.unbanHost(host)
    } catch (error) {
      if (!(error instanceof PoolError && error.code === 'invalid-argument')) throw error
    }
  }

  #score(peerId: PeerId | undefined): void {
    if (peerId !== undefined) this.state.peers.setMetadata(peerId, this.#below(5) - 2)
  }

  #list(): void {
    const size = this.#below(8)
    const listed = this.state.points.list({ ignorePrivate: this.#once(0.5), size })
    if (listed.length > size || new Set(listed).size !== listed.length) throw new Error(`listed ${listed.join(' ')} of at most ${size}`)
    for (const point of listed)
      if (this.state.access.hostBlock(hostOf(point), this.state.access.isTrusted(undefined, point)) !== undefined)
        throw new Error(`listed ${point}, which is barred`)
  }

  /** Mostly seconds, sometimes days; the wall clock may be set to anything. */
  #pass(): void {
    const ms = this.#once(0.1) ? 86_400_000 : this.#below(20_000)
    this.bench.now += ms
    this.bench.date += this.#once(0.1) ? (this.#below(2_000) - 1_000) * 10_000_000 : ms
    this.state.access.expireBans()
  }

  #hello(): HelloMessage {
    const nothing = new Uint8Array(0)
    return {
      kind: 'hello',
      network: this.#once(0.05) ? 'other' : 'test',
      protocolVersions,
      applicationVersions: [this.#once(0.05) ? 9 : 0],
      isPrivate: this.#once(0.2),
      discovery: true,
      points: [],
      ...{ signedPeerRecord: nothing, instance: nothing, metadata: nothing, transports: [], invitation: '' }
    }
  }

  #rejection(): Rejection {
    return this.#pick<Rejection>([
      { kind: 'fault', detail: 'random' },
      { kind: 'link-lost', step: 'hello' },
      { kind: 'timeout', step: 'ack', afterMs: 1 },
      { kind: 'dial-failed', failure: 'refused', detail: '' },
      { kind: 'rejected-by-peer', motive: 1, points: [] },
      { kind: 'not-admitted', peerId: this.#peer(), detail: 'random' },
      { kind: 'cancelled', detail: 'by the caller' }
    ])
  }

  #told(): ParsedPoint[] {
    return Array.from({ length: this.#below(4) }, () => {
      const point = this.#point()
      return { point, expectedPeerId: readPoint(point).isRelayed ? homeOf(point) : this.#once(0.2) ? this.#peer() : undefined }
    })
  }

  #point(): Point {
    return this.#pick(points)
  }

  #peer(): PeerId {
    return this.#pick(peerIds)
  }

  #host(): Host | undefined {
    return this.#once(0.2) ? undefined : this.#pick(hosts)
  }

  #trust(): boolean | undefined {
    return this.#once(0.1) ? true : this.#once(0.1) ? false : undefined
  }

  #end(): number | undefined {
    return this.#once(0.5) ? undefined : this.bench.date + 1 + this.#below(100_000)
  }

  #once(probability: number): boolean {
    return this.#next() < probability
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }
}

function repeat<T>(count: number, name: string, act: T): (readonly [string, T])[] {
  return Array.from({ length: count }, () => [name, act] as const)
}
