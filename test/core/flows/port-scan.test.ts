/** Unknown peers that want a pool to dial hosts of their choice. */
import { describe, expect, it } from 'vitest'
import type { Link, PeerId, Point } from '../../../src/core/index.ts'
import { readPoint } from '../../../src/core/values/address.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

const hungry = {
  ...{ point: '/ip4/45.250.0.1/tcp/4001', allowPrivatePoints: false, minConnections: 20, expectedConnections: 30 },
  ...{ maxConnections: 60, maintenanceIdleMs: 120_000, timeBetweenSearchesMs: 5_000 }
}
const windowMs = 600_000

interface Scan {
  /** The most points of the host that were known at once. */
  readonly known: number
  /** The most dials to the host within ten minutes. */
  readonly dials: number
  readonly ports: ReadonlySet<number | undefined>
}

/** Ten liars at hosts of their own say what `say` gives each of them, again and again for so long. */
async function attack(
  { a, world, isVictim }: { a: Member; world: World; isVictim: (point: Point) => boolean },
  { forMs, everyMs, act }: { forMs: number; everyMs: number; act: (link: Link, step: number, liar: number) => void }
): Promise<Scan> {
  const dialed: { at: number; point: Point }[] = []
  a.pool.addEventListener('dial-started', ({ detail: { point } }) => {
    if (isVictim(point)) dialed.push({ at: world.clock.now(), point })
  })
  const liars: { peer: HostilePeer; link: Link }[] = []
  for (let i = 0; i < 10; i++) {
    const peer = new HostilePeer(world, `liar${i}`)
    const link = await peer.dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    liars.push({ peer, link })
  }
  let known = 0
  for (let step = 0; step * everyMs < forMs; step++) {
    for (const [i, { peer, link }] of liars.entries()) if (peer.end === 'open') act(link, step, i)
    await world.clock.advance(everyMs)
    known = Math.max(known, [...a.pool.points.known()].filter(([point]) => isVictim(point)).length)
  }
  const within = dialed.map(({ at }) => dialed.filter((other) => other.at > at - windowMs && other.at <= at).length)
  return { known, dials: Math.max(0, ...within), ports: new Set(dialed.map(({ point }) => readPoint(point).hop.port)) }
}

const advertise = (link: Link, points: string[]): void => say(link, { kind: 'advertise', points, ownPoints: undefined })

