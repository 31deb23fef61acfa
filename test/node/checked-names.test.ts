import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { CheckedNames } from '../../node/checked-names.ts'
import type { PoolState } from '../../src/core/tables/pool-state.ts'
import { hostOfIp } from '../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../src/core/values/ids.ts'
import { StateBench } from '../support/state-bench.ts'

const source = { peerId: 'stranger' as PeerId, host: hostOfIp('127.0.0.1'), discoverySource: 'advertise' as const }
const parsed = (point: string) => ({ point: point as Point, expectedPeerId: undefined })

/** The addresses that a dial of the point gets, of those that its name stands for; or why it gets none. */
async function given(bench: StateBench, point: string, addresses: readonly string[], allowPrivate = true): Promise<string[] | string> {
  const asked: number[] = []
  const state = bench.state as unknown as PoolState<unknown>
  const names = new CheckedNames({ rule: { allowPrivate, allowInsecure: true }, state: () => state }, async (_, family) => {
    asked.push(family)
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  })
  return new Promise((resolve) => {
    names.lookupFor(multiaddr(point))('', { all: true }, (error, found) => {
      expect(asked).toHaveLength(1)
      resolve(error === null ? (found as { address: string }[]).map(({ address }) => address) : error.message)
    })
  })
}

describe('the addresses that a dial of a name gets', () => {
  test('are the public ones alone, at most four, in their order', async () => {
    const bench = new StateBench()
    const found = ['127.0.0.1', '203.0.113.7', '10.0.0.1', '2001:470::1', 'fe80::1%eth0', '203.0.113.8', '203.0.113.9', '203.0.113.10']
    expect(await given(bench, '/dns4/peer.example/tcp/4001', found)).toEqual(['203.0.113.7', '2001:470::1', '203.0.113.8', '203.0.113.9'])
  })

  test('are of the family that the point names', async () => {
    const families: number[] = []
    const bench = new StateBench()
    const names = new CheckedNames(
      { rule: { allowPrivate: true, allowInsecure: true }, state: () => bench.state as unknown as PoolState<unknown> },
      async (_, family) => {
        families.push(family)
        return [{ address: '203.0.113.7', family: 4 }]
      }
    )
    for (const kind of ['dns4', 'dns6', 'dns']) {
      await new Promise((resolve) => names.lookupFor(multiaddr(`/${kind}/peer.example/tcp/1`))('', { family: 0 }, resolve))
    }
    expect(families).toEqual([4, 6, 0])
  })

  test.each([
    ['localhost', '127.0.0.1', true],
    ['localhost', '10.0.0.1', false],
    ['router', '192.168.1.1', true],
    ['nas.local', '169.254.1.1', true],
    ['nas.local', '127.0.1.1', false],
    ['peer.example', '192.168.1.1', false],
    ['peer.example', '0.0.0.0', false],
    ['peer.example', '224.0.0.1', false],
    ['peer.example', '64:ff9b::7f00:1', false]
  ])('%s may stand for %s on the word of a peer on this machine: %s', async (name, address, expected) => {
    const bench = new StateBench()
    const point = `/dns4/${name}/tcp/4001`
    expect(bench.state.claims.learn([parsed(point)], source)).toBe(1)
    const found = await given(bench, point, [address])
    if (expected) expect(found).toEqual([address])
    else expect(found).toContain(`${address} is not public`)
  })

  test('are private ones too where the operator allows that, or named the point, or trusts it; never where the dial rule forbids it', async () => {
    const point = '/dns4/peer.example/tcp/4001'
    const allowing = new StateBench({ allowPrivatePoints: true })
    allowing.state.claims.learn([parsed(point)], source)
    expect(await given(allowing, point, ['10.0.0.1', '0.0.0.0'])).toEqual(['10.0.0.1'])
    for (const options of [{}, { trusted: true }]) {
      const bench = new StateBench()
      bench.state.claims.learn([parsed(point)], source)
      bench.state.points.register(point as Point, options)
      expect(await given(bench, point, ['10.0.0.1'])).toEqual(['10.0.0.1'])
      expect(await given(bench, point, ['10.0.0.1'], false)).toContain('10.0.0.1 is not public')
      // Another port of the same name is another point.
      expect(await given(bench, '/dns4/peer.example/tcp/6379', ['10.0.0.1'])).toContain('10.0.0.1 is not public')
    }
  })

  test('are those of a relay, if the operator named a point over it', async () => {
    const bench = new StateBench()
    const relay = '/dns4/relay.example/tcp/443/tls/ws'
    expect(await given(bench, relay, ['10.0.0.1'])).toContain('10.0.0.1 is not public')
    bench.state.points.register(`${relay}/p2p/relay/p2p-circuit/webrtc/p2p/guest` as Point)
    expect(await given(bench, relay, ['10.0.0.1'])).toEqual(['10.0.0.1'])
  })

  test('are not banned, whatever the source of the point', async () => {
    const bench = new StateBench()
    const point = '/dns4/peer.example/tcp/4001'
    bench.state.points.register(point as Point, { trusted: true })
    bench.state.access.banHost('::ffff:203.0.113.99' as Host, { banPeers: false })
    bench.state.access.banRange('198.51.100.0/24', { banPeers: false })
    expect(await given(bench, point, ['203.0.113.99', '198.51.100.7', '203.0.113.98'])).toEqual(['203.0.113.98'])
    expect(await given(bench, point, ['203.0.113.99'])).toContain('203.0.113.99 is banned')
  })

  test('are dialed three times in ten minutes for untried points, whatever their names', async () => {
    const bench = new StateBench()
    const points = [1, 2, 3, 4, 5].map((n) => `/dns4/name${n}.example/tcp/${2_000 + n}`)
    expect(bench.state.claims.learn(points.map(parsed), source)).toBe(5)
    const dial = async (n: number): Promise<string[] | string> => given(bench, points[n] as string, ['203.0.113.7'])
    for (const n of [0, 1, 2]) expect(await dial(n)).toEqual(['203.0.113.7'])
    expect(await dial(3)).toContain('was dialed three times in ten minutes')
    bench.state.points.register(points[4] as Point)
    expect(await dial(4)).toEqual(['203.0.113.7'])
    bench.now += 600_001
    expect(await dial(3)).toEqual(['203.0.113.7'])
  })
})

describe('a connection to a name', () => {
  test('is refused if its address was banned meanwhile', () => {
    const bench = new StateBench()
    const state = bench.state as unknown as PoolState<unknown>
    const names = new CheckedNames({ rule: { allowPrivate: true, allowInsecure: true }, state: () => state }, async () => [])
    const address = multiaddr('/dns4/peer.example/tcp/4001')
    names.connected(address, { remoteAddress: '::ffff:203.0.113.99' })
    names.connected(address, { remoteAddress: undefined })
    bench.state.access.banHost('::ffff:203.0.113.99' as Host, { banPeers: false })
    expect(() => names.connected(address, { remoteAddress: '203.0.113.99' })).toThrow(expect.objectContaining({ name: 'DialDeniedError' }))
  })
})
