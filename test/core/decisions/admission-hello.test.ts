import { describe, expect, it } from 'vitest'
import { checkDial } from '../../../src/core/decisions/admission.ts'
import { type Admission, checkHello } from '../../../src/core/decisions/admission-hello.ts'
import type { AttemptRecord } from '../../../src/core/tables/attempt.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, ParsedPoint, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { Rejection } from '../../../src/core/values/reason.ts'
import type { HelloMessage } from '../../../src/core/wire/schema.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]
/** Larger than `us`; the others are smaller. */
const zoe = 'zoe' as PeerId
const home = '/ip4/192.0.2.1/tcp/1' as Point
const away = '/ip4/198.51.100.1/tcp/1' as Point
const relayed = '/ip4/203.0.113.1/tcp/1/p2p/relay/p2p-circuit/p2p/alice' as Point
const relayedBob = '/ip4/203.0.113.1/tcp/1/p2p/relay/p2p-circuit/p2p/bob' as Point
const host = hostOfIp('192.0.2.1') as Host

function hello(more: Partial<HelloMessage> = {}): HelloMessage {
  const nothing = new Uint8Array(0)
  const texts = { points: [], signedPeerRecord: nothing, instance: nothing, metadata: nothing, transports: [], invitation: '' }
  return {
    kind: 'hello',
    network: 'test',
    protocolVersions: [1],
    applicationVersions: [0],
    isPrivate: false,
    discovery: true,
    ...texts,
    ...more
  }
}

/** What a peer names in a house that trusts one point, who is expected or is at that, and the target of a relayed one. */
interface Naming {
  readonly named: Point
  readonly point?: Point | undefined
  readonly expected?: PeerId
  readonly there?: PeerId
  readonly wasThere?: PeerId
  readonly target?: PeerId
}

const fromTrusted: readonly (readonly [string, Naming, Partial<Rejection> | 'admit'])[] = [
  ['a peer that comes from a trusted point', { named: home }, 'admit'],
  ['one that names a trusted point of another host', { named: away, point: away }, { kind: 'private-mode' }],
  ['one that names another port of the host', { named: '/ip4/192.0.2.1/tcp/2' as Point }, { kind: 'private-mode' }],
  ['one whose trusted point expects somebody else', { named: home, expected: bob }, { kind: 'private-mode' }],
  ['one whose trusted point expects it', { named: home, expected: alice }, 'admit'],
  ['one whose trusted point is somebody else’s at the moment', { named: home, there: bob }, { kind: 'private-mode' }],
  ['one that names a trusted relayed point, being its target', { named: relayed, point: relayed, target: alice }, 'admit'],
  ['one that is not its target', { named: relayedBob, point: relayedBob, target: bob }, { kind: 'private-mode' }],
  ['one whose trusted point had another peer the last time', { named: home, wasThere: bob }, { kind: 'private-mode' }],
  ['one whose trusted point had it the last time', { named: home, wasThere: alice }, 'admit']
]

interface Question {
  readonly attempt: AttemptRecord<FakeConnection>
  readonly peerId?: PeerId
  readonly hello?: Partial<HelloMessage>
  /** Parsed from the Hello. */
  readonly points?: readonly ParsedPoint[]
  readonly instance?: string
}

function ask(bench: StateBench, { attempt, peerId = alice, hello: more, points = [], instance = 'run' }: Question): Rejection | Admission {
  return checkHello(bench.state, attempt, { peerId, hello: hello(more), points, instance, now: bench.now })
}

