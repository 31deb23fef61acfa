import { describe, expect, it } from 'vitest'
import { checkIncoming, type Entry } from '../../../src/core/decisions/handshake-places.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { Rejection } from '../../../src/core/values/reason.ts'
import { StateBench } from '../../support/state-bench.ts'

const alice = 'alice' as PeerId
const at = (ip: string): Host => {
  const host = hostOfIp(ip)
  if (host === undefined) throw new Error(`not an address: ${ip}`)
  return host
}
const home = at('192.0.2.1')
const evicted: Rejection = { kind: 'too-many-handshakes' }

/** A pool with handshakes in progress, each told apart by the peer id. */
class Door {
  readonly bench: StateBench
  readonly #admitMs: number

  /** `admitMs`: how long the application may take to decide on a peer. */
  constructor(options: object = {}, admitMs = 0) {
    this.#admitMs = admitMs
    this.bench = new StateBench({ maxIncoming: 20, maxIncomingPerHost: 4, ...options })
  }

  ask(peerId: PeerId, host: Host | undefined): Rejection | Entry {
    return checkIncoming(this.bench.state, { peerId, host, now: this.bench.now, admitMs: this.#admitMs })
  }

  /** As the flow does it: asks, ends what makes room, begins. Says who made room, or why nobody came in. */
  knock(peerId: string, host: Host | undefined): string | undefined {
    const { state } = this.bench
    this.bench.pass(1)
    const entry = this.ask(peerId as PeerId, host)
    if (entry.kind !== 'enter') return entry.kind
    const displaced = [...state.attempts()].find((one) => one === entry.displaces)
    if (displaced !== undefined) state.end(displaced, { kind: 'failed', rejection: evicted, by: 'us' })
    state.beginIncoming({ peerId: peerId as PeerId, host, transport: 'tcp' }, entry.place)
    return displaced?.peerId
  }

  /** So many handshakes from each host, 1 ms apart: `host#n`. */
  fill(hosts: readonly string[], each: number): void {
    for (let n = 1; n <= each; n++) for (const host of hosts) expect(this.knock(`${host}#${n}`, at(host)), `${host}#${n}`).toBeUndefined()
  }

  trust(peerId: PeerId): void {
    const record = this.bench.state.peers.find(peerId)
    if (record !== undefined) this.bench.state.peers.trust(record.peerId)
  }

  wasConnected(peerId: PeerId, host: Host, ms: number): void {
    const connection = this.bench.cameIn(peerId, { host })
    this.bench.pass(ms)
    connection.leave({ by: 'them', reason: { kind: 'going-away' } })
  }
}

/** Addresses of hosts that share nothing, as IPv4 and as IPv6. */
const families: Readonly<Record<string, (n: number) => string>> = {
  IPv4: (n) => `${n + 1}.1.2.3`,
  IPv6: (n) => `2a${String(n).padStart(2, '0')}:db8::1`
}
const many = (count: number, ip: (n: number) => string): string[] => Array.from({ length: count }, (_, n) => ip(n))

describe('when a peer comes in', () => {
  it('a peer with our own id does not get in, nor a banned peer or one from a banned host, and they take no slot', () => {
    const door = new Door()
    const { bench } = door
    expect(door.ask(bench.state.peerId, home)).toEqual({ kind: 'myself' })
    bench.state.access.banHost(home, { banPeers: false })
    expect(door.ask(alice, home)).toEqual({ kind: 'peer-banned', peerId: alice })
    expect(door.ask(alice, undefined)).toMatchObject({ kind: 'enter', displaces: undefined })
    bench.state.access.banPeer(alice)
    door.fill(
      many(5, (n) => `${n + 1}.1.2.3`),
      4
    )
    expect(door.ask(alice, at('9.9.9.9'))).toEqual({ kind: 'peer-banned', peerId: alice })
  })

  for (const [family, ip] of Object.entries(families)) {
    describe(family, () => {
      it('a host has four handshakes, and the fifth must wait until one of them has been silent for a second', () => {
        const door = new Door()
        door.fill([ip(0)], 4)
        expect(door.knock('fifth', at(ip(0)))).toBe('too-many-handshakes')
        door.bench.pass(995)
        expect(door.knock('fifth', at(ip(0)))).toBe(`${ip(0)}#1`)
        expect(door.bench.state.incomingInProgress).toBe(4)
      })

      it('five hosts that fill all places: the newest of the largest makes room for a sixth', () => {
        const door = new Door()
        door.fill(many(5, ip), 4)
        expect(door.bench.state.incomingInProgress).toBe(20)
        expect(door.knock('honest', at(ip(90)))).toBe(`${ip(4)}#4`)
        expect(door.knock('other', at(ip(91)))).toBe(`${ip(3)}#4`)
        // A host that has most of them gets no more at the cost of others.
        expect(door.knock('again', at(ip(4)))).toBe('too-many-handshakes')
        expect(door.bench.state.incomingInProgress).toBe(20)
      })

      it('twenty hosts with one each: the one that has been silent for longest makes room, after a second', () => {
        const door = new Door()
        door.fill(many(20, ip), 1)
        expect(door.knock('honest', at(ip(90)))).toBe('too-many-handshakes')
        door.bench.pass(979)
        expect(door.knock('honest', at(ip(90)))).toBe(`${ip(0)}#1`)
      })

      it('twenty hosts that wasted places before make room at once', () => {
        const door = new Door()
        for (let wave = 1; wave <= 3; wave++) {
          for (const host of many(20, ip)) door.knock(`${host}#${wave}`, at(host))
          door.bench.pass(5_000)
          for (const attempt of [...door.bench.state.attempts()])
            door.bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'timeout', step: 'hello', afterMs: 5_000 }, by: 'them' })
        }
        door.fill(many(20, ip), 1)
        expect(door.knock('honest', at(ip(90)))).toBe(`${ip(19)}#1`)
        // They displace each other only, after a second.
        expect(door.knock('again', at(ip(0)))).toBe('too-many-handshakes')
        door.bench.pass(60_001)
        expect(door.knock('late', at(ip(91)))).toBe(`${ip(0)}#1`)
      })
    })
  }

