import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { introductionPoint, type Member, type MemberOptions, MemoryWorld } from '../../../src/testing/index.ts'

const page: MemberOptions = { page: true, introductions: true, minByKind: null }

/** C is a Node peer that A and B dial; nothing else connects them. */
async function threePeers(options: MemberOptions = {}): Promise<{ world: MemoryWorld; a: Member; b: Member; c: Member }> {
  const world = new MemoryWorld({ seed: 17 })
  const c = await world.start('C', { introductions: true, ...options })
  const a = await world.start('A', page)
  const b = await world.start('B', page)
  for (const { pool } of [a, b]) await world.clock.until(pool.connect(c.network.point))
  await world.clock.advance(1_000)
  return { world, a, b, c }
}

/** Has A want one connection more, so that it asks its peers. */
async function hunger(world: MemoryWorld, { pool }: Member, forMs = 20_000): Promise<void> {
  pool.setBand({ min: pool.activeConnections + 1, expected: pool.activeConnections + 1, max: 10 })
  await world.clock.advance(forMs)
}

const id = (name: string): PeerId => name as PeerId

describe('introductions', () => {
  it('a page reaches another through a peer of both, and their connection outlives that peer', async () => {
    const { world, a, b, c } = await threePeers()
    await hunger(world, a)
    expect(a.pool.connections.findByPeerId(id('B'))).toMatchObject({ point: introductionPoint(id('C'), id('B')), transport: 'webrtc' })
    expect(c.network.introductions.passedBytes).toBeGreaterThan(0)
    c.network.kill({ resets: true })
    await world.clock.advance(1_000)
    expect(b.pool.connectedPeerIds.has(id('A'))).toBe(true)
    expect([a, b, c].flatMap(({ complaints }) => complaints)).toEqual([])
  })

  it('both ends say who introduced them, also when that one has left; who came by itself was introduced by nobody', async () => {
    const { world, a, b, c } = await threePeers()
    await hunger(world, a)
    c.network.kill({ resets: true })
    await world.clock.advance(1_000)
    const introducers = (of: Member): unknown => of.pool.snapshot().connections.map(({ peerId, introducer }) => ({ peerId, introducer }))
    expect(introducers(a)).toEqual([{ peerId: 'B', introducer: 'C' }])
    expect(introducers(b)).toEqual([{ peerId: 'A', introducer: 'C' }])
    const other = await threePeers()
    expect(introducers(other.a)).toEqual([{ peerId: 'C', introducer: null }])
  })

  it('a newcomer that asks before its reservation has arrived is answered when it has', async () => {
    const { world, c } = await threePeers()
    const d = await world.start('D', { ...page, minConnections: 3, expectedConnections: 3 })
    const { introductions } = d.network
    const reserve = introductions.reserve.bind(introductions)
    introductions.reserve = (introducer) => void world.clock.schedule(500, () => reserve(introducer))
    await world.clock.until(d.pool.connect(c.network.point))
    await world.clock.advance(1_000)
    expect([...d.pool.connectedPeerIds.keys()].sort()).toEqual(['A', 'B', 'C'])
  })

  it('its points are forgotten with the introducer, the one in use when its connection ends', async () => {
    const { world, a, b } = await threePeers()
    await hunger(world, a)
    const point = introductionPoint(id('C'), id('B'))
    await world.clock.until(a.pool.disconnect(id('C')))
    await world.clock.advance(100)
    expect(a.pool.points.info(point)?.state.kind).toBe('running')
    await world.clock.until(b.pool.stop())
    await world.clock.advance(100)
    expect(a.pool.points.info(point)).toBeUndefined()
  })

  it('a peer without a free slot refuses before a connection is made, and takes a trusted peer', async () => {
    const { world, a, b } = await threePeers()
    const dial = (): Promise<unknown> => world.clock.until(a.pool.connect(introductionPoint(id('C'), id('B'))))
    b.pool.setBand({ min: 1, expected: 1, max: 1 })
    await expect(dial()).rejects.toThrow('B was not introduced')
    expect(b.network.introductions.takenIntroductions).toBe(0)
    b.pool.peers.trust(id('A'))
    await dial()
    await world.clock.advance(1_000)
    expect([...b.pool.connectedPeerIds.keys()]).toEqual(['A'])
  })

  describe('one introducer', () => {
    /** B has more connections than it expects; C is one of its peers, and says what it likes. */
    async function fullPage(): Promise<{ world: MemoryWorld; b: Member; c: Member; come: (name: string) => Promise<Member> }> {
      const world = new MemoryWorld({ seed: 17 })
      const b = await world.start('B', { ...page, maintenanceIdleMs: null, minConnections: 1, expectedConnections: 3, maxConnections: 40 })
      const come = async (name: string): Promise<Member> => {
        const member = await world.start(name, { ...page, maintenanceIdleMs: null, expectedConnections: 1, maxConnections: 60 })
        await world.clock.until(member.pool.connect(world.hub.invite(b.network)))
        await world.clock.advance(500)
        return member
      }
      for (const name of ['H1', 'H2', 'H3', 'H4']) await come(name)
      return { world, b, c: await come('C'), come }
    }

    /** A page that C invites asks it for B. */
    async function bring(world: MemoryWorld, c: Member, name: string): Promise<void> {
      const newcomer = await world.start(name, { ...page, maintenanceIdleMs: null, expectedConnections: 1, maxConnections: 60 })
      await world.clock.until(newcomer.pool.connect(world.hub.invite(c.network)))
      await world.clock.advance(1_000)
      await world.clock.until(newcomer.pool.connect(introductionPoint(c.pool.peerId, id('B'))).catch(() => undefined))
      await world.clock.advance(65_000)
    }

    it.each([
      ['that it says it brought, and that came by itself', 1_000],
      ['that came by itself two hours later', 7_200_000]
    ])('costs us no peer %s', async (_, laterMs) => {
      const { world, b, c, come } = await fullPage()
      c.network.introductions.allow({
        introduces: () => () => undefined,
        introduced: () => true,
        proved: () => undefined,
        reserved: () => undefined
      })
      await world.clock.until(c.network.introductions.introduce(id('OWN'), id('B'), new AbortController().signal))
      await world.clock.advance(laterMs)
      await come('OWN')
      expect(b.pool.connections.findByPeerId(id('OWN'))?.info.introducer).toBeNull()
      await world.clock.advance(61_000)
      await bring(world, c, 'NEW')
      expect([...b.pool.connectedPeerIds.keys()].sort()).toEqual(['C', 'H1', 'H2', 'H3', 'H4', 'NEW', 'OWN'])
    })

    it('brings as few unknown peers as others when it has brought a trusted one', async () => {
      const { world, b, c } = await fullPage()
      b.pool.peers.trust(id('TRUSTED'))
      for (const name of ['TRUSTED', 'N1', 'N2', 'N3']) await bring(world, c, name)
      expect([...b.pool.connectedPeerIds.keys()].sort()).toEqual(['C', 'H1', 'H2', 'H3', 'H4', 'N3', 'TRUSTED'])
    })
  })

  it('a peer that does not take part is not introduced and introduces nobody', async () => {
    for (const options of [{ introductions: false }, { discovery: false }]) {
      const { world, a } = await threePeers(options)
      await hunger(world, a)
      expect(a.pool.connectedPeerIds.has(id('B')), JSON.stringify(options)).toBe(false)
    }
  })

  it('only the introducer itself names such a point, while it is connected', async () => {
    const { world, a } = await threePeers()
    const said = async (source: string, introducer: string): Promise<boolean> => {
      const point = introductionPoint(id(introducer), id('X'))
      a.pool.registerNewPoints([{ point, expectedPeerId: id('X') }], { discoverySource: 'advertise', source: id(source) })
      await world.clock.advance(1)
      return a.pool.points.info(point) !== undefined
    }
    // B is not connected with A, X names C as the one that introduces it.
    expect([await said('B', 'B'), await said('B', 'C'), await said('X', 'C'), await said('C', 'C')]).toEqual([false, false, false, true])
  })

  it('an introducer that claims a thousand peers fills its share, and its dead ones are dialed ever more rarely', async () => {
    const { world, a, c } = await threePeers()
    const liar = Array.from({ length: 1_000 }, (_, i) => ({ point: introductionPoint(id('C'), id(`X${i}`)), expectedPeerId: id(`X${i}`) }))
    expect(a.pool.registerNewPoints(liar, { discoverySource: 'advertise', source: id('C') })).toBeLessThanOrEqual(10)
    const before = a.network.dials
    a.pool.setBand({ min: 5, expected: 5, max: 10 })
    await world.clock.advance(60_000)
    const first = a.network.dials - before
    await world.clock.advance(540_000)
    expect(first).toBeLessThanOrEqual(60)
    expect(a.network.dials - before - first).toBeLessThanOrEqual(150)
    expect(c.network.introductions.passedBytes).toBeLessThanOrEqual(6_144)
  })

  it('one that swallows what it should pass on costs a page a dial of its time, and no connection', async () => {
    const { world, a, c } = await threePeers()
    c.network.introductions.swallows = true
    await hunger(world, a, 120_000)
    expect(a.pool.connectedPeerIds.has(id('B'))).toBe(false)
    expect(a.pool.connectedPeerIds.has(id('C'))).toBe(true)
    expect(a.network.dials).toBeLessThanOrEqual(14)
    c.network.introductions.swallows = false
    await world.clock.advance(300_000)
    expect(a.pool.connectedPeerIds.has(id('B'))).toBe(true)
  })

  it('a peer that asks for introductions again and again gets ten, and then one in six seconds', async () => {
    const { world, a, c } = await threePeers()
    let reached = 0
    const dial = async (): Promise<void> => {
      try {
        const link = await a.network.dialRaw(introductionPoint(id('C'), id('B')))
        reached++
        link.abort('')
      } catch {
        // Refused.
      }
    }
    for (let i = 0; i < 600; i++) {
      void dial()
      await world.clock.advance(100)
    }
    await world.clock.advance(1_000)
    // B takes five from one introducer, and then one in twelve seconds.
    expect(reached).toBeLessThanOrEqual(11)
    expect(c.network.introductions.passedBytes / 6_144).toBeLessThanOrEqual(21)
  })
})

