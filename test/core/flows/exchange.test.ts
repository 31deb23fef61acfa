import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { record, rejectionOf, World } from '../../support/pools.ts'

const band = { minConnections: 2, expectedConnections: 4, maxConnections: 8, timeBetweenSearchesMs: 1_000, maintenanceIdleMs: 10_000 }
const at = (n: number): Point => `/ip4/10.8.0.${n}/tcp/4001` as Point

describe('the exchange of points', () => {
  it('two pools that know only the third learn of each other and connect', async () => {
    const world = new World()
    const hub = await world.start('hub')
    const trustedPoints = [{ point: hub.network.point, expectedPeerId: undefined }]
    const [a, b] = [await world.start('a', { ...band, trustedPoints }), await world.start('b', { ...band, trustedPoints })]
    const told = record(a.pool, 'bootstrap-sent', 'advertise-received')
    await world.clock.advance(30_000)
    expect(a.pool.connections.findByPeerId(b.pool.peerId)).toBeDefined()
    expect(b.pool.connections.findByPeerId(a.pool.peerId)).toBeDefined()
    expect([hub.pool.activeConnections, a.pool.activeConnections, b.pool.activeConnections]).toEqual([2, 2, 2])
    expect(new Set(told.map(({ type }) => type))).toEqual(new Set(['bootstrap-sent', 'advertise-received']))
  })

  it('private pools are not advertised', async () => {
    const world = new World()
    const hub = await world.start('hub')
    const trustedPoints = [{ point: hub.network.point, expectedPeerId: undefined }]
    const hidden = await world.start('hidden', { ...band, trustedPoints, privateMode: true })
    const open = await world.start('open', { ...band, trustedPoints })
    const visitor = await world.start('visitor', { ...band, trustedPoints })
    await world.clock.advance(60_000)
    expect(hub.pool.connections.findByPeerId(hidden.pool.peerId)?.isPrivate).toBe(true)
    expect(visitor.pool.connections.findByPeerId(open.pool.peerId)).toBeDefined()
    for (const { pool } of [open, visitor]) {
      expect(pool.points.info(hidden.network.point)).toBeUndefined()
      expect(pool.peers.info(hidden.pool.peerId)).toBeUndefined()
    }
  })

  it('a pool that was public and is private now is no longer advertised', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    b.network.crash()
    await world.clock.advance(100)
    expect(a.pool.listKnownPoints({ ignorePrivate: true })).toEqual([b.network.point])
    const again = await world.start('b', { privateMode: true, point: '/ip4/10.5.5.5/tcp/4001' })
    await world.clock.until(again.pool.connect(a.network.point, { trusted: true }))
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(1)
    expect(a.pool.listKnownPoints({ ignorePrivate: true })).toEqual([])
  })

  it('with discovery switched off nothing is asked for, advertised or taken', async () => {
    const world = new World()
    const [a, b] = [await world.start('a', { ...band, discovery: false }), await world.start('b', band)]
    b.pool.registerPoint(at(1))
    const told = record(a.pool, 'bootstrap-sent', 'bootstrap-received', 'advertise-sent', 'advertise-received')
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(30_000)
    expect(told).toEqual([])
    expect([...a.pool.points.known()]).toHaveLength(1)
  })

  it('with discovery switched off an ignored message does not delay the next one', async () => {
    const world = new World()
    const a = await world.start('a', { discovery: false })
    const told = record(a.pool, 'advertise-received', 'advertise-sent', 'bootstrap-received', 'swap-request-received')
    const peer = new HostilePeer(world, 'peer')
    const link = await peer.dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    for (let i = 0; i < 40; i++) {
      say(
        link,
        { kind: 'bootstrap', transports: ['tcp'] },
        { kind: 'advertise', points: [], ownPoints: undefined },
        { kind: 'advertise', points: [at(1)], ownPoints: [at(2)] },
        { kind: 'swap-request', point: at(3), peerId: 'x' },
        { kind: 'swap-ack', point: at(3), peerId: 'x' }
      )
    }
    say(link, { kind: 'application', payload: Uint8Array.of(7) })
    await world.clock.advance(100)
    const connection = a.pool.connections.findByPeerId('peer' as PeerId)
    const first = connection?.messages[Symbol.asyncIterator]().next()
    expect(await world.clock.until(first ?? Promise.reject(new Error('no connection')))).toEqual({ done: false, value: Uint8Array.of(7) })
    expect([told, [...a.pool.points.known()], peer.kinds()]).toEqual([[], [], ['hello', 'ack']])
  })

  it('points on private networks are taken from a peer on such a network only, or if the operator allows it', async () => {
    for (const [tellerPoint, allowPrivatePoints, taken] of [
      ['/ip4/203.0.113.1/tcp/4001', false, 0],
      ['/ip4/203.0.113.1/tcp/4001', true, 1],
      ['/ip4/10.3.3.3/tcp/4001', false, 1]
    ] as const) {
      const world = new World()
      const a = await world.start('a', { allowPrivatePoints, point: '/ip4/203.0.113.9/tcp/4001' })
      const told = record(a.pool, 'advertise-received')
      const teller = new HostilePeer(world, 'teller', tellerPoint)
      say(await teller.dial(a.network.point), helloOf(), { kind: 'ack' }, { kind: 'advertise', points: [at(1)], ownPoints: undefined })
      await world.clock.advance(100)
      expect(told.map(({ detail }) => [detail.points, detail.taken])).toEqual([[1, taken]])
      expect(a.pool.points.info(at(1)) !== undefined).toBe(taken === 1)
    }
  })

  it('what is no point, or no place to be, is dropped one by one and the rest kept', async () => {
    const world = new World()
    const a = await world.start('a')
    const told = record(a.pool, 'advertise-received')
    const teller = new HostilePeer(world, 'teller')
    await a.pool.points.ban(at(3))
    const points = [
      '',
      'x'.repeat(1_000),
      '/ip4/10.8.0.1/tcp/0',
      '/ip4/10.8.0.4/tcp/22',
      '/ip4/0.0.0.0/tcp/4001',
      '/ip4/224.0.0.1/tcp/4001',
      at(3),
      a.network.point,
      at(1),
      at(1),
      at(2)
    ]
    say(await teller.dial(a.network.point), helloOf(), { kind: 'ack' }, { kind: 'advertise', points, ownPoints: undefined })
    await world.clock.advance(100)
    expect(told.map(({ detail }) => [detail.points, detail.taken])).toEqual([[11, 2]])
    expect([...a.pool.points.known()].map(([point]) => point)).toEqual([at(1), at(2)])
    expect(a.pool.activeConnections).toBe(1)
  })

  it('a private peer neither advertises nor gets points', async () => {
    const world = new World()
    const a = await world.start('a')
    const b = await world.start('b')
    await world.clock.until(a.pool.connect(b.network.point))
    const shy = new HostilePeer(world, 'shy')
    say(
      await shy.dial(a.network.point),
      helloOf({ isPrivate: true }),
      { kind: 'ack' },
      { kind: 'bootstrap', transports: ['tcp'] },
      {
        kind: 'advertise',
        points: [at(1)],
        ownPoints: undefined
      }
    )
    await world.clock.advance(100)
    expect(shy.kinds()).toEqual(['hello', 'ack'])
    expect(a.pool.points.info(at(1))).toBeUndefined()
  })

  it('the asker gets points that it can dial, and not its own', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    const asker = new HostilePeer(world, 'asker')
    for (const [transports, points] of [
      [['tcp', 'webrtc'], [b.network.point]],
      [['webrtc'], []],
      [[], [b.network.point]]
    ] as const) {
      const link = await asker.dial(a.network.point)
      say(link, helloOf({ points: [asker.network.point] }), { kind: 'ack' }, { kind: 'bootstrap', transports })
      await world.clock.advance(100)
      const told = asker.heard.flatMap((message) => (message.kind === 'advertise' ? message.points : []))
      expect(told, transports.join()).toEqual(points)
      await link.close()
      await world.clock.advance(100)
    }
  })

  it('a peer that a full pool refuses gets other points, of the transports in its Hello', async () => {
    const world = new World()
    const a = await world.start('a', { minConnections: 0, expectedConnections: 1, maxConnections: 1 })
    const b = await world.start('b')
    await world.clock.until(a.pool.connect(b.network.point))
    const asker = new HostilePeer(world, 'asker')
    for (const [transports, points] of [
      [['webrtc', 'tcp'], [b.network.point]],
      [['webrtc'], []],
      [[], [b.network.point]]
    ] as const) {
      say(await asker.dial(a.network.point), helloOf({ transports }))
      await world.clock.advance(100)
      expect(asker.heard[1], transports.join()).toEqual({ kind: 'nack', motive: 1, points })
    }
    const last = await world.start('last')
    const refused = record(last.pool, 'connection-failed')
    await rejectionOf(world.clock.until(last.pool.connect(a.network.point)))
    expect(refused[0]?.detail.rejection).toMatchObject({ kind: 'rejected-by-peer', points: [b.network.point] })
    expect(asker.heard[0]).toMatchObject({ kind: 'hello', transports: ['tcp', 'webrtc'] })
  })

  it('one peer may ask five times and then once in five seconds; what it tells unasked is cut off', async () => {
    const world = new World()
    const [a, b] = [await world.start('a', { maxKnownPoints: null }), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    const pest = new HostilePeer(world, 'pest')
    const link = await pest.dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    for (let i = 0; i < 50; i++) say(link, { kind: 'bootstrap', transports: ['tcp'] })
    await world.clock.advance(100)
    expect(pest.kinds().filter((kind) => kind === 'advertise')).toHaveLength(5)
    for (let i = 0; i < 50; i++) {
      const points = Array.from({ length: 100 }, (_, j) => `/ip4/10.${100 + i}.${j}.1/tcp/4001`)
      say(link, { kind: 'advertise', points, ownPoints: undefined })
    }
    await world.clock.advance(100)
    expect([...a.pool.points.known()].length).toBeLessThanOrEqual(202)
    expect(a.pool.activeConnections).toBe(2)
  })

  it('ten peers of one address group together may tell no more than four of different ones, also by coming back', async () => {
    const heard = async (hostOf: (n: number) => string, times: number): Promise<number> => {
      const world = new World()
      const a = await world.start('a', { maxKnownPoints: null, point: '/ip4/203.0.113.9/tcp/4001' })
      const told = record(a.pool, 'advertise-received')
      for (let n = 0; n < times; n++) {
        const teller = new HostilePeer(world, `teller${n}`, `/ip4/${hostOf(n)}/tcp/${n + 1}`)
        const link = await teller.dial(a.network.point)
        say(link, helloOf(), { kind: 'ack' })
        for (let i = 0; i < 3; i++) {
          const points = Array.from({ length: 100 }, (_, j) => `/ip4/${100 + n}.${i}.${j}.1/tcp/4001`)
          say(link, { kind: 'advertise', points, ownPoints: undefined })
        }
        await world.clock.advance(100)
        await link.close()
        await world.clock.advance(100)
      }
      return told.reduce((sum, { detail }) => sum + detail.taken, 0)
    }
    expect(await heard((n) => `198.51.${n}.1`, 10)).toBe(800)
    expect(await heard((n) => `${50 + n}.51.1.1`, 10)).toBe(2_000)
  })

  it('when our own points change our peers get them; they know the new ones as public and as ours', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(100)
    const told = record(a.pool, 'own-points-changed')
    const moved = '/ip4/45.0.0.1/tcp/4007' as Point
    a.network.announce(moved)
    await world.clock.advance(100)
    expect(told.map(({ detail }) => detail)).toEqual([{ points: [moved] }])
    expect(b.pool.points.info(moved)).toMatchObject({ claimedBy: 'a', isPublic: true, discoverySource: 'hello', source: 'a' })
    expect(a.pool.snapshot().ownPoints).toEqual([moved])
    await world.clock.until(b.pool.disconnect(a.pool.peerId))
    await world.clock.advance(100)
    await world.clock.until(b.pool.connect(moved))
  })

  it('a point that becomes our own is forgotten where it was known', async () => {
    const world = new World()
    const a = await world.start('a')
    a.pool.registerPoint(at(1), { trusted: true })
    a.network.announce(at(1))
    expect(a.pool.points.info(at(1))).toBeUndefined()
    expect(a.pool.registerNewPoint(at(1))).toBeUndefined()
  })

  it('a peer that names points of others as its own, again and again, hides none of them', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    const thief = new HostilePeer(world, 'thief')
    const link = await thief.dial(a.network.point)
    say(link, helloOf({ isPrivate: true }), { kind: 'ack' })
    say(link, { kind: 'advertise', points: [], ownPoints: [b.network.point] })
    await world.clock.advance(100)
    expect(a.pool.points.info(b.network.point)).toMatchObject({ isPublic: true, claimedBy: 'b' })
    expect(a.pool.connections.findByPeerId('thief' as PeerId)).toBeDefined()
    expect(a.pool.listKnownPoints({ ignorePrivate: true })).toEqual([b.network.point])
  })
})
