import { describe, expect, it } from 'vitest'
import { type Explanation, explainPeer, explainPoint } from '../../../src/core/decisions/explain.ts'
import { type BandExplanation, explainBand } from '../../../src/core/decisions/explain-band.ts'
import type { Circumstances } from '../../../src/core/decisions/foresight.ts'
import { noteReport } from '../../../src/core/tables/peer.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { circumstancesOf } from '../../support/circumstances.ts'
import { shuffled } from '../../support/shuffle.ts'
import { StateBench } from '../../support/state-bench.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]
const home = '/ip4/192.0.2.1/tcp/1' as Point
const away = '/ip4/192.0.2.2/tcp/1' as Point
const host = hostOfIp('192.0.2.1') as Host
const band = { minConnections: 2, expectedConnections: 5, maxConnections: 8 }

function fail(bench: StateBench): void {
  bench.state.end(bench.begin(home), { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: '' }, by: 'them' })
}

const at = (n: number): Point => `/ip4/192.0.${n}.2/tcp/1` as Point

function connect(bench: StateBench, count: number): void {
  for (let n = 1; n <= count; n++) bench.dialed(at(100 + n), `peer${n}` as PeerId)
}

/** So many failures in a row that it must be our own network. */
function loseAll(bench: StateBench): void {
  for (let n = 1; n <= 8; n++) {
    bench.state.end(bench.begin(at(50 + n)), { kind: 'failed', rejection: { kind: 'timeout', step: 'dial', afterMs: 1 }, by: 'them' })
  }
}

interface PointCase {
  readonly name: string
  readonly options?: object
  readonly arrange: (bench: StateBench) => void
  readonly more?: Partial<Circumstances>
  readonly expected: Partial<Explanation>
}

const points: readonly PointCase[] = [
  { name: 'a point that nobody knows', arrange: () => undefined, expected: { state: 'unknown' } },
  {
    name: 'nor may know, since others told of too many in its address group',
    arrange: (bench) => {
      for (let n = 3; n < 40; n++)
        bench.state.points.registerNew(`/ip4/192.0.7.${n}/tcp/1` as Point, { discoverySource: 'advertise', source: `source${n}` as PeerId })
    },
    expected: {
      state: 'unknown',
      text: 'not a known point: connect or register it, since its address group is at its limit'
    }
  },
  {
    name: 'one that runs',
    arrange: (bench) => void bench.dialed(home, alice),
    expected: { state: 'connected', text: expect.stringMatching(/^connected with alice; kept, since up to \d+ are wanted$/) }
  },
  { name: 'one that is being dialed', arrange: (bench) => void bench.begin(home), expected: { state: 'connecting' } },
  {
    name: 'one on a banned host',
    arrange: (bench) => void bench.state.access.banHost(host, { banPeers: true }),
    expected: { state: 'refused', rejection: { kind: 'point-banned', point: home } }
  },
  {
    name: 'one of a transport that does not run here',
    arrange: () => undefined,
    more: { canDial: () => false, transports: ['wss', 'webrtc'] },
    expected: { state: 'not-dialable', text: 'nothing that runs here dials tcp addresses' }
  },
  {
    name: 'one that the dial rule forbids',
    arrange: () => undefined,
    more: { canDial: () => false },
    expected: { state: 'not-dialable', text: expect.stringContaining('not dialed from here now') }
  },
  {
    name: 'one that failed',
    arrange: (bench) => {
      bench.dialed(away, bob)
      fail(bench)
      bench.pass(400)
    },
    expected: { state: 'waiting', nextTryInMs: 600, text: 'the last dial failed: dial failed (refused): ; it may be tried again in 1 s' }
  },
  {
    name: 'one that failed while nothing else worked',
    arrange: fail,
    expected: { state: 'waiting', text: 'the last dial failed: dial failed (refused): ; it may be tried again in 1 s' }
  },
  {
    name: 'one that is only heard of, of whose source nine points came to nothing',
    arrange: (bench) => {
      bench.dialed(away, bob)
      const tell = (point: Point): void => void bench.state.points.registerNew(point, { discoverySource: 'advertise', source: bob })
      for (let n = 11; n <= 19; n++) tell(at(n))
      tell(home)
      for (let n = 11; n <= 19; n++) {
        bench.state.end(bench.begin(at(n)), { kind: 'failed', rejection: { kind: 'timeout', step: 'dial', afterMs: 1 }, by: 'them' })
      }
      bench.pass(400)
    },
    expected: { state: 'waiting', nextTryInMs: 600, text: 'the last addresses that bob advertised failed; it may be tried again in 1 s' }
  },
  {
    name: 'one whose connection ended',
    arrange: (bench) => bench.dialed(home, alice).leave({ by: 'us', reason: { kind: 'going-away' } }),
    expected: { state: 'waiting', nextTryInMs: 5_000, text: 'its last connection ended a moment ago; it may be tried again in 5 s' }
  },
  {
    name: 'one whose peer is connected another way',
    arrange: (bench) => {
      bench.record(home).asClaimed().claimedBy = alice
      bench.dialed(away, alice)
    },
    expected: { state: 'waiting', text: 'its peer alice is connected at another point', nextTryInMs: undefined }
  },
  { name: 'one that is wanted', arrange: (bench) => void bench.state.points.register(home), expected: { state: 'ready', nextTryInMs: 0 } },
  {
    name: 'one that is known and nothing here can dial',
    arrange: (bench) => void bench.state.points.register(home),
    more: { canDial: () => false },
    expected: { state: 'not-dialable', nextTryInMs: undefined }
  },
  {
    name: 'one where a greylisted peer was last met',
    arrange: (bench) => {
      bench.dialed(home, alice).leave({ by: 'us', reason: { kind: 'fault', detail: 'it lied' } })
      for (const { host } of bench.state.access.greylistedHosts()) bench.state.access.unbanHost(host)
    },
    expected: { state: 'refused', rejection: { kind: 'peer-banned', peerId: alice } }
  },
  {
    name: 'one of a stranger, in private mode',
    options: { privateMode: true },
    arrange: (bench) => void bench.state.points.register(home),
    expected: { state: 'refused', rejection: { kind: 'private-mode' } }
  },
  {
    name: 'one while all places are taken',
    options: { maxConnections: 5 },
    arrange: (bench) => {
      connect(bench, 5)
      bench.state.points.register(home)
    },
    expected: { state: 'refused', rejection: { kind: 'too-many-connections' } }
  },
  {
    name: 'one that is wanted without haste',
    arrange: (bench) => {
      connect(bench, 3)
      bench.state.points.register(home)
    },
    expected: { state: 'ready', nextTryInMs: 0 }
  },
  {
    name: 'one while the pool is suspended',
    arrange: (bench) => void bench.state.points.register(home),
    more: { status: 'suspended', keepsBand: false },
    expected: { state: 'ready', text: 'the pool is suspended: it dials nobody by itself', nextTryInMs: undefined }
  },
  {
    name: 'one while nothing can be reached',
    arrange: (bench) => {
      bench.state.points.register(home)
      loseAll(bench)
    },
    expected: { state: 'ready', text: 'nothing can be reached: points are tried one at a time, the next in 1 s', nextTryInMs: 1_000 }
  },
  {
    name: 'one in reserve',
    arrange: (bench) => {
      for (const n of [3, 4, 5, 6]) bench.dialed(`/ip4/192.0.2.${n}/tcp/1` as Point, `peer${n}` as PeerId)
      bench.state.points.register(home)
    },
    expected: { state: 'ready', nextTryInMs: undefined }
  }
]

