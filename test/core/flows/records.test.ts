import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { plainRecords, recordOf } from '../../support/plain-records.ts'
import { type Member, record, World } from '../../support/pools.ts'

const claimer = 'claimer' as PeerId
const elsewhere = '/ip4/198.51.100.7/tcp/4009' as Point
const sameHost = '/ip4/203.0.113.1/tcp/4009' as Point
const relayed = '/ip4/198.51.100.8/tcp/4001/p2p/relay/p2p-circuit/p2p/claimer' as Point

async function listener(): Promise<{ world: World; a: Member }> {
  const world = new World()
  const a = await world.start('a', { point: '/ip4/203.0.113.9/tcp/4001', allowPrivatePoints: false })
  a.network.records = plainRecords(a.pool.peerId, () => a.network.ownPoints())
  return { world, a }
}

async function knock(
  { world, a }: { world: World; a: Member },
  points: readonly Point[],
  signedPeerRecord: Uint8Array = new Uint8Array(0)
): Promise<void> {
  const peer = new HostilePeer(world, claimer, '/ip4/203.0.113.1/tcp/4001')
  say(await peer.dial(a.network.point), helloOf({ points, signedPeerRecord }), { kind: 'ack' })
  await world.clock.advance(1_100)
}

describe('signed peer records', () => {
  it('a pool sends its own in its Hello, not so a private one', async () => {
    const { world, a } = await listener()
    const hidden = await world.start('hidden', { privateMode: true, point: '/ip4/203.0.113.8/tcp/4001' })
    hidden.network.records = plainRecords(hidden.pool.peerId, () => hidden.network.ownPoints())
    const peer = new HostilePeer(world, claimer)
    say(await peer.dial(a.network.point), helloOf())
    await world.clock.advance(100)
    expect(peer.heard[0]).toMatchObject({ kind: 'hello', signedPeerRecord: recordOf(a.pool.peerId, a.network.point) })
    hidden.pool.peers.trust(claimer)
    say(await peer.dial(hidden.network.point), helloOf())
    await world.clock.advance(100)
    expect(peer.heard[0]).toMatchObject({ kind: 'hello', points: [], signedPeerRecord: new Uint8Array(0) })
  })

  it('points that the record names are known as signed, others of the same Hello are not', async () => {
    const { world, a } = await listener()
    await knock({ world, a }, [elsewhere, sameHost], recordOf(claimer, elsewhere))
    expect(a.pool.points.info(elsewhere)).toMatchObject({ isSigned: true, claimedBy: claimer })
    expect(a.pool.points.info(sameHost)).toMatchObject({ isSigned: false, claimedBy: claimer })
    expect(a.pool.snapshot().points.map(({ point, isSigned }) => [point, isSigned])).toEqual([
      [elsewhere, true],
      [sameHost, false]
    ])
  })

  it('a pool without any, such as a page without a relay, is as welcome', async () => {
    const { world, a } = await listener()
    await knock({ world, a }, [])
    expect(a.pool.activeConnections).toBe(1)
  })

  for (const [name, bytes] of [
    ['broken', Uint8Array.of(1, 2, 3)],
    ["another's", recordOf('somebody' as PeerId, elsewhere)]
  ] as const) {
    it(`one that is ${name} ends the connection as a fault`, async () => {
      const { world, a } = await listener()
      const told = record(a.pool, 'greylisted')
      await knock({ world, a }, [elsewhere], bytes)
      expect([a.pool.activeConnections, a.pool.peers.isBanned(claimer)]).toEqual([0, true])
      expect(a.pool.points.info(elsewhere)).toMatchObject({ isSigned: false, isPublic: false })
      expect(told[0]?.detail.cause).toContain('signed peer record')
    })
  }

  it('nor does a dialer keep a peer whose record is not valid', async () => {
    const { world, a } = await listener()
    const peer = new HostilePeer(world, claimer, '/ip4/203.0.113.1/tcp/4001')
    await peer.listen((link) => say(link, helloOf({ signedPeerRecord: Uint8Array.of(1) }), { kind: 'ack' }))
    const connection = await world.clock.until(a.pool.connect(peer.network.point))
    expect(await world.clock.until(connection.closed)).toMatchObject({ by: 'us', reason: { kind: 'fault' } })
    expect(a.pool.peers.isBanned(claimer)).toBe(true)
  })

  /** A listener that counts the records which it checked. */
  async function counting(): Promise<{ world: World; a: Member; opened: () => number }> {
    const { world, a } = await listener()
    let opened = 0
    a.network.records = {
      own: new Uint8Array(0),
      open: () => {
        opened++
        return Promise.resolve([])
      }
    }
    return { world, a, opened: () => opened }
  }

  it('a peer that leaves within a second costs no check of a signature', async () => {
    const { world, a, opened } = await counting()
    const peer = new HostilePeer(world, claimer, '/ip4/203.0.113.1/tcp/4001')
    const hello = helloOf({ points: [elsewhere], signedPeerRecord: recordOf(claimer, elsewhere) })
    const link = await peer.dial(a.network.point)
    say(link, hello, { kind: 'ack' })
    await world.clock.advance(900)
    expect(a.pool.activeConnections).toBe(1)
    await world.clock.until(link.close())
    await world.clock.advance(2_000)
    expect([a.pool.activeConnections, opened()]).toEqual([0, 0])
  })

  it('a peer that the pool refuses costs no check of a signature', async () => {
    const { world, a, opened } = await counting()
    const peer = new HostilePeer(world, claimer, '/ip4/203.0.113.1/tcp/4001')
    const hello = helloOf({ network: 'another', points: [elsewhere], signedPeerRecord: recordOf(claimer, elsewhere) })
    say(await peer.dial(a.network.point), hello, { kind: 'ack' })
    await world.clock.advance(2_000)
    expect(peer.kinds()).toContain('nack')
    expect(opened()).toBe(0)
  })

  it('a point stays signed when its peer names it again, and not when another claims it', async () => {
    const { world, a } = await listener()
    await knock({ world, a }, [elsewhere], recordOf(claimer, elsewhere))
    await world.clock.until(a.pool.disconnect(claimer))
    await knock({ world, a }, [elsewhere])
    expect(a.pool.points.info(elsewhere)).toMatchObject({ isSigned: true, claimedBy: claimer })
    const owner = await world.start('owner', { point: elsewhere })
    await world.clock.until(a.pool.connect(owner.network.point))
    expect(a.pool.points.info(elsewhere)).toMatchObject({ isSigned: false, claimedBy: owner.pool.peerId })
  })

  it('where the network knows no records they are not read', async () => {
    const { world, a } = await listener()
    a.network.records = undefined
    await knock({ world, a }, [elsewhere], Uint8Array.of(1, 2, 3))
    expect(a.pool.points.info(elsewhere)).toMatchObject({ isSigned: false })
    expect(a.pool.activeConnections).toBe(1)
  })
})

