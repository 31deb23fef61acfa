import { describe, expect, test } from 'vitest'
import { hostOfIp } from '../../src/core/values/address.ts'
import type { Host, PeerId } from '../../src/core/values/ids.ts'
import { type ShareLimits, Shares } from '../../src/libp2p/place-shares.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'

const limits: ShareLimits = { max: 20, reserve: 2, perGroup: 3, perWiderGroup: 6, perLocalHost: 10, perPeer: 2 }
const host = (ip: string): Host => hostOfIp(ip) as Host

/** How many of the addresses get a place, one after the other. */
function placesOf(
  shares: Shares<number>,
  ips: readonly (string | undefined)[],
  others: { peerId?: PeerId; trusted?: boolean | undefined } = {}
): number {
  const first = shares.size
  for (const ip of ips) shares.take(Math.random(), { host: ip === undefined ? undefined : host(ip), ...others }, 0)
  return shares.size - first
}

const addresses = (count: number, of: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => of(i))

describe('a share of scarce places', () => {
  test.each([
    ['one IPv4 address', addresses(9, () => '198.51.100.1'), 3],
    ['one IPv6 /64, however many addresses it uses', addresses(9, (i) => `2a00:1:2:3::${i + 1}`), 3],
    ['one IPv4 /16', addresses(9, (i) => `198.51.${i}.1`), 6],
    ['one IPv6 /48', addresses(9, (i) => `2a00:1:2:${i}::1`), 6],
    ['hosts of different networks', addresses(9, (i) => `198.${30 + i}.100.1`), 9],
    ['one host of a local network', addresses(12, () => '192.168.1.1'), 10],
    ['hosts of a local network', addresses(12, (i) => `192.168.1.${i}`), 12],
    ['loopback addresses', addresses(12, (i) => `127.0.0.${i + 1}`), 12],
    ['links without a host', Array<undefined>(12).fill(undefined), 10],
    ['the world, of which some places are kept for trusted ids', addresses(25, (i) => `${20 + i}.1.1.1`), 18]
  ])('of %s', (_, ips, places) => {
    expect(placesOf(new Shares(limits), ips)).toBe(places)
  })

  test('of one peer, at whatever host', () => {
    const peerId = 'p' as PeerId
    expect(
      placesOf(
        new Shares(limits),
        addresses(5, (i) => `${20 + i}.1.1.1`),
        { peerId }
      )
    ).toBe(2)
    expect(placesOf(new Shares(limits), Array<undefined>(5).fill(undefined), { peerId, trusted: true })).toBe(2)
  })

  test('trusted ids take no share of their group, and the places that are kept for them', () => {
    const shares = new Shares<number>(limits)
    const world = addresses(25, (i) => `${20 + i}.1.1.1`)
    expect(placesOf(shares, world)).toBe(18)
    const one = addresses(9, () => '20.1.1.1')
    expect(placesOf(shares, one, { trusted: true })).toBe(2)
    expect(shares.size).toBe(20)
  })

  test('is free again once its holder leaves', () => {
    const shares = new Shares<number>(limits)
    for (let i = 0; i < 3; i++) shares.take(i, { host: host('198.51.100.1') }, 0)
    expect(shares.take(3, { host: host('198.51.100.1') }, 0)).toHaveLength(3)
    shares.leave(1)
    shares.leave(1)
    expect(shares.take(3, { host: host('198.51.100.1') }, 0)).toBeUndefined()
    expect(shares.take(4, { host: host('198.51.100.1') }, 0)).toHaveLength(3)
  })
})