describe('ten liars that advertise ports of one host', () => {
  it('for an hour, all 65,535 of them: four points known, three dials in ten minutes, no low ports but 80 and 443', async () => {
    const world = new World()
    const a = await world.start('a', hungry)
    const isVictim = (point: Point): boolean => point.startsWith('/ip4/203.0.113.77/')
    const perMessage = 40
    const { known, dials, ports } = await attack(
      { a, world, isVictim },
      {
        forMs: 3_600_000,
        everyMs: 20_000,
        act(link, step, liar) {
          const first = 1 + (((step * 10 + liar) * perMessage) % 65_535)
          advertise(
            link,
            Array.from({ length: perMessage }, (_, i) => `/ip4/203.0.113.77/tcp/${Math.min(first + i, 65_535)}`)
          )
        }
      }
    )
    expect(known).toBe(4)
    expect(dials).toBe(3)
    expect([...ports].filter((port = 0) => port < 1_024 && port !== 80 && port !== 443)).toEqual([])
    expect(ports.size).toBeGreaterThan(10)
    expect(a.complaints).toEqual([])
  }, 60_000)

  const spellings: Record<string, { victim: string; spell: (n: number) => string }> = {
    'addresses of one IPv6 /64': { victim: '/ip6/2001:470:7:8:', spell: (n) => `/ip6/2001:470:7:8::${n.toString(16)}/tcp/${2_000 + n}` },
    'a name': { victim: '/dns4/victim.example/', spell: (n) => `/dns4/victim.example/tcp/${2_000 + n}` },
    'a relay there': {
      victim: '/ip4/203.0.113.77/',
      spell: (n) => `/ip4/203.0.113.77/tcp/${2_000 + n}/p2p/relay${n}/p2p-circuit/p2p/guest${n}`
    },
    'the guests of one relay there': {
      victim: '/ip4/203.0.113.77/',
      spell: (n) => `/ip4/203.0.113.77/tcp/2000/p2p/relay/p2p-circuit/p2p/guest${n}`
    }
  }
  for (const [name, { victim, spell }] of Object.entries(spellings)) {
    it(`by ${name}: three dials in ten minutes`, async () => {
      const world = new World()
      const a = await world.start('a', hungry)
      const { known, dials } = await attack(
        { a, world, isVictim: (point) => point.startsWith(victim) },
        { forMs: 1_200_000, everyMs: 20_000, act: (link, step, i) => advertise(link, [spell(step * 10 + i), spell(step * 10 + i + 1)]) }
      )
      expect(dials).toBe(3)
      if (!name.includes('guests')) expect(known).toBe(4)
    })
  }

  it('and offer them for swaps: three dials in ten minutes', async () => {
    const world = new World()
    const a = await world.start('a', { ...hungry, minConnections: 0, expectedConnections: 10 })
    const good = await Promise.all(Array.from({ length: 20 }, (_, i) => world.start(`good${i}`)))
    for (const { network } of good) await world.clock.until(a.pool.connect(network.point))
    const { known, dials } = await attack(
      { a, world, isVictim: (point) => point.startsWith('/ip4/203.0.113.77/') },
      {
        forMs: 1_200_000,
        everyMs: 5_000,
        act: (link, step, i) =>
          say(link, { kind: 'swap-request', point: `/ip4/203.0.113.77/tcp/${2_000 + step * 10 + i}`, peerId: `peer${step}` })
      }
    )
    expect(known).toBeLessThanOrEqual(4)
    expect(dials).toBe(3)
  })
})

