import { describe, expect, it } from 'vitest'
import type { PointRecord } from '../../../src/core/tables/point.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { invariants, violatedInvariants } from '../../support/invariants.ts'
import { StateBench } from '../../support/state-bench.ts'

const alice = 'alice' as PeerId
const home = '/ip4/192.0.2.1/tcp/1' as Point
const host = hostOfIp('192.0.2.1') as Host

function knownAt(bench: StateBench): PointRecord {
  return bench.record(home)
}

/** For each invariant: a way to break it behind the owner's back. */
const breaches: Record<string, (bench: StateBench) => void> = {
  I1: (bench) => {
    knownAt(bench).asProved().lastEstablished = { peerId: alice, at: 0 }
  },
  I2: (bench) => {
    const { peers } = bench.parts
    for (let i = 0; i < 401; i++) peers.insert(`peer${i}` as PeerId, { createdAt: i, metadata: 0, trusted: true })
    for (const peer of peers) peer.asOperator().trusted = false
  },
  I3: (bench) => {
    const attempt = bench.begin(home)
    bench.state.end(attempt, { kind: 'failed', rejection: { kind: 'cancelled', detail: '' }, by: 'us' })
    knownAt(bench).asProved().state = { kind: 'requested', attempt }
  },
  I4: (bench) => {
    const attempt = bench.begin(home)
    knownAt(bench).asProved().state = { kind: 'accepted', attempt, peerId: alice }
  },
  I5: (bench) => {
    const connection = bench.dialed(home, alice)
    connection.leave({ by: 'us', reason: { kind: 'lost' } })
    knownAt(bench).asProved().state = { kind: 'running', connection }
  },
  I6: (bench) => {
    bench.dialed(home, alice)
    bench.parts.peers.remove(alice)
  },
  I7: (bench) => {
    bench.begin(home)
    knownAt(bench).asProved().state = { kind: 'disconnected' }
  },
  I8: (bench) => {
    bench.admit(bench.begin(home), alice)
    for (const attempt of bench.state.attempts()) attempt.asOwner().hasSlot = false
  },
  I9: (bench) => {
    for (let i = 0; i < 5; i++) bench.knocks(`peer${i}` as PeerId, host)
  },
  I10: (bench) => {
    bench.dialed(home, alice)
    bench.parts.bans.banPeer(alice, {})
  },
  I11: (bench) => {
    bench.state.points.announce([home])
    bench.parts.points.insert(home, { source: undefined, discoverySource: 'advertise', trusted: false, discoveredAt: 0 })
  },
  I12: (bench) => {
    bench.dialed(home, alice)
    knownAt(bench).asOperator().namedPeerId = 'bob' as PeerId
  },
  I13: (bench) => {
    bench.state.access.greylist({ host, cause: 'asked to' })
    bench.parts.points.setTrusted(knownAt(bench), true)
  },
  I14: (bench) => {
    knownAt(bench).asProved().delayMs = 1e9
  },
  I15: (bench) => {
    bench.dialed(home, bench.state.peerId)
  }
}

describe('the numbered invariants', () => {
  it('hold for a pool with all kinds of attempts and connections', () => {
    const bench = new StateBench()
    bench.dialed(home, alice)
    bench.cameIn('bob' as PeerId, { host })
    bench.begin('/ip4/192.0.2.2/tcp/1' as Point)
    bench.knocks('carol' as PeerId, host)
    expect(violatedInvariants(bench.state)).toEqual([])
  })

  for (const { id, fact } of invariants) {
    it(`${id} is seen to be broken: ${fact}`, () => {
      const bench = new StateBench()
      breaches[id]?.(bench)
      expect(violatedInvariants(bench.state).map((text) => text.split(' ')[0])).toContain(id)
    })
  }
})
