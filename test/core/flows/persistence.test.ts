import { describe, expect, it } from 'vitest'
import { type Host, memoryStorage, type PeerPool, type PeerStorage, type Point, StorageError } from '../../../src/core/index.ts'
import { record, World } from '../../support/pools.ts'

/** A pool that has met one peer, banned another and trusts a third; its storage then. */
async function lived(storage: PeerStorage): Promise<void> {
  const world = new World()
  const [a, b] = [await world.start('a', { storage }), await world.start('b')]
  await world.clock.until(a.pool.connect(b.network.point, { expectedPeerId: b.pool.peerId }))
  await world.clock.advance(1_000)
  await a.pool.peers.ban(a.pool.parsePeerId('enemy'))
  await a.pool.points.banRange('192.0.2.0/24')
  a.pool.peers.trust(a.pool.parsePeerId('friend'))
  a.pool.registerPoint('/ip4/198.51.100.7/tcp/4001' as Point, { trusted: true })
  await world.stop()
}

async function restarted(storage: PeerStorage) {
  const world = new World(2)
  const member = world.make('a', { storage })
  const told = record(member.pool, 'storage-failed', 'storage-loaded', 'storage-recovered')
  await world.clock.until(member.pool.start())
  await world.clock.advance(1)
  return { world, pool: member.pool, told, complaints: member.complaints }
}

const point = '/ip4/45.1.0.1/tcp/4001' as Point

describe('what a pool remembers', () => {
  it('peers, points, history, trust, bans and expected ids are back after a restart', async () => {
    const storage = memoryStorage()
    await lived(storage)
    const { pool, told } = await restarted(storage)
    expect(told.map((event) => event.detail)).toMatchObject([{ peers: 2, points: 2, dropped: 0 }])
    expect(pool.points.info(point)).toMatchObject({ expectedPeerId: 'b', isPublic: true, state: { kind: 'disconnected' } })
    expect(pool.points.info(point)?.events.map((event) => event.kind)).toEqual(['connection-opened', 'connection-closed'])
    expect(pool.peers.info(pool.parsePeerId('b'))?.lastEstablished?.point).toBe(point)
    expect(pool.peers.isTrusted(pool.parsePeerId('friend'))).toBe(true)
    expect(pool.points.isTrusted('/ip4/198.51.100.7/tcp/4001' as Point)).toBe(true)
    expect(pool.peers.isBanned(pool.parsePeerId('enemy'))).toBe(true)
    expect(pool.points.isBanned('/ip4/192.0.2.77/tcp/4009' as Point)).toBe(true)
  })

  it('a point that the operator registers as trusted is saved at once', async () => {
    const saved: string[] = []
    const storage = memoryStorage()
    const world = new World(3)
    const { pool } = await world.start('a', {
      storage: {
        name: 'recorded',
        open: (signal) => storage.open(signal),
        load: (signal) => storage.load(signal),
        save: async (lines) => void saved.push([...lines].join('')),
        quarantine: (signal) => storage.quarantine(signal),
        close: () => storage.close()
      }
    })
    await world.clock.advance(15_000)
    saved.length = 0
    pool.registerPoint('/ip4/198.51.100.7/tcp/4001' as Point, { trusted: true })
    await world.clock.advance(100)
    expect(saved.join('')).toContain('198.51.100.7')
  })

  it('the best connection of last time is dialed first, after trusted points', async () => {
    const storage = memoryStorage()
    await lived(storage)
    const world = new World(3)
    const member = world.make('a', { storage, minConnections: 1, expectedConnections: 1, maxConnections: 4 })
    const dialed = record(member.pool, 'dial-started')
    member.pool.registerPoint('/ip4/203.0.113.9/tcp/4001' as Point)
    await world.clock.until(member.pool.start())
    await world.clock.advance(10)
    const order = dialed.map((event) => event.detail.point)
    expect(order.slice(0, 2)).toEqual(['/ip4/198.51.100.7/tcp/4001', point])
    await world.stop()
  })

  it('a change is written within thirty seconds, without a stop', async () => {
    const storage = memoryStorage()
    const world = new World()
    const { pool } = await world.start('a', { storage })
    pool.registerPoint('/ip4/198.51.100.7/tcp/4001' as Point)
    await world.clock.advance(30_000)
    expect(pool.snapshot().storage).toMatchObject({ mode: 'persistent', unsavedChanges: false })
    expect(await storage.load(new AbortController().signal)).toContain('198.51.100.7')
  })
})

