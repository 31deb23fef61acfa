/** Connections that other protocols use: who is pruned, and what a stranger gains by it. */
import { describe, expect, it } from 'vitest'
import { chooseToPrune } from '../../../src/core/decisions/eviction.ts'
import { untrustedHolders } from '../../../src/core/decisions/group-shares.ts'
import { chooseRival } from '../../../src/core/decisions/rivals.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { RunningConnection } from '../../../src/core/values/attempt.ts'
import type { Host, PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { shuffled } from '../../support/shuffle.ts'
import { type FakeConnection, StateBench } from '../../support/state-bench.ts'

const band = { minConnections: 4, expectedConnections: 16, maxConnections: 32 }
const host = (network: number, n = 1): Host => hostOfIp(`45.${network}.0.${n}`) as Host
const pointAt = (network: number): Point => `/ip4/46.${network}.0.1/tcp/1` as Point
const id = (name: string | number): PeerId => `peer ${name}` as PeerId
const idsOf = (connections: readonly RunningConnection[]): string[] => connections.map(({ peerId }) => peerId)

/** `count` peers that came in from places of their own, the oldest first. */
function arrivals(bench: StateBench, count: number, { name = '', network = 1 } = {}): FakeConnection[] {
  return Array.from({ length: count }, (_, n) => {
    bench.pass(1_000)
    return bench.cameIn(id(`${name}${n}`), { host: host(network + n) })
  })
}

describe('a connection that another protocol uses', () => {
  it('is not pruned before one that nothing uses, whichever is older and whoever dialed', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed)
      const bench = new StateBench(band)
      const made = shuffled([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], random).map((n) => {
        bench.pass(1_000)
        return n % 2 === 0 ? bench.cameIn(id(n), { host: host(n + 1) }) : bench.dialed(pointAt(n + 1), id(n))
      })
      const used = shuffled(made, random).slice(0, 8)
      for (const connection of used) connection.use = 'used'
      const pruned = chooseToPrune(bench.state, 8)
      expect(
        pruned.filter((one) => used.includes(one as FakeConnection)),
        `seed ${seed}`
      ).toEqual([])
      expect(chooseToPrune(bench.state, 16)).toHaveLength(16)
    }
  })

  it('that the application keeps is pruned last, how many there are', () => {
    const bench = new StateBench(band)
    const made = arrivals(bench, 20)
    for (const connection of made.slice(4)) connection.use = 'kept'
    expect(idsOf(chooseToPrune(bench.state, 4)).toSorted()).toEqual(idsOf(made.slice(0, 4)).toSorted())
  })

  it('makes room last of its address group', () => {
    const bench = new StateBench(band)
    const crowd = [1, 2, 3, 4].map((n) => {
      bench.pass(1_000)
      return bench.cameIn(id(n), { host: host(7, 7) })
    })
    for (const connection of crowd.slice(1)) connection.use = 'used'
    const rival = () => chooseRival(untrustedHolders(bench.state), { group: 'another', wider: 'another' })?.connection?.peerId
    expect(rival()).toBe(id(1))
    for (const connection of crowd) connection.use = 'used'
    expect(rival()).toBe(id(4))
  })
})

describe('a stranger that has its connection used', () => {
  it('does not cost others theirs with a crowd from one place', () => {
    const bench = new StateBench(band)
    const honest = arrivals(bench, 8)
    const crowd = Array.from({ length: 16 }, (_, n) => {
      bench.pass(1_000)
      return bench.cameIn(id(`crowd ${n}`), { host: host(200, n + 1) })
    })
    for (const connection of crowd) connection.use = 'used'
    const pruned = chooseToPrune(bench.state, 12)
    expect(pruned.filter((one) => honest.includes(one as FakeConnection))).toEqual([])
  })

  it('with ids in as many places holds a quarter of the band and no more, and those that have lasted stay before the rest', () => {
    const bench = new StateBench(band)
    const honest = arrivals(bench, 8)
    const crowd = arrivals(bench, 24, { name: 'crowd ', network: 100 })
    for (const connection of crowd) connection.use = 'used'
    const lasting = honest.slice(0, 8)
    // A quarter of 32 has lasted, a quarter of the band is held: the other half goes first.
    const pruned = chooseToPrune(bench.state, 16)
    expect(pruned.filter((one) => lasting.includes(one as FakeConnection))).toEqual([])
    expect(pruned.filter((one) => crowd.includes(one as FakeConnection))).toHaveLength(16)
  })

  it('never outlasts a trusted peer', () => {
    const bench = new StateBench(band)
    const crowd = arrivals(bench, 10)
    for (const connection of crowd) connection.use = 'kept'
    const friend = bench.cameIn(id('friend'), { host: host(99) })
    bench.state.peers.trust(friend.peerId)
    expect(idsOf(chooseToPrune(bench.state, 20))).not.toContain(friend.peerId)
  })
})