describe('what a peer that came in says of where it can be reached', () => {
  const told = (a: Member): readonly Point[] => a.pool.listKnownPoints({ ignorePrivate: true })

  for (const signed of [false, true]) {
    it(`a direct point elsewhere, ${signed ? 'though signed' : 'unsigned'}, is told to nobody before a dial to it succeeded`, async () => {
      const { world, a } = await listener()
      await knock({ world, a }, [elsewhere], signed ? recordOf(claimer, elsewhere) : undefined)
      expect(a.pool.points.info(elsewhere)?.claimedBy).toBe(claimer)
      expect(told(a)).toEqual([])
      const asker = new HostilePeer(world, 'asker', '/ip4/203.0.113.2/tcp/4001')
      say(await asker.dial(a.network.point), helloOf(), { kind: 'ack' }, { kind: 'bootstrap', transports: ['tcp'] })
      await world.clock.advance(100)
      expect(asker.kinds()).not.toContain('advertise')
      const owner = await world.start('claimer', { point: elsewhere })
      await world.clock.until(a.pool.disconnect(claimer))
      await world.clock.until(a.pool.connect(owner.network.point))
      expect(told(a)).toEqual([elsewhere])
    })
  }

  it('one on the host that we see may be advertised at once', async () => {
    const { world, a } = await listener()
    await knock({ world, a }, [sameHost])
    expect(told(a)).toEqual([sameHost])
  })

  it('a neighbour on the same host cannot claim a point where another peer was connected', async () => {
    const { world, a } = await listener()
    const owner = await world.start('owner', { point: sameHost })
    await world.clock.until(a.pool.connect(owner.network.point))
    await world.clock.until(a.pool.disconnect(owner.pool.peerId))
    await knock({ world, a }, [sameHost])
    expect(a.pool.points.info(sameHost)?.claimedBy).toBe(owner.pool.peerId)
    expect(a.pool.connections.findByPeerId(claimer)?.point).toBeUndefined()
  })

  it('so may a relayed one, whose target it is, and not one whose target is another', async () => {
    const { world, a } = await listener()
    const others = relayed.replace('claimer', 'victim') as Point
    await knock({ world, a }, [relayed, others])
    expect(told(a)).toEqual([relayed])
    expect(a.pool.points.info(others)).toBeUndefined()
  })

  it('nothing of one that is private, wherever it is', async () => {
    const { world, a } = await listener()
    const peer = new HostilePeer(world, claimer, '/ip4/203.0.113.1/tcp/4001')
    say(await peer.dial(a.network.point), helloOf({ points: [sameHost, elsewhere, relayed], isPrivate: true }), { kind: 'ack' })
    await world.clock.advance(100)
    expect(told(a)).toEqual([])
  })
})