it('a page that wakes after a night finds its peers again through the one that still runs', async () => {
  const { world, a, b } = await threePeers()
  await hunger(world, a)
  await world.clock.until(a.pool.suspend({ keep: 'none' }))
  await world.clock.advance(8 * 3_600_000)
  a.pool.resume()
  await world.clock.until(b.pool.connect(introductionPoint(id('C'), id('A'))).catch(() => undefined))
  await world.clock.advance(120_000)
  expect([...a.pool.connectedPeerIds.keys()].sort()).toEqual(['B', 'C'])
})

/** Pages in a line: each was invited by the one before, and knows nobody else. They look for nobody themselves. */
async function line(world: MemoryWorld, length: number): Promise<Member[]> {
  const members: Member[] = []
  for (let n = 0; n < length; n++) {
    const member = await world.start(`P${n}`, {
      ...page,
      maintenanceIdleMs: 120_000,
      minConnections: 1,
      expectedConnections: 1,
      maxConnections: 10
    })
    const before = members.at(-1)
    if (before !== undefined) await world.clock.until(member.pool.connect(world.hub.invite(before.network)))
    members.push(member)
  }
  return members
}

describe('a walk', () => {
  it('goes on from the peer that it met, leaves the one between, and stays with the last one', async () => {
    const world = new MemoryWorld({ seed: 3 })
    const members = await line(world, 12)
    const [first] = members
    const far = (): number => Math.max(...[...(first?.pool.connectedPeerIds.keys() ?? [])].map((peerId) => Number(peerId.slice(1))))
    const seen = new Set<number>()
    for (let minute = 0; minute < 8; minute++) {
      await world.clock.advance(60_000)
      seen.add(far())
    }
    expect(Math.max(...seen)).toBeGreaterThanOrEqual(4)
    expect(first?.pool.activeConnections).toBeLessThanOrEqual(4)
    expect(members.flatMap(({ complaints }) => complaints)).toEqual([])
  })

  it('ends in place of a peer whose introducer is connected with us too', async () => {
    const world = new MemoryWorld({ seed: 8 })
    const c = await world.start('C', { introductions: true })
    const join = async (name: string, options: MemberOptions = {}): Promise<Member> => {
      const member = await world.start(name, { ...page, ...options })
      await world.clock.until(member.pool.connect(c.network.point))
      await world.clock.advance(1_000)
      return member
    }
    await join('friend')
    const { pool } = await join('walker', { maintenanceIdleMs: 20_000, minConnections: 1, expectedConnections: 1, maxConnections: 10 })
    await world.clock.until(pool.connect(introductionPoint(id('C'), id('friend'))))
    const began = world.clock.now()
    const peers = (): string[] => [...pool.connectedPeerIds.keys()].sort()
    await world.clock.advance(15_000)
    expect(peers()).toEqual(['C', 'friend'])
    await join('distant')
    while (!peers().includes('distant') && world.clock.now() - began < 600_000) await world.clock.advance(1_000)
    await world.clock.advance(5_000)
    expect(peers()).toEqual(['C', 'distant'])
  })

  it('the peers that an introducer named are forgotten when it is asked again, but for those that refused', async () => {
    const world = new MemoryWorld({ seed: 4 })
    const c = await world.start('C', { introductions: true })
    const a = await world.start('A', { ...page, maintenanceIdleMs: 120_000, minConnections: 1, expectedConnections: 1 })
    await world.clock.until(a.pool.connect(c.network.point))
    const points = ['X', 'Y'].map((name) => introductionPoint(id('C'), id(name)))
    a.pool.registerNewPoints(
      points.map((point) => ({ point, expectedPeerId: undefined })),
      { discoverySource: 'advertise', source: id('C') }
    )
    await world.clock.until(a.pool.connect(points[0] as Point).catch(() => undefined))
    await world.clock.advance(250_000)
    expect(points.map((point) => a.pool.points.info(point)?.point)).toEqual([points[0], undefined])
  })

  it('two newcomers of one inviter get in with its friends within a minute, while these have room', async () => {
    const world = new MemoryWorld({ seed: 5 })
    const wide = { ...page, minConnections: 3, expectedConnections: 5, maxConnections: 10 }
    const old: Member[] = []
    for (let n = 0; n < 4; n++) {
      const member = await world.start(`old${n}`, wide)
      for (const other of old) await world.clock.until(member.pool.connect(world.hub.invite(other.network)))
      old.push(member)
    }
    await world.clock.advance(60_000)
    const [host] = old
    const newcomers: Member[] = []
    for (const name of ['new1', 'new2']) {
      const member = await world.start(name, wide)
      if (host !== undefined) await world.clock.until(member.pool.connect(world.hub.invite(host.network)))
      await world.clock.advance(10_000)
      newcomers.push(member)
    }
    expect(newcomers.map(({ pool }) => pool.activeConnections >= 3)).toEqual([true, true])
  })
})

