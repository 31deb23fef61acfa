import { describe, expect, it } from 'vitest'
import { type Connection, type PeerPool, PoolError } from '../../../src/core/index.ts'
import { parseHost, parseRange } from '../../../src/core/values/arguments.ts'
import { poolEventNames } from '../../../src/core/values/events.ts'
import { parsePeerId, parsePoint } from '../../../src/libp2p/point.ts'
import { failureOf } from '../../support/failure.ts'
import { World } from '../../support/pools.ts'

const id = parsePeerId('12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o')
const point = parsePoint('/ip4/192.0.2.1/tcp/4001').point

/** A pool that parses as libp2p does, and a running connection of it. No types: these are the callers that have none, or cast. */
async function made(): Promise<{ pool: Loose; connection: Loose; strict: PeerPool }> {
  const world = new World()
  const [a, b] = [await world.start('a'), await world.start('b')]
  const connection: Connection = await world.clock.until(a.pool.connect(b.network.point))
  a.network.parsePoint = parsePoint
  a.network.parsePeerId = parsePeerId
  return { pool: a.pool as unknown as Loose, connection: connection as unknown as Loose, strict: a.pool }
}

interface Loose {
  (...args: readonly unknown[]): unknown
  readonly [name: string]: Loose
}

/** Method, arguments, and what the message says was expected and what came. */
type Bad = readonly [method: string, args: readonly unknown[], expected: RegExp, received: string]

