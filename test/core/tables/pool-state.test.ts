import { describe, expect, it } from 'vitest'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import type { Rejection } from '../../../src/core/values/reason.ts'
import { violatedInvariants } from '../../support/invariants.ts'
import { StateBench } from '../../support/state-bench.ts'

const [alice, bob, carol] = ['alice', 'bob', 'carol'] as PeerId[] as [PeerId, PeerId, PeerId]
const at = (n: number): Point => `/ip4/192.0.2.${n}/tcp/1` as Point
const [home, away] = [at(1), at(2)]
const host = hostOfIp('192.0.2.1') as Host
const refused: Rejection = { kind: 'dial-failed', failure: 'refused', detail: '' }
const cancelled: Rejection = { kind: 'cancelled', detail: '' }
const gone = { by: 'them', reason: { kind: 'closed-by-peer' } } as const

describe('the four steps of an attempt', () => {
  it('move point and peer together, and tell it in order', () => {
    const bench = new StateBench()
    const { state } = bench
    const seen = (): (string | undefined)[] => [state.points.get(home)?.state.kind, state.peers.get(alice)?.state.kind]
    const attempt = bench.begin(home)
    expect([seen(), state.slotsTaken, state.active]).toEqual([['requested', undefined], 1, 0])
    bench.admit(attempt, alice)
    expect([seen(), state.slotsTaken, state.active]).toEqual([['accepted', 'accepted'], 1, 0])
    const connection = bench.run(attempt)
    expect([seen(), state.slotsTaken, state.active]).toEqual([['running', 'running'], 1, 1])
    expect(state.connection(alice)).toBe(connection)
    connection.leave(gone)
    expect([seen(), state.slotsTaken, state.active]).toEqual([['disconnected', 'disconnected'], 0, 0])
    const told = [
      'new-point',
      'dial-started',
      'new-peer',
      'handshake-accepted',
      'peer-history',
      'point-history',
      'connection-opened',
      'point-history',
      'peer-history',
      'connection-lost'
    ]
    expect(bench.names()).toEqual(told)
  })

  it('an incoming attempt takes its slot and its point when it is admitted, not before', () => {
    const bench = new StateBench()
    const { state } = bench
    const attempt = bench.knocks(alice, host)
    expect([state.slotsTaken, state.incomingInProgress]).toEqual([0, 1])
    bench.admit(attempt, alice, { point: home })
    expect([state.slotsTaken, attempt.point, state.points.get(home)?.state.kind]).toEqual([1, home, 'accepted'])
    bench.run(attempt)
    expect([state.slotsTaken, state.incomingInProgress]).toEqual([1, 0])
    expect(state.peers.get(alice)?.events.map(({ kind }) => kind)).toEqual(['handshake-started', 'connection-opened'])
    expect(state.points.get(home)?.events.map(({ kind }) => kind)).toEqual(['handshake-started', 'connection-opened'])
  })

  it('an incoming attempt leaves a busy point to the attempt that has it', () => {
    const bench = new StateBench()
    bench.begin(home)
    const attempt = bench.knocks(alice, host)
    bench.admit(attempt, alice, { point: home })
    expect([attempt.point, bench.state.points.get(home)?.state.kind]).toEqual([undefined, 'requested'])
    expect(violatedInvariants(bench.state)).toEqual([])
  })

  it('the end comes once, from every state, and gives the slot back', () => {
    for (const steps of [0, 1, 2]) {
      const bench = new StateBench()
      const attempt = bench.begin(home)
      if (steps > 0) bench.admit(attempt, alice)
      const connection = steps > 1 ? bench.run(attempt) : undefined
      const outcome = { kind: 'failed', rejection: refused, by: 'them' } as const
      if (connection === undefined) expect(bench.state.end(attempt, outcome)).toBe(true)
      else connection.leave(gone)
      expect(bench.state.end(attempt, outcome), `after ${steps} steps`).toBe(false)
      expect(bench.state.slotsTaken).toBe(0)
      expect(attempt.signal.aborted).toBe(true)
      expect(bench.state.points.get(home)?.state.kind).toBe('disconnected')
      expect(violatedInvariants(bench.state)).toEqual([])
    }
  })

  it('late news of an attempt whose point has another one by now changes nothing there', () => {
    const bench = new StateBench()
    const first = bench.begin(home)
    bench.state.points.forget(home)
    const second = bench.begin(home)
    bench.state.end(first, { kind: 'failed', rejection: refused, by: 'them' })
    const state = bench.state.points.get(home)?.state
    expect(state?.kind === 'requested' && state.attempt === second).toBe(true)
    expect(bench.state.points.get(home)?.lastFailedAt).toBeUndefined()
    expect(violatedInvariants(bench.state)).toEqual([])
  })

  it('once a peer runs, all other attempts to reach it are cancelled and no peer is blamed', () => {
    const bench = new StateBench()
    const dial = bench.begin(away, alice)
    const incoming = bench.knocks(alice, host)
    const stranger = bench.begin(at(3), bob)
    bench.dialed(home, alice)
    expect([dial, incoming, stranger].map((attempt) => attempt.signal.aborted)).toEqual([true, true, false])
    bench.state.end(dial, { kind: 'failed', rejection: cancelled, by: 'us' })
    expect(bench.state.points.get(away)?.backoffUntil).toBeLessThan(bench.now)
    expect(bench.state.points.get(away)?.events).toEqual([])
  })
})