describe('who makes room', () => {
  test('in its own group: the others of the group, the oldest first, because they do nothing', () => {
    const shares = new Shares<string>(limits)
    for (const [now, holder] of ['a', 'b', 'c'].entries()) shares.take(holder, { host: host('198.51.100.1') }, now)
    shares.take('else', { host: host('203.0.113.1') }, 3)
    expect(shares.take('d', { host: host('198.51.100.1') }, 4)).toEqual([
      { holder: 'a', since: 0, because: 'equal' },
      { holder: 'b', since: 1, because: 'equal' },
      { holder: 'c', since: 2, because: 'equal' }
    ])
  })

  test('the same peer: its older connections, wherever they came from, trusted or not', () => {
    const shares = new Shares<string>(limits)
    const peerId = 'p' as PeerId
    shares.take('a', { host: host('198.51.100.1'), peerId, trusted: true }, 0)
    shares.take('b', { host: host('203.0.113.1'), peerId, trusted: true }, 1)
    const rivals = shares.take('c', { host: host('192.0.2.1'), peerId, trusted: true }, 2)
    expect(rivals?.map(({ holder, because }) => [holder, because])).toEqual([
      ['a', 'same-peer'],
      ['b', 'same-peer']
    ])
  })

  test('when all is full: the newest of the largest group first, and no trusted one', () => {
    const shares = new Shares<string>({ ...limits, max: 8, reserve: 2 })
    shares.take('lone', { host: host('20.1.1.1') }, 0)
    for (const [i, holder] of ['a1', 'a2', 'a3'].entries()) shares.take(holder, { host: host('21.1.1.1') }, i + 1)
    for (const [i, holder] of ['b1', 'b2'].entries()) shares.take(holder, { host: host('22.1.1.1') }, i + 4)
    shares.take('friend', { host: host('21.1.1.1'), trusted: true }, 6)
    const forNew = shares.take('new', { host: host('23.1.1.1') }, 7)
    expect(forNew?.map(({ holder, because }) => `${holder} ${because}`)).toEqual([
      'a3 larger-group',
      'a2 larger-group',
      'a1 larger-group',
      'b2 larger-group',
      'b1 larger-group',
      'lone equal'
    ])
    // With one more, its group would have two: a change with b would gain nothing.
    const forSecond = shares.take('second', { host: host('20.1.1.1') }, 7)
    expect(forSecond?.map(({ holder, because }) => `${holder} ${because}`)).toEqual([
      'a3 larger-group',
      'a2 larger-group',
      'a1 larger-group',
      'lone equal',
      'b1 equal',
      'b2 equal'
    ])
    shares.take('friend 2', { host: undefined, trusted: true }, 8)
    const forFriend = shares.take('friend 3', { host: host('21.1.1.1'), trusted: true }, 9)
    expect(forFriend?.[0]).toMatchObject({ holder: 'a3', because: 'larger-group' })
    expect(forFriend?.filter(({ holder }) => holder.startsWith('friend'))).toEqual([])
  })
})

test('no limit is passed, and no count drifts, whatever comes and goes', () => {
  const seed = 20_261
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)] as T
  const hosts = [
    undefined,
    '127.0.0.1',
    '10.0.0.1',
    '198.51.100.1',
    '198.51.7.1',
    '203.0.113.1',
    '2a00:1:2:3::1',
    '2a00:1:2:3::2',
    '2a00:1:2:4::1'
  ]
  const shares = new Shares<number>(limits)
  const held = new Map<number, { host: string | undefined; peerId: PeerId; trusted: boolean }>()
  for (let step = 0; step < 20_000; step++) {
    const about = `seed ${seed}, step ${step}`
    if (random.next() < 0.4 && held.size > 0) {
      const holder = pick([...held.keys()])
      shares.leave(holder)
      held.delete(holder)
    } else {
      const newcomer = {
        host: pick(hosts),
        peerId: pick(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']) as PeerId,
        trusted: random.next() < 0.2
      }
      const rivals = shares.take(step, { ...newcomer, host: newcomer.host === undefined ? undefined : host(newcomer.host) }, step)
      if (rivals === undefined) held.set(step, newcomer)
      else for (const { holder } of rivals) expect(held.has(holder), about).toBe(true)
    }
    const count = (of: (one: { host: string | undefined; peerId: PeerId; trusted: boolean }) => boolean): number =>
      [...held.values()].filter(of).length
    expect(shares.size, about).toBe(held.size)
    expect(held.size, about).toBeLessThanOrEqual(limits.max)
    expect(
      count(({ trusted }) => !trusted),
      about
    ).toBeLessThanOrEqual(limits.max - limits.reserve)
    expect(
      count(({ trusted, host: from }) => !trusted && from?.startsWith('2a00:1:2:3:') === true),
      about
    ).toBeLessThanOrEqual(limits.perGroup)
    expect(
      count(({ trusted, host: from }) => !trusted && from?.startsWith('198.51.') === true),
      about
    ).toBeLessThanOrEqual(limits.perWiderGroup)
    for (const peer of ['a', 'l'])
      expect(
        count(({ peerId }) => peerId === peer),
        about
      ).toBeLessThanOrEqual(limits.perPeer)
  }
  for (const holder of held.keys()) shares.leave(holder)
  expect(shares.size).toBe(0)
  expect(
    placesOf(
      shares,
      addresses(25, (i) => `${20 + i}.1.1.1`)
    )
  ).toBe(18)
})