const badArguments: readonly Bad[] = [
  ['connect', ['198.51.100.1:4001'], /canonical text \/ip4\/198\.51\.100\.1\/tcp\/4001/, '"198.51.100.1:4001"'],
  ['connect', ['nonsense'], /a multiaddr/, '"nonsense"'],
  ['connect', ['/ip4/192.0.2.1/tcp/99999'], /a multiaddr/, '"/ip4/192.0.2.1/tcp/99999"'],
  ['connect', ['/ip4/192.0.2.1/nope/1'], /a multiaddr/, '"/ip4/192.0.2.1/nope/1"'],
  ['connect', [`${point}/p2p/${id}`], /canonical text \/ip4\/192\.0\.2\.1\/tcp\/4001,/, `"${point}/p2p/${id}"`],
  ['connect', [undefined], /a point such as/, 'undefined'],
  ['connect', [{ point }], /a point such as/, 'an object'],
  ['connect', [point, { timeoutMs: 'soon' }], /connect\.timeoutMs: expected a number from 1 to/, '"soon"'],
  ['connect', [point, { timeoutMs: Number.NaN }], /connect\.timeoutMs: expected a number from 1 to/, 'NaN'],
  ['connect', [point, { signal: {} }], /connect\.signal: expected an AbortSignal/, 'an object'],
  ['connect', [point, { timeout: 5 }], /did you mean timeoutMs\?/, '"timeout"'],
  ['connect', [point, { expectedPeerId: 'garbage' }], /a libp2p peer id/, '"garbage"'],
  ['connect', [point, null], /connect: expected an object with options/, 'null'],
  ['disconnect', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['disconnect', [id, { kind: 'because' }], /disconnect\.kind: expected 'explicit' or/, '"because"'],
  ['disconnect', [id, { kind: 'toString' }], /disconnect\.kind: expected 'explicit' or/, '"toString"'],
  ['disconnect', [id, { kind: 'constructor' }], /disconnect\.kind: expected 'explicit' or/, '"constructor"'],
  ['disconnect', [id, { kind: { toString: null } }], /disconnect\.kind: expected 'explicit' or/, 'an object'],
  ['listKnownPoints', [{ ignorePrivate: true, size: { toString: 1 } }], /size: expected a whole number/, 'an object'],
  ['disconnect', [id, { kind: 'explicit' }], /disconnect\.text: expected a text/, 'undefined'],
  ['tearDownConnections', [undefined], /\{ kind \}/, 'undefined'],
  ['suspend', [{ keep: 'some' }], /suspend\.keep: expected 'band' or 'all' or 'none'/, '"some"'],
  ['setBand', [{ min: 5, expected: 2, max: 9 }], /band\.expected: expected a number from 5/, '2'],
  ['setBand', [{ min: 1, expected: 2 }], /band\.max: expected a whole number/, 'undefined'],
  ['broadcast', [new Uint8Array(1), { except: id }], /broadcast\.except: expected an array/, `"${id}"`],
  ['broadcast', ['text'], /a Uint8Array of messageCodec\.encode/, '"text"'],
  ['explain', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['explain', ['/garbage'], /a multiaddr/, '"/garbage"'],
  ['next', ['change', { signal: 5 }], /next\.signal: expected an AbortSignal/, '5'],
  ['addEventListener', ['change', 'listener'], /listener of change: expected a function/, '"listener"'],
  ['parsePoint', [5], /a multiaddr/, '5'],
  ['parsePeerId', [null], /a libp2p peer id/, 'null'],
  ['registerPoint', [''], /a multiaddr/, '""'],
  ['registerPoint', [point, { trusted: 'yes' }], /registerPoint\.trusted: expected true or false/, '"yes"'],
  ['registerPoint', [point, { trustd: true }], /did you mean trusted\?/, '"trustd"'],
  ['unregisterPoint', ['example.org'], /a multiaddr/, '"example.org"'],
  ['registerNewPoint', ['/dns4//tcp/1'], /a multiaddr/, '"/dns4//tcp/1"'],
  ['registerNewPoints', [[point], { discoverySource: 'hello', source: id }], /registerNewPoints\[0\]: expected \{ point \}/, `"${point}"`],
  ['registerNewPoints', [[{ point }], { discoverySource: 'rumour', source: id }], /discoverySource: expected 'operator' or/, '"rumour"'],
  ['registerPeer', ['Qm'], /a libp2p peer id/, '"Qm"'],
  ['setExpectedPeerId', [point, ''], /a libp2p peer id/, '""'],
  ['addToIdPoints', ['127.0.0.1'], /a multiaddr/, '"127.0.0.1"'],
  ['listKnownPoints', [], /\{ ignorePrivate \}/, 'undefined'],
  ['listKnownPoints', [{ ignorePrivate: false, size: -1 }], /size: expected a whole number from 0/, '-1'],
  ['greylistAddress', ['exa mple.org'], /an IP address or a DNS name/, '"exa mple.org"'],
  ['greylistPeer', [5], /a libp2p peer id/, '5'],
  ['connections.findByPeerId', ['b'], /a libp2p peer id/, '"b"'],
  ['connections.findByPoint', ['b'], /a multiaddr/, '"b"'],
  ['connections.randomAddress', [{}], /noPrivate: expected true or false/, 'undefined'],
  ['peers.info', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['peers.getScore', [{}], /a libp2p peer id/, 'an object'],
  ['peers.setMetadata', ['garbage', 1], /a libp2p peer id/, '"garbage"'],
  ['peers.ban', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['peers.ban', [id, { endsAt: 'tomorrow' }], /peers\.ban\.endsAt: expected a number/, '"tomorrow"'],
  ['peers.unban', [undefined], /a libp2p peer id/, 'undefined'],
  ['peers.isBanned', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['peers.report', [id, { kind: 'rude', reason: 'r' }], /kind: expected 'fault' or 'useless' or 'slow'/, '"rude"'],
  ['peers.report', [id, { kind: 'fault' }], /peers\.report\.reason: expected a text/, 'undefined'],
  ['peers.trust', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['peers.untrust', ['garbage'], /a libp2p peer id/, '"garbage"'],
  ['peers.watch', [id, undefined], /peers\.watch: expected a function/, 'undefined'],
  ['peers.describe', [id], /what info\(\) returns/, `"${id}"`],
  ['points.info', ['garbage'], /a multiaddr/, '"garbage"'],
  ['points.ban', ['garbage'], /a multiaddr/, '"garbage"'],
  ['points.ban', [point, { banPeers: 1 }], /points\.ban\.banPeers: expected true or false/, '1'],
  ['points.unban', ['garbage'], /a multiaddr/, '"garbage"'],
  ['points.banHost', [''], /an IP address or a DNS name/, '""'],
  ['points.banHost', ['192.0.2.0/24'], /an IP address or a DNS name/, '"192.0.2.0/24"'],
  ['points.banHost', ['[::1'], /an IP address or a DNS name/, '"[::1"'],
  ['points.banHost', ['999.1.1.1'], /an IP address or a DNS name/, '"999.1.1.1"'],
  ['points.unbanHost', [4], /an IP address or a DNS name/, '4'],
  ['points.banRange', ['example.org'], /an address range/, '"example.org"'],
  ['points.banRange', [24], /points\.banRange: expected an address range/, '24'],
  ['points.unbanRange', ['192.0.2.0/33'], /an address range/, '"192.0.2.0/33"'],
  ['points.isBanned', ['127.0.0.1'], /a multiaddr/, '"127.0.0.1"'],
  ['points.trust', ['garbage'], /a multiaddr/, '"garbage"'],
  ['points.untrust', ['garbage'], /a multiaddr/, '"garbage"'],
  ['points.watch', [point, 'listener'], /points\.watch: expected a function/, '"listener"'],
  ['points.describe', [undefined], /what info\(\) returns/, 'undefined']
]

function methodOf(root: Loose, path: string): () => unknown {
  const names = path.split('.')
  const target = names.slice(0, -1).reduce((object, name) => object[name] as Loose, root)
  return (target[names.at(-1) ?? ''] as Loose).bind(target)
}

describe('a bad argument is refused before anything is done, and the error says what was expected and what came', () => {
  it.each(badArguments)('pool.%s(%j)', async (method, args, expected, received) => {
    const { pool, strict } = await made()
    const before = JSON.stringify(strict.snapshot().points)
    const { error } = await failureOf(() => Reflect.apply(methodOf(pool, method), undefined, args))
    expect(error).toBeInstanceOf(PoolError)
    expect(String(error)).toMatch(expected)
    expect(String(error)).toContain(`got ${received}`.replace('got "timeout"', '"timeout"').replace('got "trustd"', '"trustd"'))
    expect(JSON.stringify(strict.snapshot().points)).toBe(before)
  })

  it.each<Bad>([
    ['send', ['text'], /a Uint8Array of messageCodec\.encode/, '"text"'],
    ['send', [new Uint8Array(1), { signal: 'now' }], /connection\.send\.signal: expected an AbortSignal/, '"now"'],
    ['send', [new Uint8Array(1), { sginal: undefined }], /did you mean signal\?/, 'sginal'],
    ['disconnect', [undefined], /\{ kind \}/, 'undefined'],
    ['disconnect', [{ kind: 'bored' }], /kind: expected 'explicit' or/, '"bored"']
  ])('connection.%s(%j)', async (method, args, expected, received) => {
    const { connection, strict } = await made()
    const { error, threw } = await failureOf(() => Reflect.apply(methodOf(connection, method), undefined, args))
    expect([error instanceof PoolError, threw]).toEqual([true, false])
    expect(String(error)).toMatch(expected)
    expect(String(error)).toContain(received)
    expect(strict.activeConnections).toBe(1)
  })

  it('a method that returns a promise rejects, every other one throws', async () => {
    const { pool } = await made()
    for (const method of [
      'connect',
      'disconnect',
      'tearDownConnections',
      'next',
      'setExpectedPeerId',
      'peers.ban',
      'points.ban',
      'points.banHost'
    ])
      expect([method, (await failureOf(() => methodOf(pool, method)())).threw]).toEqual([method, false])
    for (const method of [
      'registerPoint',
      'setBand',
      'explain',
      'addEventListener',
      'peers.info',
      'points.unbanHost',
      'connections.findByPoint'
    ])
      expect([method, (await failureOf(() => methodOf(pool, method)())).threw]).toEqual([method, true])
  })

  it('a text that is no point does not get into the tables by way of trusted points either', () => {
    const world = new World()
    expect(() => world.make('a', { trustedPoints: [{ point: 'nonsense' as typeof point, expectedPeerId: undefined }] })).toThrow(/nonsense/)
  })
})

describe('an unknown event is refused, with the nearest name', () => {
  it.each([
    ['conection-established', 'connection-opened'],
    ['Disconnection', 'connection-closed'],
    ['greylist', 'greylisted'],
    ['peerBanned', 'peer-banned'],
    ['snapshot', Object.keys(poolEventNames).join(', ')],
    ['__proto__', Object.keys(poolEventNames).join(', ')],
    ['', Object.keys(poolEventNames).join(', ')]
  ])('%j', async (name, nearest) => {
    const { pool } = await made()
    for (const method of ['addEventListener', 'removeEventListener', 'next']) {
      const { error } = await failureOf(() => methodOf(pool, method)(...([name, () => undefined] as unknown as [])))
      expect(error).toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(`unknown event ${JSON.stringify(name)}`) })
      expect(String(error)).toContain(nearest)
    }
  })
})

describe('parseHost and parseRange', () => {
  it.each([
    ['1.2.3.4', '::ffff:1.2.3.4'],
    ['::1', '::1'],
    ['Example.ORG.', 'example.org']
  ])('the host %s', (text, host) => {
    expect(parseHost(text)).toBe(host)
  })

  it('the range 192.0.2.7/24 has one text', () => {
    expect([parseRange('192.0.2.7/24'), parseRange('2001:DB8::1')]).toEqual(['192.0.2.0/24', '2001:db8::1/128'])
  })

  // What old resolvers take for an address is no host: its writer may have meant another one.
  it.each(['', '1.2.3.4:80', '192.0.2.0/24', 'exa mple.org', '1.2.3', '127.1', '0x7f.1', '2130706433', '017.0.0.1', '1.2.3.4.'])(
    'no host: %j',
    (text) => {
      expect(() => parseHost(text)).toThrow(`parseHost: expected an IP address or a DNS name, got ${JSON.stringify(text)}`)
    }
  )

  it.each(['', 'example.org', '192.0.2.0/33'])('no range: %j', (text) => {
    expect(() => parseRange(text)).toThrow(`got ${JSON.stringify(text)}`)
  })
})

describe('a host is taken in any spelling', () => {
  it.each(['127.0.0.1', '::ffff:127.0.0.1', '[::ffff:7f00:1]'])('%s', async (host) => {
    const { pool } = await new World().start('a')
    const loopback = parsePoint('/ip4/127.0.0.1/tcp/1').point
    await pool.points.banHost(host)
    expect([pool.points.isBanned(loopback), pool.snapshot().bannedHosts]).toEqual([true, ['::ffff:127.0.0.1']])
    pool.points.unbanHost(host)
    expect(pool.points.isBanned(loopback)).toBe(false)
    pool.greylistAddress(host)
    expect(pool.snapshot().greylistedHosts).toEqual(['::ffff:127.0.0.1'])
  })

  it.each([
    ['2001:DB8:0::1', '2001:db8::1'],
    ['Example.ORG.', 'example.org'],
    ['localhost', 'localhost']
  ])('%s', async (host, canonical) => {
    const { pool } = await new World().start('a')
    await pool.points.banHost(host)
    expect(pool.snapshot().bannedHosts).toEqual([canonical])
  })
})

it('connection.info: plain JSON', async () => {
  const { strict } = await made()
  const [connection] = strict.connections.list()
  const info = connection?.info
  expect(info).toEqual({
    peerId: 'b',
    kind: 'pool',
    direction: 'outgoing',
    transport: 'memory',
    host: expect.stringContaining('::ffff:'),
    remoteAddress: expect.any(String),
    point: strict.connections.list()[0]?.point,
    establishedAt: expect.any(Number),
    introducer: null,
    isPrivate: false,
    discovery: true,
    rttMs: { last: 10, least: 10 }
  })
  expect(JSON.parse(JSON.stringify(info))).toEqual(info)
})
