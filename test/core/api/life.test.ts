import { describe, expect, it } from 'vitest'
import { hostOf, memoryStorage, type PeerId, type Point, PoolError } from '../../../src/core/index.ts'
import { record, rejectionOf, World } from '../../support/pools.ts'

const nowhere = '/ip4/10.9.9.9/tcp/4001' as Point

describe('what a pool is made of', () => {
  it('config.identity: the pool has the id that its network proved', () => {
    const { pool } = new World().make('a')
    expect([pool.peerId, pool.config.peerId]).toEqual(['a', 'a'])
  })

  it('config.trusted_points: known and trusted from the start, with the id that must answer there', async () => {
    const world = new World()
    const b = await world.start('b')
    const a = await world.start('a', { trustedPoints: [{ point: b.network.point, expectedPeerId: 'c' as PeerId }] })
    expect(a.pool.points.info(b.network.point)).toMatchObject({ trusted: true, expectedPeerId: 'c' })
    await world.clock.advance(100)
    expect(await rejectionOf(world.clock.until(a.pool.connect(b.network.point)))).toMatchObject({ kind: 'unexpected-peer-id' })
  })

  it('config.private_mode: only with trusted points and peers, not advertised', async () => {
    const world = new World()
    const [a, b] = [await world.start('a', { privateMode: true }), await world.start('b')]
    expect(await rejectionOf(a.pool.connect(b.network.point))).toEqual({ kind: 'private-mode' })
    expect(await rejectionOf(world.clock.until(b.pool.connect(a.network.point)))).toMatchObject({ kind: 'dial-failed', failure: 'refused' })
    await world.clock.until(a.pool.connect(b.network.point, { trusted: true }))
    await world.clock.advance(100)
    expect(b.pool.connections.findByPeerId(a.pool.peerId)).toMatchObject({ isPrivate: true, point: undefined })
    expect(b.pool.listKnownPoints({ ignorePrivate: true })).toEqual([])
  })

  it('config.private_mode: a peer that comes in from a trusted point is let in', async () => {
    const world = new World()
    const [a, b, c] = [await world.start('a', { privateMode: true }), await world.start('b'), await world.start('c')]
    Object.assign(a.network, { canDial: () => false })
    a.pool.points.trust(b.network.point)
    await world.clock.until(b.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect(a.pool.connections.list().map(({ peerId, direction }) => [peerId, direction])).toEqual([['b', 'incoming']])
    expect(await rejectionOf(world.clock.until(c.pool.connect(a.network.point)))).toMatchObject({ kind: 'dial-failed', failure: 'refused' })
  })

  it("config: is the pool's own, frozen", () => {
    const { pool } = new World().make('a', { maxConnections: 7 })
    expect(pool.config.maxConnections).toBe(7)
    expect(Object.isFrozen(pool.config)).toBe(true)
  })
})

describe('the life of a pool', () => {
  it('config.peers_file, save_peers: what is known is there after a restart', async () => {
    const world = new World()
    const storage = memoryStorage()
    const [a, b] = [await world.start('a', { storage }), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.until(a.pool.peers.ban('bad' as PeerId))
    await world.clock.until(a.pool.savePeers())
    a.network.crash()
    const again = await world.start('a', { storage, point: '/ip4/10.5.5.5/tcp/4001' })
    expect(again.pool.points.info(b.network.point)?.lastEstablished?.peerId).toBe('b')
    expect(again.pool.peers.info(b.pool.peerId)?.lastEstablished?.point).toBe(b.network.point)
    expect(again.pool.peers.isBanned('bad' as PeerId)).toBe(true)
  })

  it('tear_down_connections ~reason: connections and attempts end, the pool goes on', async () => {
    const world = new World()
    const [a, b, c] = [await world.start('a'), await world.start('b'), await world.start('c')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    const dial = rejectionOf(a.pool.connect(c.network.point))
    await world.clock.until(a.pool.tearDownConnections({ kind: 'explicit', text: 'cleaning' }))
    expect(connection.ending).toEqual({ by: 'us', reason: { kind: 'explicit', text: 'cleaning' } })
    expect(await world.clock.until(dial)).toMatchObject({ kind: 'cancelled' })
    expect(a.pool.snapshot()).toMatchObject({ status: 'running', active: 0, outgoingAttempts: 0 })
    await world.clock.advance(100)
    await world.clock.until(a.pool.connect(b.network.point))
  })

  it('destroy: tears down with pool-destroyed, saves, releases the storage; twice is once; of no use afterwards', async () => {
    const world = new World()
    const storage = memoryStorage()
    const [a, b] = [await world.start('a', { storage }), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    const other = b.pool.connections.list()[0]
    await world.clock.until(Promise.all([a.pool.destroy(), a.pool.destroy()]))
    await world.clock.advance(100)
    expect(connection.ending?.reason).toEqual({ kind: 'pool-destroyed' })
    expect(other?.ending ?? b.pool.activeConnections).toBe(0)
    expect([a.pool.status, a.network.isUp]).toEqual(['destroyed', false])
    await expect(a.pool.start()).rejects.toMatchObject({ code: 'destroyed' })
    await expect(a.pool.connect(b.network.point)).rejects.toMatchObject({ code: 'destroyed' })
    await expect(connection.send(Uint8Array.of(1))).rejects.toMatchObject({
      code: 'not-connected',
      ending: { reason: { kind: 'pool-destroyed' } }
    })
    expect(a.pool.broadcast(Uint8Array.of(1))).toBe(0)
    await a.pool.maintain()
    await a.pool.stop()
    a.pool.resume()
    expect(a.pool.snapshot().status).toBe('destroyed')
    await expect(storage.load(new AbortController().signal)).rejects.toThrow(/not open/)
    const again = await world.start('a', { storage, point: '/ip4/10.5.5.5/tcp/4001' })
    expect(again.pool.points.info(b.network.point)).toBeDefined()
    await world.clock.advance(1_000)
  })

  it('active_connections, connected_peer_ids', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    expect([a.pool.activeConnections, a.pool.connectedPeerIds.size]).toEqual([0, 0])
    await world.clock.until(a.pool.connect(b.network.point))
    expect([a.pool.activeConnections, [...a.pool.connectedPeerIds]]).toEqual([1, [['b', a.pool.peers.info(b.pool.peerId)]]])
  })

  it('connecting before start, or after stop, is a clear error; two starts and two stops are one; it may start again', async () => {
    const world = new World()
    const b = await world.start('b')
    const { pool, network } = world.make('a')
    await expect(pool.connect(b.network.point)).rejects.toMatchObject({ code: 'not-started', message: expect.stringContaining('created') })
    await pool.stop()
    await world.clock.until(Promise.all([pool.start(), pool.start()]))
    expect(pool.status).toBe('running')
    await world.clock.until(Promise.all([pool.stop(), pool.stop()]))
    expect([pool.status, network.isUp]).toEqual(['stopped', false])
    await expect(pool.connect(b.network.point)).rejects.toBeInstanceOf(PoolError)
    await world.clock.until(pool.start())
    await world.clock.until(pool.connect(b.network.point))
    expect(pool.activeConnections).toBe(1)
  })

  it('the second of two starts waits as long as the first', async () => {
    const world = new World()
    const storage = memoryStorage()
    const slow = { ...storage, name: 'slow', open: () => new Promise<void>((resolve) => world.clock.schedule(500, resolve)) }
    const { pool } = world.make('a', { storage: Object.assign(Object.create(storage) as typeof storage, { open: slow.open }) })
    const first = pool.start()
    await world.clock.advance(100)
    await world.clock.until(pool.start())
    expect(pool.status).toBe('running')
    await first
  })

  it('whatever the order and speed of starts and stops, the last call holds and nothing is left', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const world = new World(seed)
      const { pool, network } = world.make('a')
      const begin = network.start.bind(network)
      network.start = async (handlers) => {
        await new Promise<void>((resolve) => world.clock.schedule(7, resolve))
        await begin(handlers)
      }
      const calls: Promise<void>[] = []
      let last = 'stop'
      for (let i = 0; i < 6; i++) {
        last = world.hub.random.next() < 0.5 ? 'start' : 'stop'
        calls.push(last === 'start' ? pool.start() : pool.stop())
        await world.clock.advance(Math.floor(world.hub.random.next() * 10))
      }
      await world.clock.until(Promise.all(calls))
      expect([pool.status, network.isUp], `seed ${seed}`).toEqual(last === 'start' ? ['running', true] : ['stopped', false])
      await world.clock.until(pool.stop())
      await world.clock.advance(100)
      expect(world.clock.pending, `seed ${seed}`).toBe(0)
    }
  })

  it('a network that cannot start rejects the start, and may be tried again', async () => {
    const world = new World()
    const { pool, network } = world.make('a')
    const start = network.start.bind(network)
    network.start = () => Promise.reject(new Error('the port is taken'))
    await expect(world.clock.until(pool.start())).rejects.toThrow('the port is taken')
    expect(pool.status).toBe('stopped')
    network.start = start
    await world.clock.until(pool.start())
    expect(pool.status).toBe('running')
  })
})

describe('events', () => {
  it('log events (P2p_event): typed, named, dated, and gone once removed', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    const heard: unknown[] = []
    const listener = (event: unknown): void => void heard.push(event)
    pool.addEventListener('new-point', listener)
    pool.registerPoint(nowhere)
    expect(heard).toEqual([])
    await Promise.resolve()
    expect(heard).toEqual([
      { type: 'new-point', detail: { point: nowhere, discoverySource: 'operator', source: undefined }, at: world.clock.date() }
    ])
    pool.removeEventListener('new-point', listener)
    pool.registerPoint('/ip4/10.9.9.8/tcp/4001' as Point)
    await Promise.resolve()
    expect(heard).toHaveLength(1)
  })

  it('triggers (P2p_trigger): next gives the next event of that name', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const next = a.pool.next('connection-opened')
    await world.clock.until(a.pool.connect(b.network.point))
    expect((await next).detail).toMatchObject({ peerId: 'b', direction: 'outgoing' })
  })

  it('next ends with its signal, and leaves nothing behind', async () => {
    const { pool } = new World().make('a')
    const abort = new AbortController()
    const next = pool.next('new-point', { signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await expect(pool.next('new-point', { signal: abort.signal })).rejects.toThrow('enough')
    const other = pool.next('new-point')
    pool.registerPoint(nowhere)
    expect((await other).detail.point).toBe(nowhere)
  })

  it('a listener that throws is logged, and the other listeners are called', async () => {
    const { pool, complaints } = new World().make('a')
    pool.addEventListener('new-point', () => {
      throw new Error('oops')
    })
    const told = record(pool, 'new-point')
    expect(() => pool.registerPoint(nowhere)).not.toThrow()
    await Promise.resolve()
    expect(told).toHaveLength(1)
    expect(complaints).toEqual(['a listener of new-point threw: Error: oops'])
  })

  it('a listener may call back into the pool, which is consistent by then', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const seen: unknown[] = []
    a.pool.addEventListener('connection-opened', ({ detail }) => {
      seen.push([a.pool.activeConnections, a.pool.peers.info(detail.peerId)?.state.kind, a.pool.snapshot().active])
      a.pool.peers.ban(detail.peerId).catch((error: unknown) => seen.push(error))
    })
    a.pool.addEventListener('connection-closed', () => a.pool.clearAcl())
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    expect(seen).toEqual([[1, 'running', 1]])
    expect([a.pool.activeConnections, b.pool.activeConnections, a.pool.peers.isBanned(b.pool.peerId)]).toEqual([0, 0, false])
    expect(a.complaints).toEqual([])
  })

  it('a listener that causes its own event does not starve the pool', async () => {
    const { pool } = new World().make('a')
    let calls = 0
    pool.addEventListener('new-point', () => {
      if (++calls < 50) pool.registerPoint(`/ip4/10.9.9.${calls}/tcp/4001` as Point)
    })
    pool.registerPoint('/ip4/10.9.8.1/tcp/4001' as Point)
    await new Promise((resolve) => setImmediate(resolve))
    expect(calls).toBe(50)
  })

  it('change comes once for all changes of a turn, with a snapshot that shows them', async () => {
    const world = new World()
    const { pool } = await world.start('a')
    const told = record(pool, 'change')
    for (let i = 1; i <= 5; i++) pool.registerPoint(`/ip4/10.9.9.${i}/tcp/4001` as Point)
    await world.clock.advance(1)
    expect(told).toHaveLength(1)
    expect(told[0]?.detail.version).toBe(pool.snapshot().version)
    expect(pool.snapshot().points).toHaveLength(5)
  })
})

