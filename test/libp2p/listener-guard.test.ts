/** The guard of a listener: its counts with links made by hand and a clock of the test, then what it does to real sockets. */
import net from 'node:net'
import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { hostOfIp } from '../../src/core/values/address.ts'
import type { Host, PeerId } from '../../src/core/values/ids.ts'
import type { InboundGuard } from '../../src/libp2p/gater.ts'
import { ListenerGuard } from '../../src/libp2p/listener-guard.ts'
import { createGater, isLinkNeeded } from '../../src/libp2p/server-gater.ts'
import { systemClock } from '../../src/libp2p/system.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { Arrivals } from '../contract/network.ts'
import { startNode, type TestNode } from './nodes.ts'
import { until } from './plain-nodes.ts'

class FakeLink extends EventTarget {
  status = 'open'

  abort(): void {
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
  }
}

const linkOf = (fake: FakeLink): MultiaddrConnection => fake as unknown as MultiaddrConnection
const host = (ip: string): Host => hostOfIp(ip) as Host

function guardOf({ needed = [], maxConnections = 40 }: { needed?: FakeLink[]; maxConnections?: number } = {}) {
  const clock = new VirtualClock()
  const guard = new ListenerGuard({ clock, maxConnections, connectionsPerSecond: 1_000 })
  guard.bind(async (link) => needed.includes(link as unknown as FakeLink))
  const begin = (ip: string | undefined): FakeLink | undefined => {
    const link = new FakeLink()
    return guard.admitsHandshake(linkOf(link), ip === undefined ? undefined : host(ip)) ? link : undefined
  }
  const open = async (ip: string, peerId: string, trusted = false): Promise<FakeLink | undefined> => {
    const link = begin(ip)
    if (link === undefined) return undefined
    return (await guard.admitsConnection(linkOf(link), { peerId: peerId as PeerId, host: host(ip), trusted })) ? link : undefined
  }
  return { clock, guard, begin, open }
}

describe('handshakes', () => {
  test('24 addresses of one IPv6 /64 have five in all', () => {
    const { begin } = guardOf()
    const attempts = Array.from({ length: 120 }, (_, i) => begin(`2a00:1:2:3::${(i % 24) + 1}`))
    expect(attempts.filter((link) => link !== undefined)).toHaveLength(5)
    expect(begin('2a00:1:2:4::1')).toBeDefined()
  })

  test('a silent one gives its place to the next of its host after three seconds, not before', async () => {
    const { begin, clock } = guardOf()
    const links = [1, 2, 3, 4, 5].map(() => begin('198.51.100.1'))
    await clock.advance(2_900)
    expect(begin('198.51.100.1')).toBeUndefined()
    await clock.advance(100)
    expect(begin('198.51.100.1')).toBeDefined()
    expect(links.map((link) => link?.status)).toEqual(['aborted', 'open', 'open', 'open', 'open'])
  })

  test('one that hung up, or is over, gives its place back', async () => {
    const { begin, guard } = guardOf()
    const links = [1, 2, 3, 4, 5].map(() => begin('198.51.100.1'))
    expect(begin('198.51.100.1')).toBeUndefined()
    links[0]?.abort()
    expect(begin('198.51.100.1')).toBeDefined()
    const peerId = 'p' as PeerId
    expect(await guard.admitsConnection(linkOf(links[1] as FakeLink), { peerId, host: undefined, trusted: false })).toBe(true)
    expect(begin('198.51.100.1')).toBeDefined()
    expect(begin('198.51.100.1')).toBeUndefined()
  })

  test('when unknown peers of many hosts hold all slots, the newest of the largest group makes room for another host', () => {
    const { begin } = guardOf()
    const links = Array.from({ length: 100 }, (_, i) => begin(`${20 + Math.floor(i / 5)}.1.1.1`))
    expect(links.every((link) => link !== undefined)).toBe(true)
    for (let i = 0; i < 20; i++) expect(begin(`${100 + i}.1.1.1`)).toBeDefined()
    expect(links.filter((link) => link?.status === 'aborted')).toHaveLength(20)
  })

  test('fifty pages behind one proxy are let in at once', () => {
    const { begin } = guardOf()
    expect(Array.from({ length: 50 }, () => begin('127.0.0.1')).filter((link) => link !== undefined)).toHaveLength(50)
    expect(begin('198.51.100.1')).toBeDefined()
  })
})

