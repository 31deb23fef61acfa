import { describe, expect, it } from 'vitest'
import { type Explanation, explainPeer, explainPoint } from '../../../src/core/decisions/explain.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { StateBench } from '../../support/state-bench.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]
const home = '/ip4/192.0.2.1/tcp/1' as Point
const away = '/ip4/192.0.2.2/tcp/1' as Point
const host = hostOfIp('192.0.2.1') as Host
const band = { minConnections: 2, expectedConnections: 5, maxConnections: 8 }

function fail(bench: StateBench): void {
  bench.state.end(bench.begin(home), { kind: 'failed', rejection: { kind: 'dial-failed', failure: 'refused', detail: '' }, by: 'them' })
}

const points: readonly { name: string; arrange: (bench: StateBench) => void; canDial?: boolean; expected: Partial<Explanation> }[] = [
  { name: 'a point that nobody knows', arrange: () => undefined, expected: { state: 'unknown' } },
  {
    name: 'one that runs',
    arrange: (bench) => void bench.dialed(home, alice),
    expected: { state: 'connected', text: 'connected with alice' }
  },
  { name: 'one that is being dialed', arrange: (bench) => void bench.begin(home), expected: { state: 'connecting' } },
  {
    name: 'one on a banned host',
    arrange: (bench) => void bench.registry.banHost(host, { banPeers: true }),
    expected: { state: 'refused', rejection: { kind: 'point-banned', point: home } }
  },
  { name: 'one that nothing here can dial', arrange: () => undefined, canDial: false, expected: { state: 'not-dialable' } },
  {
    name: 'one that failed',
    arrange: (bench) => {
      bench.dialed(away, bob)
      fail(bench)
      bench.pass(400)
    },
    expected: { state: 'waiting', nextTryInMs: 600, text: 'the last try failed; it may be tried again in 1 s' }
  },
  {
    name: 'one that failed while nothing else worked',
    arrange: fail,
    expected: { state: 'waiting', text: 'the last try failed; it may be tried again in 1 s' }
  },
  {
    name: 'one whose connection ended',
    arrange: (bench) => bench.dialed(home, alice).leave({ by: 'us', reason: { kind: 'going-away' } }),
    expected: { state: 'waiting', nextTryInMs: 60_000, text: 'its last connection ended lately; it may be tried again in 60 s' }
  },
  {
    name: 'one whose peer is connected another way',
    arrange: (bench) => {
      bench.registry.registerPoint(home).claimedBy = alice
      bench.dialed(away, alice)
    },
    expected: { state: 'waiting', text: 'its peer alice is connected by another way', nextTryInMs: undefined }
  },
  { name: 'one that is wanted', arrange: (bench) => void bench.registry.registerPoint(home), expected: { state: 'ready', nextTryInMs: 0 } },
  {
    name: 'one in reserve',
    arrange: (bench) => {
      for (const n of [3, 4, 5]) bench.dialed(`/ip4/192.0.2.${n}/tcp/1` as Point, `peer${n}` as PeerId)
      bench.registry.registerPoint(home)
    },
    expected: { state: 'ready', nextTryInMs: undefined }
  }
]

describe('why a point is not connected, and when it will be tried', () => {
  for (const { name, arrange, canDial = true, expected } of points) {
    it(`${name}: ${expected.state}`, () => {
      const bench = new StateBench(band)
      arrange(bench)
      expect(explainPoint(bench.state, home, { now: bench.now, canDial: () => canDial })).toMatchObject(expected)
    })
  }
})

describe('why a peer is not connected', () => {
  const peers: readonly [string, (bench: StateBench) => void, Explanation['state']][] = [
    ['a peer that nobody knows', () => undefined, 'unknown'],
    ['one that runs', (bench) => void bench.dialed(home, alice), 'connected'],
    ['one in its handshake', (bench) => bench.admit(bench.begin(home), alice), 'connecting'],
    ['one that is banned', (bench) => void bench.registry.banPeer(alice), 'refused'],
    ['one that is known', (bench) => void bench.registry.registerPeer(alice), 'waiting']
  ]
  for (const [name, arrange, state] of peers) {
    it(`${name}: ${state}`, () => {
      const bench = new StateBench(band)
      arrange(bench)
      expect(explainPeer(bench.state, alice).state).toBe(state)
    })
  }
})