describe('the limit of dials to one host', () => {
  const at = (port: number): Point => `/ip4/203.0.113.77/tcp/${port}` as Point
  const idle = { point: hungry.point, allowPrivatePoints: false }

  /** A pool that was told of four points of one host, and has dialed three of them in vain. */
  async function atTheLimit(): Promise<{ world: World; a: Member }> {
    const world = new World()
    const a = await world.start('a', hungry)
    const link = await new HostilePeer(world, 'liar').dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    advertise(link, [2_001, 2_002, 2_003, 2_004].map(at))
    await world.clock.advance(20_000)
    return { world, a }
  }

  it('is shown by explain, with the time when it ends', async () => {
    const { a } = await atTheLimit()
    const texts = [2_001, 2_002, 2_003, 2_004].map((port) => a.pool.explain(at(port)))
    for (const { state, text, nextTryInMs = 0 } of texts) {
      expect(state).toBe('waiting')
      expect(text).toContain('in the last ten minutes')
      expect(nextTryInMs).toBeGreaterThan(500_000)
    }
  })

  it('does not keep a user from connecting', async () => {
    const { world, a } = await atTheLimit()
    expect(await world.clock.until(rejectionOf(a.pool.connect(at(2_004))))).toMatchObject({ kind: 'dial-failed', failure: 'refused' })
  })

  it('ends after ten minutes', async () => {
    const { world, a } = await atTheLimit()
    const dials = record(a.pool, 'dial-started')
    await world.clock.advance(560_000)
    expect(dials).toEqual([])
    await world.clock.advance(60_000)
    expect(dials.length).toBeGreaterThan(0)
  })

  it('does not concern points that the operator registered or trusts', async () => {
    const world = new World()
    const a = await world.start('a', hungry)
    const dials = record(a.pool, 'dial-started')
    for (let port = 2_001; port <= 2_010; port++) a.pool.registerPoint(at(port), { trusted: port > 2_005 })
    await world.clock.advance(30_000)
    expect(new Set(dials.map(({ detail }) => detail.point)).size).toBe(10)
  })

  it('does not concern a point where a peer was connected', async () => {
    const { world, a } = await atTheLimit()
    const peer = world.make('peer', { point: at(2_004) })
    await world.clock.until(peer.pool.start())
    await world.clock.until(a.pool.connect(at(2_004)))
    await world.clock.until(peer.pool.disconnect(a.pool.peerId))
    await world.clock.advance(120_000)
    expect(a.pool.connections.findByPeerId('peer' as PeerId)).toBeDefined()
  })

  it('does not concern guests of a relay where a peer was connected', async () => {
    const world = new World()
    const relay = await world.start('relay', { point: at(2_001) })
    const guests = [1, 2, 3, 4, 5, 6].map((n) => `${relay.network.point}/p2p/relay/p2p-circuit/p2p/guest${n}` as Point)
    for (const [i, point] of guests.entries()) await world.start(`guest${i + 1}`, { point })
    const a = await world.start('a', hungry)
    await world.clock.until(a.pool.connect(relay.network.point))
    const link = await new HostilePeer(world, 'teller').dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    advertise(link, guests)
    await world.clock.advance(60_000)
    expect(guests.filter((_, i) => a.pool.connections.findByPeerId(`guest${i + 1}` as PeerId) !== undefined)).toHaveLength(6)
  })

  it('does not concern hosts on a local network', async () => {
    const world = new World()
    const a = await world.start('a', { ...hungry, allowPrivatePoints: true })
    const points = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `/ip4/127.0.0.1/tcp/${2_000 + n}`)
    for (const [i, point] of points.entries()) await world.start(`peer${i}`, { point })
    const link = await new HostilePeer(world, 'teller').dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    advertise(link, points)
    await world.clock.advance(60_000)
    expect(a.pool.activeConnections).toBe(9)
  })

  it('a peer at that very host has the place of a point that others named', async () => {
    const world = new World()
    const a = await world.start('a', idle)
    const liar = await new HostilePeer(world, 'liar').dial(a.network.point)
    say(liar, helloOf(), { kind: 'ack' })
    advertise(liar, [2_001, 2_002, 2_003, 2_004, 2_005].map(at))
    await world.clock.advance(100)
    expect(a.pool.points.info(at(2_005))).toBeUndefined()
    const honest = await new HostilePeer(world, 'honest', at(4_001)).dial(a.network.point)
    say(honest, helloOf({ points: [at(4_001)] }), { kind: 'ack' })
    await world.clock.advance(100)
    expect(a.pool.connections.findByPeerId('honest' as PeerId)?.point).toBe(at(4_001))
    expect([...a.pool.points.known()].filter(([point]) => point.includes('203.0.113.77'))).toHaveLength(4)
  })
})

describe('a port below 1024', () => {
  it('is dialed for an unknown peer at 80 and 443 only, and at any port for the operator', async () => {
    const world = new World()
    const a = await world.start('a', { ...hungry, allowPrivatePoints: true })
    const link = await new HostilePeer(world, 'liar').dial(a.network.point)
    const [web, secure, ssh, lan, relay, name] = [
      ...['/ip4/203.0.113.1/tcp/80', '/ip4/203.0.113.2/tcp/443', '/ip4/203.0.113.3/tcp/22', '/ip4/10.1.2.3/tcp/25'],
      ...['/ip4/203.0.113.4/tcp/22/p2p/relay/p2p-circuit/p2p/guest', '/dns4/mail.example/tcp/25']
    ] as Point[]
    say(link, helloOf({ points: [ssh as string] }), { kind: 'ack' })
    advertise(link, [web, secure, ssh, lan, relay, name] as string[])
    a.network.discover({ point: ssh as Point, expectedPeerId: undefined })
    await world.clock.advance(1_000)
    const known = [...a.pool.points.known()].map(([point]) => point)
    expect(known).toEqual(expect.arrayContaining([web, secure]))
    expect(known.filter((point) => [ssh, lan, relay, name].includes(point))).toEqual([])
    a.pool.registerPoint(ssh as Point)
    const dials = record(a.pool, 'dial-started')
    await world.clock.advance(20_000)
    expect(dials.map(({ detail }) => detail.point)).toContain(ssh)
  })
})