describe('why a point is not connected, and when it will be tried', () => {
  for (const { name, options, arrange, more, expected } of shuffled(points, seededRandom(1))) {
    it(`${name}: ${expected.state}`, () => {
      const bench = new StateBench({ ...band, ...options })
      arrange(bench)
      expect(explainPoint(bench.state, home, circumstancesOf(bench, more))).toMatchObject(expected)
    })
  }
})

describe('why a peer is not connected', () => {
  const peers: readonly { name: string; options?: object; arrange: (bench: StateBench) => void; expected: Partial<Explanation> }[] = [
    { name: 'a peer that nobody knows', arrange: () => undefined, expected: { state: 'unknown' } },
    {
      name: 'one that runs',
      arrange: (bench) => void bench.dialed(home, alice),
      expected: { state: 'connected', text: expect.stringMatching(/^connected, outgoing; kept, since up to \d+ are wanted$/) }
    },
    {
      name: 'one of too many, the youngest',
      arrange: (bench) => {
        connect(bench, 8)
        bench.dialed(home, alice)
      },
      expected: { state: 'connected', text: 'connected, outgoing; among the next to be closed' }
    },
    {
      name: 'one that runs and is trusted',
      arrange: (bench) => {
        bench.dialed(home, alice)
        bench.state.peers.trust(alice)
      },
      expected: { state: 'connected', text: 'connected, outgoing; kept, since it is trusted' }
    },
    { name: 'one in its handshake', arrange: (bench) => bench.admit(bench.begin(home), alice), expected: { state: 'connecting' } },
    {
      name: 'one that is banned',
      arrange: (bench) => void bench.state.access.banPeer(alice),
      expected: { state: 'refused', rejection: { kind: 'peer-banned', peerId: alice } }
    },
    {
      name: 'one whose points are not known',
      arrange: (bench) => void bench.state.peers.find(alice),
      expected: { state: 'waiting', text: 'no point of it is known; waiting for it to connect to us', nextTryInMs: undefined }
    },
    {
      name: 'the same, and those who come in have taken their places',
      options: { maxConnections: 10 },
      arrange: (bench) => {
        for (let n = 1; n <= 9; n++) bench.cameIn(`peer${n}` as PeerId, { host })
        bench.state.peers.find(alice)
      },
      expected: {
        state: 'waiting',
        text: 'no point of it is known; waiting for it to connect to us; no slot is free: 9 came in, 0 were dialed'
      }
    },
    {
      name: 'the same in private mode',
      options: { privateMode: true },
      arrange: (bench) => void bench.state.peers.find(alice),
      expected: { state: 'refused', rejection: { kind: 'private-mode' } }
    },
    {
      name: 'of several points the one that is tried first is told',
      arrange: (bench) => {
        bench.dialed(away, alice).leave({ by: 'network', reason: { kind: 'lost' } })
        bench.state.points.expect(home, alice)
      },
      expected: { state: 'ready', text: `${home}: it is dialed now`, nextTryInMs: 0 }
    },
    {
      name: 'one that was reported of late',
      arrange: (bench) => {
        bench.dialed(home, alice).leave({ by: 'us', reason: { kind: 'going-away' } })
        const record = bench.parts.peers.get(alice)
        if (record !== undefined) noteReport(record, { kind: 'slow', reason: 'r', at: bench.date }, { amount: 3, at: bench.now })
      },
      expected: {
        text: `${home}: its last connection ended a moment ago; it may be tried again in 5 s; recently reported as slow`,
        nextTryInMs: 5_000
      }
    }
  ]
  for (const { name, options, arrange, expected } of shuffled(peers, seededRandom(2))) {
    it(`${name}: ${expected.state ?? expected.text}`, () => {
      const bench = new StateBench({ ...band, ...options })
      arrange(bench)
      expect(explainPeer(bench.state, alice, circumstancesOf(bench))).toMatchObject(expected)
    })
  }
})