describe('what is not worth a save', () => {
  /** Counts the saves of a pool that runs and has saved what it knew. */
  async function counted(world: World) {
    let saves = 0
    const inner = memoryStorage()
    const storage: PeerStorage = {
      name: 'counted',
      open: (signal) => inner.open(signal),
      load: (signal) => inner.load(signal),
      save: (lines) => {
        saves++
        return inner.save(lines)
      },
      quarantine: () => inner.quarantine(),
      close: () => inner.close()
    }
    const { pool, network } = await world.start('a', { storage })
    pool.registerPoint('/ip4/198.51.100.7/tcp/1' as Point)
    await world.clock.advance(60_000)
    return { pool, network, since: { saves }, saves: () => saves }
  }

  it('unknown peers that come and are refused, greylists, and a stop', async () => {
    const world = new World()
    const { pool, network, since, saves } = await counted(world)
    const changes = record(pool, 'change')
    const stranger = await world.start('b', { network: 'another' })
    for (let i = 0; i < 60; i++) {
      await world.clock.until(stranger.pool.connect(network.point).catch(() => undefined))
      await world.clock.advance(1_000)
    }
    pool.greylistAddress('::ffff:203.0.113.9' as Host)
    pool.gcGreylist()
    pool.clearGreylist()
    await world.clock.advance(60_000)
    expect(changes.length).toBeGreaterThan(60)
    expect(pool.snapshot().storage.unsavedChanges).toBe(false)
    await world.stop()
    expect(saves()).toBe(since.saves)
  })

  it.each<[string, (pool: PeerPool) => unknown]>([
    ['a ban', (pool) => pool.peers.ban(pool.parsePeerId('x'))],
    ['a ban that is lifted', (pool) => pool.peers.unban(pool.parsePeerId('z'))],
    ['trust', (pool) => pool.peers.trust(pool.parsePeerId('x'))],
    ['a point', (pool) => pool.registerPoint('/ip4/203.0.113.5/tcp/1' as Point)],
    ['a point that goes', (pool) => pool.unregisterPoint('/ip4/198.51.100.7/tcp/1' as Point)],
    ['metadata', (pool) => pool.peers.setMetadata(pool.parsePeerId('y'), 1)],
    ['a report', (pool) => pool.peers.report(pool.parsePeerId('y'), { kind: 'useless', reason: 'no' })],
    ['a dial in vain', (pool) => pool.connect('/ip4/198.51.100.7/tcp/1' as Point).catch(() => undefined)]
  ])('but %s is saved, once', async (_name, act) => {
    const world = new World()
    const { pool, saves } = await counted(world)
    await pool.peers.ban(pool.parsePeerId('z'))
    pool.registerPeer(pool.parsePeerId('y'))
    await world.clock.advance(60_000)
    const before = saves()
    await world.clock.until(Promise.resolve(act(pool)))
    await world.clock.advance(60_000)
    expect(saves()).toBe(before + 1)
    await world.stop()
  })
})

describe('a save that takes its time', () => {
  it('counts as unsaved until it is done, and a save that is asked for meanwhile waits for what had changed by then', async () => {
    const inner = memoryStorage()
    const world = new World()
    const storage: PeerStorage = {
      name: 'slow',
      open: (signal) => inner.open(signal),
      load: (signal) => inner.load(signal),
      async save(parts) {
        await new Promise<void>((resolve) => void world.clock.schedule(500, resolve))
        await inner.save(parts)
      },
      quarantine: () => inner.quarantine(),
      close: () => inner.close()
    }
    const { pool } = await world.start('a', { storage })
    const stored = async (): Promise<string> => (await inner.load(new AbortController().signal)) ?? ''
    pool.peers.trust(pool.parsePeerId('first'))
    await world.clock.advance(100)
    expect(pool.snapshot().storage.unsavedChanges).toBe(true)
    pool.peers.trust(pool.parsePeerId('second'))
    const [one, two] = [pool.savePeers(), pool.savePeers()]
    await world.clock.until(one)
    expect(await stored()).toContain('second')
    await world.clock.until(two)
    expect(pool.snapshot().storage.unsavedChanges).toBe(false)
    await world.stop()
  })
})

/** A document of one line, nested so deep that recursion over it overflows the stack. */
const deepDocument = `{"format":"p2p-pool","version":1,"points":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`

