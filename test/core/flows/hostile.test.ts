import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { type Member, record, rejectionOf, World } from '../../support/pools.ts'

const garbage = new Uint8Array(64).fill(0xff)
/** The length of 10 MiB as a frame announces it. */
const tenMiB = Uint8Array.of(0x80, 0x80, 0x80, 0x05)

async function pair(): Promise<{ world: World; a: Member; evil: HostilePeer }> {
  const world = new World()
  const a = await world.start('a')
  return { world, a, evil: new HostilePeer(world, 'evil') }
}

function isBlamed(a: Member): boolean {
  return a.pool.peers.greylisted().length > 0
}

describe('a peer that comes in', () => {
  const faults: Record<string, (link: Parameters<typeof say>[0]) => void> = {
    'garbage instead of a Hello': (link) => void link.send(garbage),
    'a Hello of 10 MiB announced': (link) => void link.send(tenMiB),
    'an Ack instead of a Hello': (link) => say(link, { kind: 'ack' }),
    'a message instead of a Hello': (link) => say(link, { kind: 'application', payload: Uint8Array.of(1) }),
    'two Hellos': (link) => say(link, helloOf(), helloOf()),
    'garbage instead of an Ack': (link) => {
      say(link, helloOf())
      link.send(garbage)
    },
    'points instead of an Ack': (link) => say(link, helloOf(), { kind: 'advertise', points: [], ownPoints: undefined }),
    'garbage once it runs': (link) => {
      say(link, helloOf(), { kind: 'ack' })
      link.send(garbage)
    },
    'a Hello once it runs': (link) => say(link, helloOf(), { kind: 'ack' }, helloOf()),
    'a Nack once it runs': (link) => say(link, helloOf(), { kind: 'ack' }, { kind: 'nack', motive: 0, points: [] }),
    '10 MiB announced once it runs': (link) => {
      say(link, helloOf(), { kind: 'ack' })
      link.send(tenMiB)
    }
  }
  for (const [name, act] of Object.entries(faults)) {
    it(`${name}: the link ends, peer and host are greylisted, no place is lost`, async () => {
      const { world, a, evil } = await pair()
      const told = record(a.pool, 'greylisted')
      act(await evil.dial(a.network.point))
      await world.clock.advance(1_500)
      expect(told.map(({ detail }) => [detail.peerId, detail.host])).toEqual([['evil', '::ffff:45.1.0.1']])
      expect(evil.end).not.toBe('open')
      expect(a.pool.snapshot()).toMatchObject({ active: 0, incomingHandshakes: 0 })
      expect(world.hub.links.size).toBe(0)
      expect(a.complaints).toEqual([])
    })
  }

  const refusals: readonly (readonly [string, Parameters<typeof helloOf>[0], { motive?: number; rejection: object }])[] = [
    [
      'of another network',
      { network: 'other' },
      { motive: 2, rejection: { kind: 'unknown-network', expected: 'test', received: 'other' } }
    ],
    ['of another protocol version', { protocolVersions: [9] }, { motive: 3, rejection: { kind: 'no-common-version', of: 'protocol' } }],
    [
      'of another application version',
      { applicationVersions: [9] },
      { motive: 4, rejection: { kind: 'no-common-version', of: 'application' } }
    ]
  ]
  for (const [name, hello, { motive, rejection }] of refusals) {
    it(`${name}: it is told the motive, nothing of it is kept, nobody is blamed`, async () => {
      const { world, a, evil } = await pair()
      const told = record(a.pool, 'handshake-refused')
      const points = [evil.network.point]
      say(await evil.dial(a.network.point), helloOf({ ...hello, points }))
      await world.clock.advance(1_500)
      expect(evil.heard.at(-1)).toMatchObject({ kind: 'nack', motive })
      expect(told.map(({ detail }) => detail.rejection)).toMatchObject([rejection])
      expect([a.pool.peers.info('evil' as PeerId), a.pool.points.info(evil.network.point), isBlamed(a)]).toEqual([
        undefined,
        undefined,
        false
      ])
    })
  }

  it('with our own id is refused before any message', async () => {
    const world = new World()
    const a = await world.start('a')
    const twin = new HostilePeer(world, 'a', '/ip4/10.4.4.4/tcp/4001')
    const told = record(a.pool, 'handshake-refused')
    say(await twin.dial(a.network.point), helloOf())
    await world.clock.advance(100)
    expect(told.map(({ detail }) => detail.rejection)).toEqual([{ kind: 'myself' }])
    expect([twin.heard, isBlamed(a)]).toEqual([[], false])
  })

  it('one byte every four seconds: it is over after five', async () => {
    const { world, a, evil } = await pair()
    const link = await evil.dial(a.network.point)
    link.send(Uint8Array.of(0x40))
    await world.clock.advance(4_000)
    link.send(Uint8Array.of(0x0a))
    await world.clock.advance(1_100)
    expect([a.pool.snapshot().incomingHandshakes, isBlamed(a)]).toEqual([0, false])
  })

  it('and closes after each step leaves nothing, and is not blamed', async () => {
    const steps = [[], [helloOf()], [helloOf(), { kind: 'ack' } as const]]
    for (const messages of steps) {
      const { world, a, evil } = await pair()
      const link = await evil.dial(a.network.point)
      if (messages.length > 0) say(link, ...messages)
      await link.close()
      await world.clock.advance(1_500)
      expect(a.pool.snapshot(), `${messages.length} messages`).toMatchObject({ active: 0, incomingHandshakes: 0 })
      expect([isBlamed(a), world.hub.links.size]).toEqual([false, 0])
    }
  })

  it('says that it accepts and then that it does not, again and again: no connection, nothing piles up', async () => {
    const { world, a, evil } = await pair()
    for (let i = 0; i < 20; i++) {
      const link = await evil.dial(a.network.point)
      say(link, helloOf(), { kind: 'nack', motive: 32_767, points: ['/ip4/10.8.8.8/tcp/4001'] })
      await world.clock.advance(100)
    }
    expect(a.pool.snapshot()).toMatchObject({ active: 0, incomingHandshakes: 0 })
    expect([a.complaints, isBlamed(a)]).toEqual([[], false])
  })

  it('that claims the points of others changes nothing of what we know of them', async () => {
    const { world, a, evil } = await pair()
    const b = await world.start('b')
    await world.clock.until(a.pool.connect(b.network.point))
    await world.clock.until(a.pool.disconnect(b.pool.peerId))
    say(await evil.dial(a.network.point), helloOf({ points: [b.network.point], isPrivate: true }), { kind: 'ack' })
    await world.clock.advance(100)
    expect(a.pool.connections.findByPeerId('evil' as PeerId)?.point).toBeUndefined()
    expect(a.pool.points.info(b.network.point)).toMatchObject({ isPublic: true, claimedBy: 'b', state: { kind: 'disconnected' } })
    await world.clock.until(a.pool.connect(b.network.point))
  })

  it('does not pass for another at a point where a peer is expected', async () => {
    const { world, a, evil } = await pair()
    await a.pool.setExpectedPeerId(evil.network.point, 'somebody' as PeerId)
    say(await evil.dial(a.network.point), helloOf({ points: [evil.network.point] }), { kind: 'ack' })
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(1)
    expect(a.pool.points.info(evil.network.point)).toMatchObject({ state: { kind: 'disconnected' }, isPublic: false })
  })
})