describe('new connections a second', () => {
  test.each([
    ['one public address', () => '198.51.100.1', 5],
    ['one IPv6 /64', (i: number) => `2a00:1:2:3::${i + 1}`, 5],
    ['one IPv4 /16', (i: number) => `198.51.${i}.1`, 25],
    ['one host of a local network', () => '192.168.1.1', 50]
  ])('from %s', async (_, ip, rate) => {
    const clock = new VirtualClock()
    const guard = new ListenerGuard({ clock, maxConnections: 300 })
    const came = (): number =>
      Array.from({ length: 60 }, (_, i) => {
        const link = new FakeLink()
        const isIn = guard.admitsHandshake(linkOf(link), host(ip(i)))
        link.abort()
        return isIn
      }).filter((isIn) => isIn).length
    expect(came()).toBe(rate)
    await clock.advance(999)
    expect(came()).toBe(0)
    await clock.advance(1)
    expect(came()).toBe(rate)
  })
})

describe('open connections', () => {
  test('one peer has two: a third takes the place of one that nothing needs', async () => {
    const needed: FakeLink[] = []
    const { open, guard } = guardOf({ needed })
    const first = (await open('198.51.100.1', 'p')) as FakeLink
    needed.push(first)
    const second = await open('198.51.100.1', 'p')
    const third = (await open('203.0.113.1', 'p')) as FakeLink
    expect([first.status, second?.status, third.status]).toEqual(['open', 'aborted', 'open'])
    needed.push(third)
    expect(await open('198.51.100.1', 'p')).toBeUndefined()
    expect(guard.connections).toBe(2)
  })

  test('a host has a tenth; one that nothing needs makes room for the next of its host after ten seconds', async () => {
    const needed: FakeLink[] = []
    const { open, clock } = guardOf({ needed })
    const links = await Promise.all(['a', 'b', 'c', 'd'].map((peerId) => open('198.51.100.1', peerId)))
    needed.push(links[0] as FakeLink)
    expect(await open('198.51.100.1', 'e')).toBeUndefined()
    await clock.advance(10_000)
    expect(await open('198.51.100.1', 'f')).toBeDefined()
    expect(links.map((link) => link?.status)).toEqual(['open', 'aborted', 'open', 'open'])
  })

  test('when all places are taken, the largest group makes room for another host; a tenth is for trusted ids alone', async () => {
    const needed: FakeLink[] = []
    const { open, guard } = guardOf({ needed })
    // Nine hosts with four each fill the 36 places of strangers.
    const links = (await Promise.all(
      Array.from({ length: 36 }, (_, i) => open(`${20 + Math.floor(i / 4)}.1.1.1`, `peer ${i}`))
    )) as FakeLink[]
    expect(links.every((link) => link !== undefined)).toBe(true)
    expect(await open('198.51.100.1', 'honest')).toBeDefined()
    expect(links.findIndex(({ status }) => status === 'aborted')).toBe(35)
    needed.push(...links)
    expect(await open('203.0.113.1', 'late')).toBeUndefined()
    for (let i = 0; i < 4; i++) expect(await open('20.1.1.1', `friend ${i}`, true)).toBeDefined()
    expect(guard.connections).toBe(40)
    // The honest one is the only one that nothing needs.
    expect(await open('20.1.1.1', 'fifth friend', true)).toBeDefined()
    expect(await open('20.1.1.1', 'sixth friend', true)).toBeUndefined()
  })

  test('a connection that closes while it waits for a place gets none', async () => {
    const { guard, begin } = guardOf()
    const link = begin('198.51.100.1') as FakeLink
    link.abort()
    expect(await guard.admitsConnection(linkOf(link), { peerId: 'p' as PeerId, host: host('198.51.100.1'), trusted: false })).toBe(false)
    expect(guard.connections).toBe(0)
  })

  test('many that come at once, while it is asked what is needed, never pass the limits', async () => {
    const { open, guard, clock } = guardOf({ maxConnections: 20 })
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 30 }, (_, i) => open(`${20 + (i % 10)}.1.1.1`, `peer ${round} ${i}`)))
      expect(guard.connections).toBeLessThanOrEqual(18)
      await clock.advance(11_000)
    }
    expect(guard.connections).toBe(18)
  })
})