describe('the snapshot', () => {
  it('is the same object until something changed, and a new one then; an old one never changes', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const connection = await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.advance(100)
    const before = a.pool.snapshot()
    const text = JSON.stringify(before)
    expect(a.pool.snapshot()).toBe(before)
    await connection.send(Uint8Array.of(1, 2, 3))
    await world.clock.advance(1_000)
    const counted = a.pool.snapshot()
    expect(counted.version).toBe(before.version)
    expect(counted.connections[0]?.bytesSent).toBeGreaterThan(before.connections[0]?.bytesSent ?? 0)
    expect([counted.points, counted.takenAt]).toEqual([before.points, before.takenAt])
    expect(counted.points).toBe(before.points)
    a.pool.registerPoint(nowhere)
    expect(a.pool.snapshot().version).toBeGreaterThan(before.version)
    expect(a.pool.snapshot().points).toHaveLength(2)
    expect(JSON.stringify(before)).toBe(text)
  })

  it('is plain JSON that loses nothing on the way', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    a.pool.registerPoint(nowhere, { expectedPeerId: 'c' as PeerId })
    await world.clock.until(a.pool.points.ban('/ip4/10.9.9.8/tcp/4001' as Point))
    a.pool.greylistPeer('d' as PeerId)
    const snapshot = a.pool.snapshot()
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
    expect(snapshot).toMatchObject({
      ...{ status: 'running', peerId: 'a', network: 'test', active: 1, outgoingAttempts: 0, incomingHandshakes: 0 },
      ...{ ownPoints: [a.network.point], bannedHosts: ['::ffff:10.9.9.8'], greylistedPeers: ['d'] }
    })
  })
})

