import { describe, expect, it } from 'vitest'
import { checkDial, checkDialed, isBlockedAt } from '../../../src/core/decisions/admission.ts'
import { checkHello } from '../../../src/core/decisions/admission-hello.ts'
import { checkIncoming } from '../../../src/core/decisions/handshake-places.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { Rejection } from '../../../src/core/values/reason.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { helloOf } from '../../support/hostile-peer.ts'
import { shuffled } from '../../support/shuffle.ts'
import { StateBench } from '../../support/state-bench.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]
const at = (n: number): Point => `/ip4/192.0.2.${n}/tcp/1` as Point
const home = at(1)
const host = hostOfIp('192.0.2.1') as Host
const elsewhere = hostOfIp('203.0.113.9') as Host
const day = 86_400_000

/** What somebody says who belongs to the network. */
function greeting(bench: StateBench): Parameters<typeof checkHello>[2] {
  return { peerId: alice, hello: helloOf(), points: [], instance: 'run', now: bench.now }
}

interface Reason {
  readonly kind: Rejection['kind']
  readonly arrange: (bench: StateBench) => void
}

/** In the order in which they are told. Each alone is enough; what comes first hides what comes later. */
function tellsTheFirst(reasons: readonly Reason[], ask: (bench: StateBench) => Rejection | undefined, options = {}): void {
  it('nothing speaks against it: it may go on', () => {
    expect(ask(new StateBench(options))).toBeUndefined()
  })
  for (const [i, { kind }] of reasons.entries()) {
    it(`${kind} alone is told, and comes before ${
      reasons
        .slice(i + 1)
        .map((later) => later.kind)
        .join(', ') || 'nothing else'
    }`, () => {
      const alone = new StateBench(options)
      reasons[i]?.arrange(alone)
      expect(ask(alone)?.kind).toBe(kind)
      for (let seed = 1; seed <= 20; seed++) {
        const bench = new StateBench(options)
        for (const { arrange } of shuffled(reasons.slice(i), seededRandom(seed))) arrange(bench)
        expect(ask(bench)?.kind, `seed ${seed}`).toBe(kind)
      }
    })
  }
}

function banPeer(bench: StateBench, peerId: PeerId): void {
  bench.state.access.banPeer(peerId)
}

function banHost(bench: StateBench): void {
  bench.state.access.banHost(host, { banPeers: false })
}

/** A greylisted host bars strangers only: what each peer meets there, by every way in. */
describe('at a greylisted host', () => {
  const second = 1_000
  const wasConnected = (bench: StateBench, ms: number): void => {
    const connection = bench.cameIn(alice, { host: elsewhere })
    bench.pass(ms)
    connection.leave({ by: 'them', reason: { kind: 'going-away' } })
  }
  const trust = (bench: StateBench): void => {
    const record = bench.state.peers.find(alice)
    if (record !== undefined) bench.state.peers.trust(record.peerId)
  }
  const cases: readonly (readonly [string, (bench: StateBench) => void, boolean])[] = [
    ['a stranger is barred', () => undefined, true],
    ['a peer that is known, but was never connected, is barred', (bench) => void bench.state.peers.find(alice), true],
    ['a peer that was connected for 9 s is barred', (bench) => wasConnected(bench, 9 * second), true],
    ['a peer that was connected for 10 s is not', (bench) => wasConnected(bench, 10 * second), false],
    ['nor one that was there for 5 s twice', (bench) => [5, 5].forEach((s) => void wasConnected(bench, s * second)), false],
    ['nor a trusted one', trust, false],
    [
      'nor one that a trusted point elsewhere expects',
      (bench) => {
        bench.state.points.configure([{ point: at(9), expectedPeerId: alice }])
      },
      false
    ],
    [
      'a peer that an untrusted point elsewhere expects is barred',
      (bench) => {
        bench.state.points.expect(at(9), alice)
      },
      true
    ],
    ['at a host with a trusted point nobody is', (bench) => void bench.state.points.register(at(1), { trusted: true }), false]
  ]
  for (const [name, arrange, isBarred] of cases) {
    it(name, () => {
      const bench = new StateBench()
      arrange(bench)
      bench.state.access.greylist({ host, cause: '' })
      const { state } = bench
      const hello = checkHello(state, bench.knocks(alice, host), greeting(bench))
      const found = [
        checkDial(state, at(1), alice),
        checkDialed(state, alice, { host, point: undefined }),
        checkIncoming(state, { peerId: alice, host, now: bench.now }),
        hello
      ]
      const kinds = found.map((answer) =>
        answer === undefined || answer.kind === 'admit' || answer.kind === 'enter' ? undefined : answer.kind
      )
      expect(kinds).toEqual(isBarred ? ['point-banned', ...Array(3).fill('peer-banned')] : Array(4).fill(undefined))
      expect(isBlockedAt(state, at(1), { expectedPeerId: alice })).toBe(isBarred)
    })
  }

  it('a point is dialed, though no peer is expected there, if the last peer there is known', () => {
    const bench = new StateBench()
    const connection = bench.dialed(home, alice)
    bench.pass(10 * second)
    connection.leave({ by: 'them', reason: { kind: 'going-away' } })
    bench.state.access.greylist({ host, cause: '' })
    expect([checkDial(bench.state, home, undefined), checkDial(bench.state, home, bob)?.kind]).toEqual([undefined, 'point-banned'])
  })
})