describe('when their Hello came', () => {
  const incoming = (bench: StateBench, peerId: PeerId = alice): AttemptRecord<FakeConnection> => bench.knocks(peerId, host)
  const cases: readonly {
    name: string
    options?: object
    question: (bench: StateBench) => Question
    expected: Partial<Rejection> | 'admit'
  }[] = [
    { name: 'nothing speaks against it', question: (bench) => ({ attempt: incoming(bench) }), expected: 'admit' },
    { name: 'our own id', question: (bench) => ({ attempt: incoming(bench), peerId: bench.state.peerId }), expected: { kind: 'myself' } },
    {
      name: 'another id than expected',
      question: (bench) => ({ attempt: bench.begin(home, bob) }),
      expected: { kind: 'unexpected-peer-id', expected: bob, received: alice }
    },
    {
      name: 'a peer that was banned meanwhile',
      question: (bench) => {
        const attempt = incoming(bench)
        bench.state.access.banPeer(alice)
        return { attempt }
      },
      expected: { kind: 'peer-banned', peerId: alice }
    },
    {
      name: 'a host that was banned meanwhile',
      question: (bench) => {
        const attempt = incoming(bench)
        bench.state.access.banHost(host, { banPeers: false })
        return { attempt }
      },
      expected: { kind: 'peer-banned' }
    },
    {
      name: 'another network',
      question: (bench) => ({ attempt: incoming(bench), hello: { network: 'Test' } }),
      expected: { kind: 'unknown-network', expected: 'test', received: 'Test' }
    },
    {
      name: 'no common protocol version',
      question: (bench) => ({ attempt: incoming(bench), hello: { protocolVersions: [2, 3] } }),
      expected: { kind: 'no-common-version', of: 'protocol', received: [2, 3] }
    },
    {
      name: 'no protocol version at all',
      question: (bench) => ({ attempt: incoming(bench), hello: { protocolVersions: [] } }),
      expected: { kind: 'no-common-version', of: 'protocol' }
    },
    {
      name: 'no common application version',
      question: (bench) => ({ attempt: incoming(bench), hello: { applicationVersions: [7] } }),
      expected: { kind: 'no-common-version', of: 'application', received: [7] }
    },
    {
      name: 'one common application version of several',
      options: { applicationVersions: [1, 2] },
      question: (bench) => ({ attempt: incoming(bench), hello: { applicationVersions: [2, 3] } }),
      expected: 'admit'
    },
    {
      name: 'a stranger in private mode',
      options: { privateMode: true },
      question: (bench) => ({ attempt: incoming(bench) }),
      expected: { kind: 'private-mode' }
    },
    {
      name: 'a trusted peer in private mode',
      options: { privateMode: true },
      question: (bench) => {
        const peer = bench.state.peers.find(alice)
        if (peer !== undefined) bench.state.peers.trust(peer.peerId)
        return { attempt: incoming(bench) }
      },
      expected: 'admit'
    },
    ...fromTrusted.map(([name, { named, point = home, expected: expectedThere, there, wasThere, target }, expected]) => ({
      name: `${name}, in private mode`,
      options: { privateMode: true },
      question: (bench: StateBench): Question => {
        bench.state.points.register(point, { trusted: true })
        if (expectedThere !== undefined) bench.state.points.expect(point, expectedThere)
        if (there !== undefined) bench.dialed(point, there)
        if (wasThere !== undefined) bench.dialed(point, wasThere).leave({ by: 'us', reason: { kind: 'going-away' } })
        return { attempt: incoming(bench), points: [{ point: named, expectedPeerId: target }] }
      },
      expected
    })),
    {
      name: 'no slot left, but for one that comes from a trusted point, at the cost of a stranger',
      options: { maxConnections: 1 },
      question: (bench) => {
        bench.dialed(away, bob)
        bench.state.points.register(home, { trusted: true })
        return { attempt: incoming(bench), points: [{ point: home, expectedPeerId: undefined }] }
      },
      expected: 'admit'
    },
    {
      name: 'no slot left',
      options: { maxConnections: 1 },
      question: (bench) => {
        bench.begin(home)
        return { attempt: incoming(bench) }
      },
      expected: { kind: 'too-many-connections' }
    },
    {
      name: 'a dial has its slot already',
      options: { maxConnections: 1 },
      question: (bench) => ({ attempt: bench.begin(home) }),
      expected: 'admit'
    }
  ]
  for (const { name, options, question, expected } of cases) {
    it(`${name}: ${expected === 'admit' ? 'it is admitted' : expected.kind}`, () => {
      const bench = new StateBench(options)
      const answer = ask(bench, question(bench))
      expect(answer).toMatchObject(expected === 'admit' ? { kind: 'admit' } : expected)
    })
  }

  it('of two reasons the one that concerns the peer more is given', () => {
    const bench = new StateBench({ minConnections: 0, expectedConnections: 1, maxConnections: 1 })
    bench.dialed(away, bob)
    const wrong = { network: 'x', protocolVersions: [9], applicationVersions: [9] }
    const attempt = incoming(bench)
    expect(ask(bench, { attempt, hello: wrong }).kind).toBe('unknown-network')
    expect(ask(bench, { attempt, hello: { ...wrong, network: 'test' } })).toMatchObject({ of: 'protocol' })
    expect(ask(bench, { attempt, hello: { applicationVersions: [9] } })).toMatchObject({ of: 'application' })
    expect(ask(bench, { attempt }).kind).toBe('too-many-connections')
  })

  it('private mode comes before all that would be answered with a Hello', () => {
    const bench = new StateBench({ privateMode: true })
    for (const hello of [{ network: 'x' }, { protocolVersions: [9] }, { applicationVersions: [9] }, {}])
      expect(ask(bench, { attempt: incoming(bench), hello }).kind).toBe('private-mode')
  })
})