it('a page whose server is gone does not dial its guests first, but asks the peer that it still has', async () => {
  const world = new MemoryWorld({ seed: 6 })
  const server = await world.start('S', { introductions: true })
  const trustedPoints = [{ point: server.network.point, expectedPeerId: id('S') }]
  const options = { ...page, minConnections: 2, expectedConnections: 2, maxConnections: 10 }
  const a = await world.start('A', { ...options, trustedPoints })
  const [p, q] = [await world.start('P', page), await world.start('Q', page)]
  await world.clock.until(a.pool.connect(world.hub.invite(p.network)))
  await world.clock.until(p.pool.connect(world.hub.invite(q.network)))
  await world.clock.advance(5_000)
  const guests = Array.from({ length: 200 }, (_, n) => `${server.network.point}/p2p/S/p2p-circuit/webrtc/p2p/X${n}` as Point)
  for (const [n, point] of guests.entries())
    a.pool.registerNewPoints([{ point, expectedPeerId: undefined }], { discoverySource: 'advertise', source: id(`Y${n}`) })
  const known = (): number => guests.filter((point) => a.pool.points.info(point) !== undefined).length
  expect(known()).toBeGreaterThan(50)
  server.network.kill({ resets: true })
  const before = a.network.dials
  await world.clock.advance(15_000)
  expect(a.network.dials - before).toBeLessThan(30)
  expect(a.pool.connectedPeerIds.has(id('Q'))).toBe(true)
})