describe('before a dial', () => {
  tellsTheFirst(
    [
      { kind: 'myself', arrange: (bench) => bench.state.points.addOwn(home) },
      { kind: 'point-banned', arrange: banHost },
      { kind: 'peer-banned', arrange: (bench) => banPeer(bench, alice) },
      { kind: 'already-connected', arrange: (bench) => void bench.dialed(at(2), alice) }
    ],
    (bench) => checkDial(bench.state, home, alice)
  )

  const cases: readonly { name: string; options?: object; arrange: (bench: StateBench) => void; expected: Rejection | undefined }[] = [
    {
      name: 'a full pool dials nobody',
      options: { maxConnections: 2 },
      arrange: (bench) => [at(3), at(4)].forEach((point) => void bench.begin(point)),
      expected: { kind: 'too-many-connections' }
    },
    {
      name: 'a point that is being dialed is pending',
      arrange: (bench) => void bench.begin(home),
      expected: { kind: 'pending', point: home }
    },
    {
      name: 'a point where the expected peer runs is connected',
      arrange: (bench) => void bench.dialed(home, alice),
      expected: { kind: 'already-connected', peerId: alice }
    },
    {
      name: 'a point where somebody else runs is not the expected peer',
      arrange: (bench) => void bench.dialed(home, bob),
      expected: { kind: 'unexpected-peer-id', expected: alice, received: bob }
    },
    {
      name: 'in private mode a stranger is not dialed',
      options: { privateMode: true },
      arrange: () => undefined,
      expected: { kind: 'private-mode' }
    },
    {
      name: 'in private mode a trusted point is',
      options: { privateMode: true },
      arrange: (bench) => void bench.state.points.register(home, { trusted: true }),
      expected: undefined
    },
    {
      name: 'a greylisted host is not dialed',
      arrange: (bench) => bench.state.access.greylist({ host, cause: '' }),
      expected: { kind: 'point-banned', point: home }
    },
    {
      name: 'a trusted point is, though a neighbour of its host was greylisted before',
      arrange: (bench) => {
        bench.state.access.greylist({ host, cause: '' })
        bench.state.points.register(home, { trusted: true })
      },
      expected: undefined
    },
    {
      name: 'a banned host is not dialed even if its point is trusted',
      arrange: (bench) => {
        bench.state.points.register(home, { trusted: true })
        banHost(bench)
      },
      expected: { kind: 'point-banned', point: home }
    },
    {
      name: 'a ban that has ended stops nobody',
      arrange: (bench) => {
        bench.state.access.banPeer(alice, { endsAt: bench.date + day })
        bench.pass(day)
      },
      expected: undefined
    }
  ]
  for (const { name, options: more, arrange, expected } of cases) {
    it(name, () => {
      const bench = new StateBench(more)
      arrange(bench)
      expect(checkDial(bench.state, home, alice)).toEqual(expected)
    })
  }

  it('the pool does not dial its own id', () => {
    const { state } = new StateBench()
    expect(checkDial(state, home, state.peerId)).toEqual({ kind: 'myself' })
  })
})

describe('after a dial', () => {
  tellsTheFirst(
    [
      { kind: 'peer-banned', arrange: (bench) => banPeer(bench, alice) },
      { kind: 'already-connected', arrange: (bench) => void bench.dialed(at(2), alice) }
    ],
    (bench) => checkDialed(bench.state, alice, { host, point: undefined })
  )

  it('our own id is refused', () => {
    const { state } = new StateBench()
    expect(checkDialed(state, state.peerId, { host, point: undefined })).toEqual({ kind: 'myself' })
  })
})
