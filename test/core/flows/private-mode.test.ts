import { describe, expect, it } from 'vitest'
import { isShutOut } from '../../../src/core/decisions/admission.ts'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { hostOfIp } from '../../../src/core/values/address.ts'
import type { Host } from '../../../src/core/values/ids.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, rejectionOf, World } from '../../support/pools.ts'
import { StateBench } from '../../support/state-bench.ts'

const home = '/ip4/203.0.113.5/tcp/1' as Point
const friend = 'friend' as PeerId

/** Without its gater, so that links reach the pool; it dials nobody by itself. */
async function hidden(world: World, options: Parameters<World['start']>[1] = {}): Promise<Member> {
  const a = await world.start('a', { privateMode: true, ...options })
  a.network.gate = undefined
  await world.clock.until(a.pool.suspend({ keep: 'all' }))
  return a
}

describe('a peer that comes to a private pool', () => {
  const comers: Record<string, { at?: string; name?: string; says?: Parameters<typeof helloOf>[0]; expected?: PeerId; isIn: boolean }> = {
    'a stranger hears nothing': { at: '/ip4/198.51.100.1/tcp/9', says: { points: [home] }, isIn: false },
    'nor does a stranger of another network': { at: '/ip4/198.51.100.1/tcp/9', says: { network: 'other' }, isIn: false },
    'nor one on the host of a trusted point that does not name it': { at: '/ip4/203.0.113.5/tcp/9', isIn: false },
    'nor one there that is of another network': { at: '/ip4/203.0.113.5/tcp/9', says: { network: 'other' }, isIn: false },
    'nor one that names the trusted point, where another is expected': {
      at: '/ip4/203.0.113.5/tcp/9',
      says: { points: [home] },
      expected: friend,
      isIn: false
    },
    'one that names a trusted point without an id, on its host, gets in': {
      at: '/ip4/203.0.113.5/tcp/9',
      says: { points: [home] },
      isIn: true
    },
    'the peer that a trusted point expects gets in from anywhere': {
      at: '/ip4/198.51.100.1/tcp/9',
      name: friend,
      expected: friend,
      isIn: true
    },
    'a peer that is trusted by id gets in from anywhere': { at: '/ip4/198.51.100.1/tcp/9', name: 'known', isIn: true }
  }
  for (const [what, { at, name = 'comer', says, expected, isIn }] of Object.entries(comers)) {
    it(what, async () => {
      const world = new World()
      const a = await hidden(world, { trustedPoints: [{ point: home, expectedPeerId: expected }] })
      a.pool.peers.trust('known' as PeerId)
      const comer = new HostilePeer(world, name, at)
      say(await comer.dial(a.network.point), helloOf(says), { kind: 'ack' })
      await world.clock.advance(100)
      expect(comer.kinds()).toEqual(isIn ? ['hello', 'ack'] : [])
      expect(a.pool.connectedPeerIds.has(name as PeerId)).toBe(isIn)
      expect(comer.end === 'open').toBe(isIn)
      expect(a.pool.peers.greylisted()).toEqual([])
    })
  }

  it('from a trusted point without an id is the one that our dial reached there, once there was one', async () => {
    const world = new World()
    const a = await hidden(world)
    const b = await world.start('b', { point: home })
    await world.clock.until(a.pool.connect(home, { trusted: true }))
    await world.clock.advance(100)
    await world.clock.until(b.pool.disconnect(a.pool.peerId))
    await world.clock.advance(100)
    const neighbour = new HostilePeer(world, 'neighbour', '/ip4/203.0.113.5/tcp/9')
    say(await neighbour.dial(a.network.point), helloOf({ points: [home] }), { kind: 'ack' })
    await world.clock.advance(100)
    expect(neighbour.heard).toEqual([])
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect([...a.pool.connectedPeerIds.keys()]).toEqual(['b'])
  })

  it('leaves when it is trusted no more, by id or by point', async () => {
    const world = new World()
    const a = await hidden(world)
    const [b, c, d] = [await world.start('b'), await world.start('c'), await world.start('d')]
    a.pool.peers.trust(b.pool.peerId)
    a.pool.peers.trust(d.pool.peerId)
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.until(d.pool.connect(a.network.point))
    await world.clock.until(a.pool.connect(c.network.point, { trusted: true }))
    a.pool.peers.untrust(b.pool.peerId)
    await world.clock.advance(100)
    expect([...a.pool.connectedPeerIds.keys()].sort()).toEqual(['c', 'd'])
    a.pool.points.untrust(c.network.point)
    await world.clock.advance(100)
    expect([...a.pool.connectedPeerIds.keys()]).toEqual(['d'])
    expect(await rejectionOf(a.pool.connect(c.network.point))).toEqual({ kind: 'private-mode' })
  })
})

describe('the gate of a private pool', () => {
  const host = hostOfIp('203.0.113.5') as Host
  const other = hostOfIp('198.51.100.1') as Host
  const cases: Record<string, { arrange?: (bench: StateBench) => void; host?: Host; in: boolean; out: boolean }> = {
    'a stranger at another host': { host: other, in: true, out: true },
    'a stranger without a host': { in: true, out: true },
    'whoever is on the host of a trusted point without an id': { host, in: false, out: false },
    'nobody else than the one met there comes in, but may be dialed': {
      arrange: (bench) => bench.dialed(home, 'met' as PeerId).leave({ by: 'us', reason: { kind: 'going-away' } }),
      host,
      in: true,
      out: false
    },
    'nobody else than the expected one': {
      arrange: (bench) => void bench.state.points.expect(home, friend),
      host,
      in: true,
      out: true
    },
    'whoever a name leads to, while it is dialed': {
      arrange: (bench) => {
        const name = '/dnsaddr/peers.example.org' as Point
        bench.state.points.register(name, { trusted: true })
        bench.begin(name)
      },
      host: other,
      in: true,
      out: false
    },
    'nobody while a name is dialed that has an id': {
      arrange: (bench) => {
        const name = '/dnsaddr/peers.example.org' as Point
        bench.state.points.configure([{ point: name, expectedPeerId: friend }])
        bench.begin(name)
      },
      host: other,
      in: true,
      out: true
    }
  }
  for (const [name, { arrange, host: where, in: isOutIn, out }] of Object.entries(cases)) {
    it(name, () => {
      const bench = new StateBench({ privateMode: true })
      bench.state.points.register(home, { trusted: true })
      arrange?.(bench)
      const comer = 'comer' as PeerId
      const found = (['incoming', 'outgoing'] as const).map((direction) => isShutOut(bench.state, comer, { host: where, direction }))
      expect(found).toEqual([isOutIn, out])
      bench.state.peers.find(comer)
      const record = bench.state.peers.get(comer)
      if (record !== undefined) bench.state.peers.trust(record.peerId)
      expect(isShutOut(bench.state, comer, { host: where, direction: 'incoming' })).toBe(false)
    })
  }

  it('shuts out no peer without private mode', () => {
    expect(isShutOut(new StateBench().state, friend, { host: other, direction: 'incoming' })).toBe(false)
  })
})