describe('what an ending costs', () => {
  it('a failure grows the back-off only while another connection works', () => {
    for (const [works, delays] of [
      [true, [1_000, 1_200]],
      [false, [1_000, 1_000]]
    ] as const) {
      const bench = new StateBench()
      if (works) bench.dialed(away, bob)
      const found = delays.map(() => {
        bench.state.end(bench.begin(home), { kind: 'failed', rejection: refused, by: 'them' })
        return bench.state.points.get(home)?.backoffUntil
      })
      expect(found).toEqual(delays)
    }
  })

  it('the last connection of all is no proof that the network works', () => {
    const bench = new StateBench()
    const connection = bench.dialed(home, alice)
    connection.leave(gone)
    expect(bench.state.points.get(home)?.backoffUntil).toBe(60_000)
  })

  it('a jump of the wall clock changes no delay', () => {
    const bench = new StateBench()
    bench.date -= 10 * 365 * 86_400_000
    bench.state.end(bench.begin(home), { kind: 'failed', rejection: refused, by: 'them' })
    expect(bench.state.points.get(home)?.backoffUntil).toBe(1_000)
    expect(bench.state.points.get(home)?.lastFailedAt).toBe(bench.date)
  })

  const kinds: readonly [Rejection, boolean][] = [
    [{ kind: 'fault', detail: 'garbage' }, true],
    [{ kind: 'timeout', step: 'hello', afterMs: 1 }, false],
    [{ kind: 'rejected-by-peer', motive: 1, points: [] }, false],
    [{ kind: 'not-admitted', peerId: alice, detail: 'no' }, false],
    [{ kind: 'already-connected', peerId: alice }, false],
    [{ kind: 'link-lost', step: 'ack' }, false],
    [{ kind: 'unknown-network', expected: 'a', received: 'b' }, false],
    [cancelled, false]
  ]
  for (const [rejection, isBlamed] of kinds) {
    it(`${rejection.kind} ${isBlamed ? 'greylists peer and host' : 'greylists nobody'}`, () => {
      const bench = new StateBench()
      bench.state.end(bench.knocks(alice, host), { kind: 'failed', rejection, by: 'us' })
      expect(bench.names().includes('greylisted')).toBe(isBlamed)
      expect([bench.state.access.peerBlock(alice), bench.state.access.hostBlock(host, false)]).toEqual(
        isBlamed ? ['greylisted', 'greylisted'] : [undefined, undefined]
      )
    })
  }

  it('a fault on a running connection greylists, unless the peer is trusted', () => {
    for (const trusted of [false, true]) {
      const bench = new StateBench()
      const connection = bench.cameIn(alice, { host })
      if (trusted) bench.state.peers.trust(alice)
      connection.leave({ by: 'us', reason: { kind: 'fault', detail: 'garbage' } })
      expect(bench.state.access.peerBlock(alice)).toBe(trusted ? undefined : 'greylisted')
    }
  })

  it('a fault greylists a peer on the host of a trusted point, but not the expected one, and none while the expected one is unknown', () => {
    for (const [expected, listed] of [
      [bob, 'greylisted'],
      [alice, undefined],
      [undefined, undefined]
    ] as const) {
      const bench = new StateBench()
      bench.state.points.configure([{ point: home, expectedPeerId: expected }])
      bench.cameIn(alice, { host }).leave({ by: 'us', reason: { kind: 'fault', detail: 'garbage' } })
      expect(bench.state.access.peerBlock(alice)).toBe(listed)
      expect(bench.state.access.hostBlock(host, false)).toBeUndefined()
      expect(violatedInvariants(bench.state)).toEqual([])
    }
  })

  it('a peer that says that we broke the protocol does not make us greylist it', () => {
    const bench = new StateBench()
    bench.cameIn(alice, { host }).leave({ by: 'them', reason: { kind: 'fault', detail: 'they say' } })
    expect(bench.state.access.peerBlock(alice)).toBeUndefined()
  })

  it('fewer connections than minConnections emit an event after a loss', () => {
    const bench = new StateBench({ minConnections: 2, expectedConnections: 2 })
    const connections = [bench.dialed(home, alice), bench.dialed(away, bob), bench.dialed(at(3), carol)]
    connections[0]?.leave(gone)
    expect(bench.names()).not.toContain('too-few-connections')
    connections[1]?.leave(gone)
    expect(bench.told.filter(({ type }) => type === 'too-few-connections').map(({ detail }) => detail)).toEqual([{ active: 1 }])
  })
})

describe('own points', () => {
  it('are never registered by others, nor dialed; those that were learned are 16 at most, the oldest goes', () => {
    const bench = new StateBench()
    for (let i = 1; i <= 17; i++) bench.state.points.addOwn(at(i))
    expect([bench.state.points.isOwn(at(1)), bench.state.points.isOwn(at(2)), bench.state.points.isOwn(at(17))]).toEqual([
      false,
      true,
      true
    ])
    expect(bench.state.points.registerNew(at(2))).toBeUndefined()
    expect(bench.state.points.registerNew(at(1))?.point).toBe(at(1))
  })

  it('one that is learned again is the newest', () => {
    const bench = new StateBench()
    for (let i = 1; i <= 16; i++) bench.state.points.addOwn(at(i))
    bench.state.points.addOwn(at(1))
    bench.state.points.addOwn(at(17))
    expect([bench.state.points.isOwn(at(1)), bench.state.points.isOwn(at(2))]).toEqual([true, false])
  })

  it('a known point that turns out to be our own is forgotten and its attempt cancelled', () => {
    const bench = new StateBench()
    const attempt = bench.begin(home)
    bench.state.points.addOwn(home)
    expect([bench.state.points.get(home), attempt.signal.aborted]).toEqual([undefined, true])
    bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'myself' }, by: 'us' })
    expect(violatedInvariants(bench.state)).toEqual([])
  })
})
