import { describe, expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import type { MemoryNetwork } from '../../../src/testing/memory-network.ts'
import { type Member, World } from '../../support/pools.ts'

/** Points at hosts of their own: the first number is the network, the second the host in it. */
const families = {
  IPv4: (network: number, host: number, port = 1): string => `/ip4/${network}.${host}.2.3/tcp/${port}`,
  IPv6: (network: number, host: number, port = 1): string => `/ip6/2a${String(network).padStart(2, '0')}:${host}::1/tcp/${port}`
} as const
type Family = keyof typeof families
const all = Object.keys(families) as Family[]

const preset = { minConnections: 10, expectedConnections: 50, maxConnections: 100 }
const seeksOne = { minConnections: 1, expectedConnections: 1, maxConnections: 3 }

/** Opens links, says nothing on them, and opens the next as soon as one is closed, until the test is over. */
function floodsSilently(world: World, node: MemoryNetwork, target: Point): { stop: () => void } {
  let isOver = false
  const flood = async (): Promise<void> => {
    const link = await node.dialRaw(target).catch(() => undefined)
    await link?.over
    if (!isOver) world.clock.schedule(10, () => void flood())
  }
  void flood()
  return {
    stop: () => {
      isOver = true
    }
  }
}

/** `count` pools, each at a host of its own, that want to be connected with the target. */
async function newcomers(world: World, { family, target, count, name }: { family: Family; target: Member; count: number; name: string }) {
  const trustedPoints = [{ point: target.network.point, expectedPeerId: target.pool.peerId }]
  const members: Member[] = []
  for (let n = 0; n < count; n++) {
    const point = families[family](60 + n, 1)
    members.push(world.make(`${name}${n}`, { ...seeksOne, point, trustedPoints }))
  }
  await Promise.all(members.map(({ pool }) => world.clock.until(pool.start())))
  return members
}

const isConnectedWith = ({ pool }: Member, peerId: PeerId): boolean => pool.connections.findByPeerId(peerId) !== undefined

describe('silent handshakes', () => {
  for (const family of all) {
    for (const [hosts, each, honestIn] of [
      [5, 5, 9],
      [20, 2, 9]
    ] as const) {
      it(`${family}: ${hosts} hosts that renew theirs at once keep neither strangers out for 10 s, nor trusted peers`, async () => {
        const world = new World(hosts)
        const a = await world.start('a', { ...preset, point: families[family](99, 1) })
        const floods: { stop: () => void }[] = []
        for (let host = 0; host < hosts; host++)
          for (let n = 0; n < each; n++) {
            const node = world.hub.node(`evil${host}-${n}`, { point: families[family](20 + host, 7, n + 1) })
            floods.push(floodsSilently(world, node, a.network.point))
          }
        await world.clock.advance(3_000)
        expect(a.pool.snapshot().incomingHandshakes).toBe(20)
        for (let n = 0; n < 10; n++) a.pool.peers.trust(`friend${n}` as PeerId)
        const honest = await newcomers(world, { family, target: a, count: 10, name: 'honest' })
        const friends = await newcomers(world, { family, target: a, count: 10, name: 'friend' })
        await world.clock.advance(10_000)
        const areIn = (members: Member[]): number => members.filter((member) => isConnectedWith(member, a.pool.peerId)).length
        expect(areIn(friends)).toBe(10)
        expect(areIn(honest)).toBeGreaterThanOrEqual(honestIn)
        for (const flood of floods) flood.stop()
        await world.stop()
      })
    }
  }
})

describe('running connections of unknown peers', () => {
  for (const family of all) {
    it(`${family}: one host brings 63 ids and does not give up: 29 others get in, and after a minute it has a quarter at most`, async () => {
      const world = new World(29)
      const a = await world.start('a', { ...preset, point: families[family](99, 1) })
      const evil: Member[] = []
      for (let n = 0; n < 63; n++) evil.push(await world.start(`evil${n}`, { point: families[family](20, 7, n + 1) }))
      let isOver = false
      const comesBack = async (member: Member): Promise<void> => {
        while (!isOver) {
          const connection = await member.pool.connect(a.network.point).catch(() => undefined)
          await connection?.closed
          await new Promise<void>((resolve) => void world.clock.schedule(3_000, resolve))
        }
      }
      for (const member of evil) void comesBack(member)
      await world.clock.advance(30_000)
      const ofEvil = (): number => a.pool.connectedPeerIds.size - ofHonest()
      const ofHonest = (): number => honest.filter(({ pool }) => a.pool.connectedPeerIds.has(pool.peerId)).length
      const honest: Member[] = []
      expect(ofEvil()).toBe(25)
      honest.push(...(await newcomers(world, { family, target: a, count: 29, name: 'honest' })))
      await world.clock.advance(60_000)
      expect(ofHonest()).toBeGreaterThanOrEqual(26)
      expect(ofEvil() / a.pool.activeConnections).toBeLessThanOrEqual(0.25)
      isOver = true
      await world.stop()
    })
  }

  it('a full pool takes a newcomer in at the cost of the newest of a host that has two, and of no other', async () => {
    const world = new World(3)
    const a = await world.start('a', { minConnections: 0, expectedConnections: 5, maxConnections: 5 })
    const one = await world.start('one', { point: families.IPv4(20, 1) })
    const pair = [
      await world.start('first', { point: families.IPv4(21, 1, 1) }),
      await world.start('second', { point: families.IPv4(21, 1, 2) })
    ]
    const more = [await world.start('two', { point: families.IPv4(22, 1) }), await world.start('three', { point: families.IPv4(23, 1) })]
    for (const { pool } of [one, ...pair, ...more]) await world.clock.until(pool.connect(a.network.point))
    await world.clock.advance(100)
    const ids = (): string[] => [...a.pool.connectedPeerIds.keys()].sort()
    expect(ids()).toEqual(['first', 'one', 'second', 'three', 'two'])
    const newcomer = await world.start('newcomer', { point: families.IPv4(24, 1) })
    await world.clock.until(newcomer.pool.connect(a.network.point))
    await world.clock.advance(100)
    expect(ids()).toEqual(['first', 'newcomer', 'one', 'three', 'two'])
    const late = await world.start('late', { point: families.IPv4(25, 1) })
    await expect(world.clock.until(late.pool.connect(a.network.point))).rejects.toThrow(/too many connections/)
    await world.stop()
  })

  it('forty pages behind one proxy are all taken', async () => {
    const world = new World(4)
    const a = await world.start('a', preset)
    for (let n = 0; n < 40; n++) {
      const page = await world.start(`page${n}`, { point: `/ip4/127.0.0.1/tcp/${n + 1}` })
      await world.clock.until(page.pool.connect(a.network.point))
    }
    await world.clock.advance(100)
    expect(a.pool.activeConnections).toBe(40)
    await world.stop()
  })
})