describe('with real sockets', () => {
  const rest: (() => unknown)[] = []

  afterEach(async () => {
    await Promise.all(rest.splice(0).map((stop) => stop()))
  })

  /** A listener with few places, to which the loopback address 127.0.0.N looks like the public 198.N.100.1. */
  async function listener(transport: 'tcp' | 'ws', maxConnections = 20): Promise<TestNode & { guard: ListenerGuard }> {
    const guard = new ListenerGuard({ clock: systemClock, maxConnections, connectionsPerSecond: 1_000 })
    const seen = (from: Host | undefined): Host => host(`198.${from?.split('.').at(-1)}.100.1`)
    const disguised: InboundGuard = {
      bind: (isNeeded) => guard.bind(isNeeded),
      admitsHandshake: (link, from) => guard.admitsHandshake(link, seen(from)),
      admitsConnection: (link, newcomer) => guard.admitsConnection(link, { ...newcomer, host: seen(newcomer.host) })
    }
    const { gater } = createGater({ guard: disguised })
    const made = await startNode(transport, { gater })
    guard.bind((link) => isLinkNeeded(made.network.keeper, link))
    await made.network.start(new Arrivals().handlers)
    rest.push(() => made.network.stop().then(() => made.node.stop()))
    return { ...made, guard }
  }

  const dialer = async (transport: 'tcp' | 'ws', localAddress: string): Promise<TestNode> => {
    const made = await startNode(transport, { localAddress })
    rest.push(() => made.node.stop())
    return made
  }

  const opensOn = async (from: TestNode, to: TestNode): Promise<Connection> =>
    from.node.dial(multiaddr(to.point), { force: true, signal: AbortSignal.timeout(5_000) })

  test.each(['tcp', 'ws'] as const)(
    '%s: one peer with mute connections holds two, and those that made room are closed at both ends',
    async (transport) => {
      const victim = await listener(transport)
      const attacker = await dialer(transport, '127.0.0.9')
      for (let i = 0; i < 12; i++) {
        const connection = await opensOn(attacker, victim)
        connection.newStream('/none/1.0.0', { signal: AbortSignal.timeout(500) }).catch(() => undefined)
      }
      await until(() => victim.node.getConnections().length === 2 && attacker.node.getConnections().length === 2)
      expect(victim.guard.connections).toBe(2)
    }
  )

  test('free ids of one host have its share; those who carry a link stay, and another host comes in', async () => {
    const victim = await listener('tcp')
    const attackers = await Promise.all(Array.from({ length: 8 }, () => dialer('tcp', '127.0.0.9')))
    await Promise.all(attackers.map((attacker) => opensOn(attacker, victim).catch(() => undefined)))
    await until(() => victim.node.getConnections().length === 2)
    const honest = await dialer('tcp', '127.0.0.2')
    const link = await honest.network.dial(victim.point, { expectedPeerId: victim.network.peerId, signal: AbortSignal.timeout(5_000) })
    expect(victim.guard.connections).toBe(3)
    await link.close()
  })

  test('a connection with a link is needed, one with a stream that never names its protocol is not', async () => {
    const victim = await listener('tcp', 100)
    const [mute, linked] = await Promise.all([dialer('tcp', '127.0.0.9'), dialer('tcp', '127.0.0.9')])
    await opensOn(mute, victim)
    const muxer = (mute.node.getConnections()[0] as unknown as { muxer: { createStream(): Promise<unknown> } }).muxer
    await muxer.createStream()
    const link = await linked.network.dial(victim.point, { expectedPeerId: undefined, signal: AbortSignal.timeout(5_000) })
    await until(() => victim.node.getConnections().length === 2)
    const needed = async (of: TestNode): Promise<boolean | undefined> => {
      const [connection] = victim.node.getConnections(of.node.peerId)
      return connection && victim.network.keeper.isNeeded(connection)
    }
    expect(await needed(mute)).toBe(false)
    expect(await needed(linked)).toBe(true)
    await link.close()
  })

  test('silent sockets of one host hold five handshakes, and an honest one of another host is in at once', async () => {
    const victim = await listener('tcp')
    const port = Number(victim.point.split('/')[4])
    const sockets = Array.from({ length: 60 }, () =>
      net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' }).on('error', () => undefined)
    )
    rest.push(() => {
      for (const socket of sockets) socket.destroy()
    })
    await until(() => sockets.filter(({ destroyed }) => !destroyed).length === 5)
    const honest = await dialer('tcp', '127.0.0.2')
    const link = await honest.network.dial(victim.point, { expectedPeerId: victim.network.peerId, signal: AbortSignal.timeout(2_000) })
    await link.close()
  })

  test('a WebSocket is closed when its connection is refused or aborted, though libp2p leaves it open', async () => {
    const victim = await listener('ws')
    const attackers = await Promise.all([1, 2, 3].map(() => dialer('ws', '')))
    const opened = await Promise.all(attackers.map((attacker) => opensOn(attacker, victim)))
    await until(() => victim.node.getConnections().length === 2)
    await until(() => opened.filter(({ status }) => status === 'open').length === 2)
    for (const connection of victim.node.getConnections()) connection.abort(new Error('enough'))
    await until(() => opened.every(({ status }) => status !== 'open'))
  })
})