  it('an IPv6 /64 is one host, and a /48 that has more than half of all places makes room first', () => {
    const door = new Door()
    for (let n = 0; n < 4; n++) door.knock(`n${n}`, at(`2a00:db8:0:1::${n}`))
    expect(door.knock('fifth', at('2a00:db8:0:1::9'))).toBe('too-many-handshakes')
    for (let n = 0; n < 16; n++) door.knock(`m${n}`, at(`2a00:db8:0:${n + 100}::1`))
    expect(door.knock('near', at('2a00:db8:0:99::1'))).toBe('n3')
    for (const peerId of ['n0', 'n1', 'n2'])
      for (const attempt of [...door.bench.state.attempts()])
        if (attempt.peerId === peerId)
          door.bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'cancelled', detail: '' }, by: 'us' })
    for (let n = 0; n < 3; n++) door.knock(`l${n}`, at(`2a00:db8:0:${n + 300}::1`))
    expect(door.bench.state.incomingInProgress).toBe(20)
    expect(door.knock('nearer', at('2a00:db8:0:98::1'))).toBe('too-many-handshakes')
    expect(door.knock('far', at('2a01:db8::1'))).toBe('l2')
  })

  it('an IPv4 address is the same however it is written', () => {
    const door = new Door()
    for (const n of [1, 2]) door.knock(`a${n}`, at('192.0.2.9'))
    for (const n of [1, 2]) door.knock(`b${n}`, at('::ffff:192.0.2.9'))
    expect(door.knock('fifth', at('::ffff:c000:209'))).toBe('too-many-handshakes')
  })

  it('peers without a public address are counted one by one, not as one host', () => {
    for (const host of [undefined, at('127.0.0.1'), at('192.168.1.1'), at('100.64.0.1'), at('fe80::1'), at('fd00::1')]) {
      const door = new Door()
      for (let n = 0; n < 20; n++) expect(door.knock(`p${n}`, host)).toBeUndefined()
      expect(door.knock('late', host)).toBe('too-many-handshakes')
      door.bench.pass(1_000)
      expect(door.knock('late', host)).toBe('p0')
      expect(door.knock('public', at('192.0.2.1'))).toBe('late')
    }
  })

  it('one peer without a public address has four handshakes', () => {
    const door = new Door()
    for (let n = 0; n < 4; n++) expect(door.knock('same', undefined)).toBeUndefined()
    expect(door.knock('same', undefined)).toBe('too-many-handshakes')
    expect(door.knock('other', undefined)).toBeUndefined()
  })

  it('a trusted peer gets in whatever other peers are there, and takes no slot of an unknown peer', () => {
    const door = new Door()
    door.trust(alice)
    door.fill(
      many(5, (n) => `${n + 1}.1.2.3`),
      4
    )
    expect(door.ask(alice, at('1.1.2.3'))).toMatchObject({ kind: 'enter', displaces: undefined, place: { isReserved: true } })
    for (let n = 0; n < 4; n++) expect(door.knock('alice', at('1.1.2.3'))).toBeUndefined()
    // Of its own handshakes the oldest makes room.
    expect(door.knock('alice', at('1.1.2.3'))).toBe('alice')
    expect(door.bench.state.incomingInProgress).toBe(24)
    expect(door.knock('honest', home)).toBe('5.1.2.3#4')
  })

  it('the peer that a trusted point expects is one of them', () => {
    const door = new Door()
    door.bench.state.points.configure([{ point: '/ip4/203.0.113.1/tcp/1' as Point, expectedPeerId: alice }])
    door.fill(
      many(5, (n) => `${n + 1}.1.2.3`),
      4
    )
    expect(door.knock('alice', home)).toBeUndefined()
  })

  it('a peer that was connected before does not pay for others at its address', () => {
    const door = new Door()
    door.wasConnected(alice, home, 10_000)
    door.fill(['192.0.2.1', ...many(4, (n) => `${n + 1}.1.2.3`)], 4)
    expect(door.ask('stranger' as PeerId, home)).toEqual({ kind: 'too-many-handshakes' })
    expect(door.knock('alice', home)).toBe('4.1.2.3#4')
  })

  describe('peers of which the application decides', () => {
    /** All that are in wait for the application. */
    const decide = (door: Door): void => {
      for (const attempt of door.bench.state.attempts()) {
        if (attempt.phase !== 'begun' || attempt.peerId === undefined) continue
        door.bench.admit(attempt, attempt.peerId)
      }
    }

    it('are not silent: one alone at its host is never displaced', () => {
      for (const ip of [...Object.values(families), (n: number) => `10.0.0.${n + 1}`]) {
        const door = new Door({ maxConnections: 100 }, 4_000)
        door.fill(many(20, ip), 1)
        decide(door)
        door.bench.pass(3_900)
        expect(door.knock('late', at(ip(30)))).toBe('too-many-handshakes')
      }
    })

    it('make room again when the application has had its time and they say nothing', () => {
      const door = new Door({ maxConnections: 100 }, 4_000)
      door.fill(
        many(20, (n) => `${n + 1}.1.2.3`),
        1
      )
      decide(door)
      door.bench.pass(5_001)
      expect(door.knock('late', home)).toBe('1.1.2.3#1')
    })

    for (const hosts of [1, 2, 10]) {
      it(`a crowd at ${hosts} private addresses makes room for one peer elsewhere, and does not displace it`, () => {
        const door = new Door({ maxConnections: 100 }, 4_000)
        const crowd = many(hosts, (n) => `127.0.0.${n + 20}`)
        door.fill(crowd, 20 / hosts)
        decide(door)
        expect(door.knock('honest', at('127.0.0.1'))).toBe(`${crowd.at(-1)}#${20 / hosts}`)
        decide(door)
        door.bench.pass(1_500)
        for (const host of crowd) door.knock('again', at(host))
        expect([...door.bench.state.attempts()].map(({ peerId }) => peerId)).toContain('honest')
        expect(door.bench.state.incomingInProgress).toBe(20)
      })
    }

    it('a peer that was connected before is not counted with a crowd at its address', () => {
      const door = new Door({ maxConnections: 100 }, 4_000)
      const host = at('127.0.0.1')
      door.wasConnected(alice, host, 10_000)
      door.fill(['127.0.0.1'], 20)
      decide(door)
      expect(door.knock('unknown', host)).toBe('too-many-handshakes')
      expect(door.knock('alice', host)).toBe('127.0.0.1#20')
    })

    it('a trusted peer gets in where its host has four of them, and in place of its own', () => {
      const door = new Door({ maxConnections: 100 }, 4_000)
      door.trust(alice)
      door.fill(['192.0.2.1'], 4)
      decide(door)
      door.bench.pass(2_000)
      expect(door.knock('fifth', home)).toBe('too-many-handshakes')
      for (let n = 0; n < 4; n++) expect(door.knock('alice', home)).toBeUndefined()
      expect(door.knock('alice', home)).toBe('alice')
    })

    it('hosts whose peers were refused make room first', () => {
      const door = new Door({ maxConnections: 100 }, 4_000)
      const ip = (n: number): string => `${n + 1}.1.2.3`
      door.fill(many(20, ip), 1)
      for (const attempt of [...door.bench.state.attempts()])
        if (attempt.peerId !== undefined)
          door.bench.state.end(attempt, {
            kind: 'failed',
            rejection: { kind: 'not-admitted', peerId: attempt.peerId, detail: '' },
            by: 'us'
          })
      door.fill(many(20, ip), 1)
      decide(door)
      expect(door.knock('honest', home)).toBe(`${ip(19)}#1`)
    })
  })

  it('a peer whose Hello came has another second for its Ack', () => {
    const door = new Door()
    door.fill(
      many(20, (n) => `${n + 1}.1.2.3`),
      1
    )
    const [first] = door.bench.state.attempts()
    if (first?.peerId === undefined) throw new Error('nobody is there')
    door.bench.pass(900)
    door.bench.admit(first, first.peerId)
    door.bench.pass(200)
    expect(door.knock('honest', home)).toBe('2.1.2.3#1')
  })
})