describe('who is kept out, in the snapshot', () => {
  it('names peers, hosts and ranges with their ends; a peer banned along with its address is kept out as long as that', async () => {
    const world = new World()
    const [a, b] = [await world.start('a'), await world.start('b')]
    await world.clock.until(a.pool.connect(b.network.point))
    const since = world.clock.date()
    await world.clock.until(a.pool.peers.ban('c' as PeerId))
    await world.clock.until(a.pool.points.ban(b.network.point, { endsAt: since + 60_000 }))
    await world.clock.until(a.pool.points.banRange('192.0.2.0/24'))
    a.pool.greylistPeer('d' as PeerId)
    const { blocks } = a.pool.snapshot()
    const host = hostOf(b.network.point)
    expect(blocks).toEqual([
      { kind: 'banned', peerId: 'c', host: null, since, endsAt: null },
      { kind: 'banned', peerId: 'b', host: null, since, endsAt: since + 60_000 },
      { kind: 'banned', peerId: null, host, since, endsAt: since + 60_000 },
      { kind: 'banned', peerId: null, host: '192.0.2.0/24', since, endsAt: null },
      { kind: 'greylisted', peerId: 'd', host: null, since, endsAt: since + (86_400_000 * 15) / 16 }
    ])
  })
})

describe('other ways to learn points', () => {
  it('another discovery brings points, with the id that it says is there; never our own, nor over what is known', async () => {
    const world = new World()
    const { pool, network } = await world.start('a')
    network.discover({ point: nowhere, expectedPeerId: 'c' as PeerId })
    network.discover({ point: nowhere, expectedPeerId: 'd' as PeerId })
    network.discover({ point: network.point, expectedPeerId: undefined })
    network.discover({ point: '/ip4/10.9.9.8/tcp/4001' as Point, expectedPeerId: pool.peerId })
    const seen = [...pool.points.known()].map(([point, info]) => [point, info.discoverySource, info.discoveredPeerId, info.expectedPeerId])
    expect(seen).toEqual([[nowhere, 'discovery', 'c', undefined]])
  })
})