describe('a peer that we dial', () => {
  const answers: Record<string, { act: (link: Parameters<typeof say>[0]) => void; rejection: object; blamed: boolean }> = {
    garbage: { act: (link) => void link.send(garbage), rejection: { kind: 'fault' }, blamed: true },
    'a Hello of 10 MiB announced': { act: (link) => void link.send(tenMiB), rejection: { kind: 'fault' }, blamed: true },
    'an Ack without a Hello': { act: (link) => say(link, { kind: 'ack' }), rejection: { kind: 'fault' }, blamed: true },
    'garbage after its Hello': {
      act: (link) => {
        say(link, helloOf())
        link.send(garbage)
      },
      rejection: { kind: 'fault' },
      blamed: true
    },
    'a Nack with an unknown motive': {
      act: (link) => say(link, helloOf(), { kind: 'nack', motive: 777, points: [] }),
      rejection: { kind: 'rejected-by-peer', motive: 777 },
      blamed: false
    },
    'another network': {
      act: (link) => say(link, helloOf({ network: 'other' }), { kind: 'ack' }),
      rejection: { kind: 'unknown-network', received: 'other' },
      blamed: false
    },
    'another protocol version': {
      act: (link) => say(link, helloOf({ protocolVersions: [9] }), { kind: 'ack' }),
      rejection: { kind: 'no-common-version', of: 'protocol' },
      blamed: false
    },
    'the end at once': { act: (link) => void link.close(), rejection: { kind: 'link-lost', step: 'hello' }, blamed: false },
    'a broken link': { act: (link) => link.abort('evil'), rejection: { kind: 'link-lost', step: 'hello' }, blamed: false },
    'its Hello and the end': {
      act: (link) => {
        say(link, helloOf())
        void link.close()
      },
      rejection: { kind: 'link-lost' },
      blamed: false
    },
    'its Hello and silence': { act: (link) => say(link, helloOf()), rejection: { kind: 'timeout', step: 'hello' }, blamed: false }
  }
  for (const [name, { act, rejection, blamed }] of Object.entries(answers)) {
    it(`answers with ${name}: the caller is told, ${blamed ? 'it is greylisted' : 'nobody is blamed'}, nothing is left`, async () => {
      const { world, a, evil } = await pair()
      await evil.listen(act)
      expect(await rejectionOf(world.clock.until(a.pool.connect(evil.network.point)))).toMatchObject(rejection)
      await world.clock.advance(1_500)
      expect([isBlamed(a), a.pool.points.isBanned(evil.network.point)]).toEqual([blamed, blamed])
      expect(a.pool.snapshot()).toMatchObject({ active: 0, outgoingAttempts: 0 })
      expect(a.pool.points.info(evil.network.point)?.state.kind).toBe('disconnected')
      expect([world.hub.links.size, a.complaints]).toEqual([0, []])
    })
  }

  it('a refusal brings points to try instead, which are learned like advertised ones', async () => {
    const { world, a, evil } = await pair()
    const points = ['/ip4/10.8.8.8/tcp/4001', 'no point', '/ip4/0.0.0.0/tcp/4001', a.network.point]
    await evil.listen((link) => say(link, helloOf(), { kind: 'nack', motive: 1, points }))
    expect(await rejectionOf(world.clock.until(a.pool.connect(evil.network.point)))).toMatchObject({ kind: 'rejected-by-peer', motive: 1 })
    expect(a.pool.points.info('/ip4/10.8.8.8/tcp/4001' as Point)).toMatchObject({
      discoverySource: 'nack',
      source: 'evil',
      isPublic: false
    })
    expect([...a.pool.points.known()]).toHaveLength(2)
  })
})