describe('storages that fail', () => {
  it.each([
    ['an empty text', ''],
    ['null', 'null'],
    ['a header without a version', '{"format":"p2p-pool"}'],
    ['an array', '[]'],
    ['half a document', '{"format":"p2p-pool","version":1,"points":['],
    ['no JSON', 'not json'],
    ['a peers file of Octez', '[{"peer_id":"id"}]'],
    ['a deep document', deepDocument]
  ])('what is no saved state (%s) is quarantined and reported once, and the pool starts afresh', async (_name, text) => {
    const storage = memoryStorage(text)
    const { world, pool, told } = await restarted(storage)
    expect(told).toHaveLength(1)
    expect(told[0]?.detail).toMatchObject({ failure: 'broken', quarantinedAs: expect.any(String) })
    expect(storage.quarantined).toContain(text)
    await world.clock.until(pool.savePeers())
    await world.stop()
  })

  it('a newer version is refused and stays untouched', async () => {
    const text = '{"format":"p2p-pool","version":2,"points":[],"peers":[]}'
    const storage = memoryStorage(text)
    const { world, pool, told } = await restarted(storage)
    expect(told.map((event) => event.detail)).toMatchObject([{ failure: 'newer-version' }])
    pool.registerPoint(point)
    await world.clock.advance(120_000)
    await world.stop()
    await storage.open(new AbortController().signal)
    expect(await storage.load(new AbortController().signal)).toBe(text)
  })

  it('a broken entry is dropped and counted, the others are kept', async () => {
    const storage = memoryStorage()
    await lived(storage)
    await storage.open(new AbortController().signal)
    const text = (await storage.load(new AbortController().signal)) ?? ''
    const broken = text.replace(/"createdAt":[0-9]+/, '"createdAt":"yesterday"').replace('198.51.100.7', '198.51.100.7777/evil')
    const { pool, told } = await restarted(memoryStorage(broken))
    expect(told[0]?.detail).toMatchObject({ peers: 1, points: 1, dropped: 2 })
    expect(pool.points.info(point)).toBeDefined()
  })

  it('a storage that never answers costs two seconds, then the pool lives in memory and finds it later', async () => {
    const inner = memoryStorage()
    await lived(inner)
    let hangs = true
    const storage: PeerStorage = {
      name: 'slow',
      open: (signal) => (hangs ? new Promise(() => undefined) : inner.open(signal)),
      load: (signal) => inner.load(signal),
      save: (parts) => inner.save(parts),
      quarantine: () => inner.quarantine(),
      close: () => inner.close()
    }
    const world = new World()
    const { pool } = world.make('a', { storage })
    const told = record(pool, 'storage-failed', 'storage-recovered', 'storage-loaded')
    const before = world.clock.now()
    await world.clock.until(pool.start())
    expect(world.clock.now() - before).toBe(2_000)
    expect(pool.snapshot().storage).toMatchObject({ mode: 'memory', failure: 'unavailable' })
    pool.registerPoint('/ip4/198.51.100.99/tcp/4001' as Point)
    hangs = false
    await world.clock.advance(60_000)
    expect(told.map((event) => event.type)).toEqual(['storage-failed', 'storage-loaded', 'storage-recovered'])
    expect(pool.points.info(point)).toBeDefined()
    expect(pool.points.info('/ip4/198.51.100.99/tcp/4001' as Point)).toBeDefined()
    await world.stop()
  })

  it('each save is an event that says how long it took', async () => {
    const world = new World()
    const inner = memoryStorage()
    const storage: PeerStorage = {
      name: 'slow',
      open: (signal) => inner.open(signal),
      load: (signal) => inner.load(signal),
      save: async (lines) => {
        await new Promise<void>((resolve) => void world.clock.schedule(70, resolve))
        await inner.save(lines)
      },
      quarantine: () => inner.quarantine(),
      close: () => inner.close()
    }
    const { pool } = await world.start('a', { storage })
    const told = record(pool, 'storage-saved')
    pool.registerPoint(point)
    await world.clock.until(pool.savePeers())
    await world.clock.until(pool.savePeers())
    expect(told.map(({ detail }) => detail)).toEqual([{ storage: 'slow', tookMs: 70 }])
    await world.stop()
  })

  it('a save that fails is one event, is tried again, and loses nothing', async () => {
    const inner = memoryStorage()
    let full = true
    const storage: PeerStorage = {
      name: 'full',
      open: (signal) => inner.open(signal),
      load: (signal) => inner.load(signal),
      save: (parts) => (full ? Promise.reject(new StorageError('full', 'no space')) : inner.save(parts)),
      quarantine: () => inner.quarantine(),
      close: () => inner.close()
    }
    const world = new World()
    const { pool } = await world.start('a', { storage })
    const told = record(pool, 'storage-failed', 'storage-recovered')
    pool.registerPoint(point)
    await world.clock.advance(300_000)
    expect(told.map((event) => event.type)).toEqual(['storage-failed'])
    full = false
    await world.clock.advance(600_000)
    expect(told.map((event) => event.type)).toEqual(['storage-failed', 'storage-recovered'])
    expect(pool.snapshot().storage).toMatchObject({ mode: 'persistent', failure: null, unsavedChanges: false })
    await world.stop()
    await world.clock.advance(1_000)
    expect(world.clock.pending).toBe(0)
  })
})