describe('the same peer twice', () => {
  /** What the other attempt is, what comes now, who wins. `us` lies between `alice` and `zoe`. */
  const cases: readonly {
    name: string
    arrange: (bench: StateBench) => Question
    expected: 'admit' | 'displace' | 'replace' | 'refuse'
  }[] = [
    {
      name: 'both dialed, ours has the smaller id: our dial displaces theirs',
      arrange: (bench) => {
        bench.admit(bench.knocks(zoe, host), zoe)
        return { attempt: bench.begin(home), peerId: zoe }
      },
      expected: 'displace'
    },
    {
      name: 'both dialed, theirs has the smaller id: our dial is refused',
      arrange: (bench) => {
        bench.admit(bench.knocks(alice, host), alice)
        return { attempt: bench.begin(home) }
      },
      expected: 'refuse'
    },
    {
      name: 'a second handshake of the same run of the peer is refused',
      arrange: (bench) => {
        bench.admit(bench.knocks(alice, host), alice, { instance: 'run' })
        return { attempt: bench.knocks(alice, host) }
      },
      expected: 'refuse'
    },
    {
      name: 'a handshake of a new run of the peer displaces the old one',
      arrange: (bench) => {
        bench.admit(bench.knocks(alice, host), alice, { instance: 'old' })
        return { attempt: bench.knocks(alice, host), instance: 'new' }
      },
      expected: 'displace'
    },
    {
      name: 'a young connection of the same run stays',
      arrange: (bench) => {
        bench.cameIn(alice)
        return { attempt: bench.knocks(alice, host) }
      },
      expected: 'refuse'
    },
    {
      name: 'a connection of an old run of the peer is replaced',
      arrange: (bench) => {
        bench.cameIn(alice)
        return { attempt: bench.knocks(alice, host), instance: 'new' }
      },
      expected: 'replace'
    },
    {
      name: 'a connection older than a handshake can be is replaced: the peer must have lost it',
      arrange: (bench) => {
        bench.cameIn(alice)
        bench.pass(10_001)
        return { attempt: bench.knocks(alice, host) }
      },
      expected: 'replace'
    }
  ]
  for (const { name, arrange, expected } of cases) {
    it(name, () => {
      const bench = new StateBench()
      const question = arrange(bench)
      const answer = ask(bench, question)
      if (expected === 'refuse') expect(answer).toEqual({ kind: 'already-connected', peerId: question.peerId ?? alice })
      else expect(answer).toMatchObject({ kind: 'admit' })
      if (answer.kind === 'admit')
        expect([answer.displaces !== undefined, answer.replaces !== undefined]).toEqual([expected === 'displace', expected === 'replace'])
    })
  }

  it('who replaces its own connection needs no further slot', () => {
    const bench = new StateBench({ maxConnections: 1 })
    bench.cameIn(alice)
    expect(ask(bench, { attempt: bench.knocks(alice, host), instance: 'new' })).toMatchObject({ kind: 'admit' })
  })
})

describe('slots', () => {
  it('one in ten is kept for connections of our own choosing', () => {
    const bench = new StateBench({ maxConnections: 10, maxIncoming: 10, maxIncomingPerHost: 10 })
    for (let i = 0; i < 9; i++) bench.cameIn(`p${i}` as PeerId)
    expect(ask(bench, { attempt: bench.knocks(alice, undefined) })).toEqual({ kind: 'too-many-connections' })
    expect(checkDial(bench.state, home, undefined)).toBeUndefined()
  })

  it('a trusted peer takes the slot of an unknown peer, never of another trusted one', () => {
    for (const isOtherTrusted of [false, true]) {
      const bench = new StateBench({ maxConnections: 1 })
      const stranger = bench.cameIn(bob)
      for (const [peerId, trusted] of [
        [alice, true],
        [bob, isOtherTrusted]
      ] as const) {
        if (trusted) bench.state.peers.trust(peerId)
      }
      const answer = ask(bench, { attempt: bench.knocks(alice, host) })
      if (isOtherTrusted) expect(answer).toEqual({ kind: 'too-many-connections' })
      else expect(answer).toMatchObject({ kind: 'admit', evicts: stranger })
    }
  })
})