describe('what maintenance does', () => {
  /** Bounds 3, 4, 4, 6, 7. */
  const cases: readonly {
    name: string
    options?: object
    running: number
    known?: number
    arrange?: (bench: StateBench) => void
    more?: Partial<Circumstances>
    expected: Partial<BandExplanation>
  }[] = [
    {
      name: 'enough are connected',
      running: 5,
      known: 2,
      expected: { step: 'content', text: '5 connections: 4 to 6 are right, nothing to do', active: 5, candidates: 2, dialing: 0 }
    },
    {
      name: 'too few, with points to dial',
      running: 2,
      known: 5,
      expected: { step: 'filling', text: '2 connections, 4 wanted: it dials 4 now, 1 more point to try', nextActInMs: 0 }
    },
    {
      name: 'on the way up',
      running: 3,
      known: 5,
      arrange: (bench) => void bench.begin(home),
      expected: { step: 'filling', text: '3 connections, 4 wanted: 1 dial in progress, it dials 1 now, 4 more points to try', dialing: 1 }
    },
    {
      name: 'too few points',
      running: 1,
      known: 1,
      arrange: fail,
      more: { lookAt: 5_000 },
      expected: {
        step: 'searching',
        text: '1 connection, 4 wanted: it dials 1 now, 1 point must wait; it asks 1 peer for more now',
        candidates: 1,
        waiting: 1,
        nextLookInMs: 5_000
      }
    },
    {
      name: 'nobody to ask, in private mode',
      options: { privateMode: true },
      running: 0,
      expected: {
        step: 'waiting',
        text: '0 connections, 4 wanted: no trusted point can be dialed; nobody can be asked for more'
      }
    },
    {
      name: 'nothing can be reached',
      running: 0,
      known: 3,
      arrange: loseAll,
      more: { lookAt: 1_000 },
      expected: {
        step: 'probing',
        text: '0 connections, 4 wanted: nothing can be reached, so it may be our own network: one point is tried at a time, the next dial is in 1 s',
        waiting: 8
      }
    },
    {
      name: 'one too many',
      running: 7,
      expected: { step: 'trimming', text: '7 connections, more than 6: it closes one after the other, the next now' }
    },
    { name: 'too many', running: 8, expected: { step: 'trimming', text: '8 connections, more than 7: it closes 2' } },
    {
      name: 'asleep, keeping what there is',
      running: 2,
      more: { status: 'suspended', keepsBand: false, lookAt: 1 },
      expected: { step: 'suspended', text: 'the pool is suspended: 2 connections, and it makes no more', nextLookInMs: undefined }
    },
    {
      name: 'asleep, keeping a small band',
      running: 4,
      more: { status: 'suspended' },
      expected: { step: 'suspended', text: '4 connections: 4 to 6 are right, few while the pool is suspended, nothing to do' }
    },
    {
      name: 'stopped',
      running: 0,
      more: { status: 'stopped', keepsBand: false },
      expected: { step: 'stopped', text: 'the pool is stopped: it keeps no connections' }
    }
  ]
  for (const { name, options, running, known = 0, arrange, more, expected } of shuffled(cases, seededRandom(3))) {
    it(`${name}: ${expected.step}`, () => {
      const bench = new StateBench({ ...band, ...options })
      connect(bench, running)
      for (let n = 1; n <= known; n++) bench.state.points.register(at(n))
      arrange?.(bench)
      const found = explainBand(bench.state, circumstancesOf(bench, more))
      expect(found).toMatchObject(expected)
      const incomingPlaces = Math.max(0, 6 - bench.state.slotsTaken)
      expect(found).toMatchObject({ band: { min: 2, expected: 5, max: 8 }, bounds: { minThreshold: 3 }, incoming: 0, incomingPlaces })
    })
  }
})
