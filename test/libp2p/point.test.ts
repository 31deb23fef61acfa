import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostOf, transportOf } from '../../src/core/values/address.ts'
import type { PeerId, Point } from '../../src/core/values/ids.ts'
import { PoolError } from '../../src/core/values/reason.ts'
import { parsePeerId, parsePoint, parsePointInit, pointOf, toMultiaddr, tryParsePeerId, tryParsePoint } from '../../src/libp2p/point.ts'

const alice = '12D3KooWBCE4hFcKskbqQ41nF5BcCDMXLAoSrkgKiSm8CqEWKV1o' as PeerId
const aliceAsCid = 'bafzaajaiaejca' // the beginning only
const bob = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId
const rsa = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'

describe('the short way for common texts', () => {
  const digits = [...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl']

  test('takes an Ed25519 id exactly when libp2p gives the same text back', () => {
    const idText = fc
      .tuple(
        fc.constantFrom('12D3KooW', '12D3KooW9', '12D3KooW9pNAk8', '12D3KooWT3', '12D3KooWT3gYEv', '12D3Koo'),
        fc.array(fc.constantFrom(...digits), { minLength: 52, maxLength: 52 })
      )
      .map(([head, tail]) => (head + tail.join('')).slice(0, 52))
    const byLibp2p = (text: string): string | undefined => {
      try {
        const id = peerIdFromString(text)
        // The id of an HTTP gateway is no peer's; one text in some ten thousand of these happens to be one.
        return id.type === 'url' ? undefined : id.toString()
      } catch {
        return undefined
      }
    }
    fc.assert(
      fc.property(idText, (text) => {
        const expected = byLibp2p(text)
        if (expected === undefined) expect(() => parsePeerId(text)).toThrow(PoolError)
        else expect(parsePeerId(text)).toBe(expected)
      }),
      { numRuns: 2_000, examples: [[`12D3KookBX${'1'.repeat(42)}`]] }
    )
  })

  test('the first and the last Ed25519 id are ids, their neighbours are none', () => {
    const first = '12D3KooW9pNAk8aiBuGVQtWRdbkLmo5qVL3e2h5UxbN2Nz9ttwiw'
    const last = '12D3KooWT3gYEvLJyx1FyyHqrmvdy1tMjpgxmu9aSeKMEuafQtyC'
    for (const text of [first, last]) expect(parsePeerId(text)).toBe(peerIdFromString(text).toString())
    for (const text of [`${first.slice(0, -1)}v`, `${last.slice(0, -1)}D`]) expect(() => parsePeerId(text)).toThrow(PoolError)
  })

  test('takes an address exactly when multiaddr gives the same text back', () => {
    const octet = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom('', '00', '01', '1e1', ' 1', '0x1', '255', '256'))
    const port = fc.oneof(fc.integer({ min: 0, max: 70_000 }).map(String), fc.constantFrom('', '080', '65535', '65536', '1e3'))
    const rest = fc.constantFrom('', '/', '/ws', '/ws/', `/p2p/${alice}`, `/ws/p2p/${alice}`, '\n')
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), port, rest, (octets, number, tail) => {
        const text = `/ip4/${octets.join('.')}/tcp/${number}${tail}`
        let expected: string | undefined
        try {
          const same = multiaddr(text).toString()
          expected = number === '0' ? undefined : same
        } catch {
          expected = undefined
        }
        const read = (): string => {
          const { point, expectedPeerId } = parsePoint(text)
          return expectedPeerId === undefined ? point : `${point}/p2p/${expectedPeerId}`
        }
        if (expected === undefined) expect(read).toThrow(PoolError)
        else if (expected === text) expect(read()).toBe(text)
      }),
      { numRuns: 2_000 }
    )
  })
})

describe('a text and the point it means', () => {
  test.each([
    // Multiaddrs as they are.
    ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.1/tcp/4001', undefined],
    [`/ip4/192.0.2.1/tcp/4001/p2p/${alice}`, '/ip4/192.0.2.1/tcp/4001', alice],
    ['/ip6/2001:db8::7/udp/4001/quic-v1', '/ip6/2001:db8::7/udp/4001/quic-v1', undefined],
    [`/dnsaddr/example.org/p2p/${rsa}`, '/dnsaddr/example.org', rsa],
    ['/dns4/example.org/tcp/443/tls/ws', '/dns4/example.org/tcp/443/tls/ws', undefined],
    ['/memory/7', '/memory/7', undefined],
    // One spelling for each place.
    [`/ip4/192.0.2.1/tcp/4001/ipfs/${alice}`, '/ip4/192.0.2.1/tcp/4001', alice],
    ['/ip4/192.0.2.1/tcp/4001/', '/ip4/192.0.2.1/tcp/4001', undefined],
    ['/ip6/2001:DB8:0:0:0:0:0:7/tcp/1', '/ip6/2001:db8::7/tcp/1', undefined],
    ['/ip6/::ffff:192.0.2.1/tcp/1', '/ip4/192.0.2.1/tcp/1', undefined],
    ['/ip6/::ffff:c000:201/tcp/1', '/ip4/192.0.2.1/tcp/1', undefined],
    ['/dns/Example.ORG./tcp/1', '/dns/example.org/tcp/1', undefined],
    ['/dns4/example.org/tcp/443/wss', '/dns4/example.org/tcp/443/tls/ws', undefined],
    ['/dns4/example.org/tcp/443/tls/sni/EXAMPLE.org./ws', '/dns4/example.org/tcp/443/tls/ws', undefined],
    // Relayed: the target stays in the point.
    [
      `/ip4/192.0.2.1/tcp/1/ws/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}`,
      `/ip4/192.0.2.1/tcp/1/ws/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}`,
      bob
    ],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/p2p/${bob}`, `/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/p2p/${bob}`, bob],
    // Over a peer that both are connected with.
    [`/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}`, `/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}`, bob],
    // The original's form.
    ['192.0.2.1:9732', '/ip4/192.0.2.1/tcp/9732', undefined],
    [`198.51.100.4:1#${alice}`, '/ip4/198.51.100.4/tcp/1', alice],
    ['[2001:db8::7]:9732', '/ip6/2001:db8::7/tcp/9732', undefined],
    ['[::ffff:192.0.2.1]:9732', '/ip4/192.0.2.1/tcp/9732', undefined],
    ['Example.org:8444', '/dns/example.org/tcp/8444', undefined],
    [`a-1.example.org#${alice}`, '/dns/a-1.example.org/tcp/9732', alice],
    ['example.org', '/dns/example.org/tcp/9732', undefined],
    ['localhost:1', '/dns/localhost/tcp/1', undefined]
  ])('%s', (text, point, expectedPeerId) => {
    const parsed = parsePoint(text, { defaultPort: 9732 })
    expect(parsed).toEqual({ point, expectedPeerId })
    expect(parsePoint(parsed.point).point).toBe(point)
  })

  test.each([
    ['', 'empty'],
    [' ', 'visible ASCII'],
    ['/ip4/192.0.2.1/tcp/1 ', 'visible ASCII'],
    ['/dns4/exämple.org/tcp/1', 'visible ASCII'],
    [`/ip4/192.0.2.1/tcp/1/ws/p2p/${'a'.repeat(1_024)}`, 'characters'],
    ['/', 'begins with /'],
    ['//', 'begins with /'],
    ['/ip4', 'value'],
    ['/ip4/192.0.2.1', 'port is missing'],
    ['/ip4/192.0.2.1/ws', 'port is missing'],
    ['/ip4/192.0.2.1/tcp', 'value'],
    ['/ip4/192.0.2.1/tcp/0', 'port from 1'],
    ['/ip4/192.0.2.1/tcp/65536', '65535'],
    ['/ip4/192.0.2.1/tcp/04001', 'integer'],
    ['example.org:04001', 'port from 1'],
    ['/ip4/192.0.2.1/tcp/-1', 'port'],
    ['/ip4/192.0.2.1/tcp/8c', 'port'],
    ['/ip4/192.0.2.1/udp/0', 'port from 1'],
    ['/ip4/192.0.2.256/tcp/1', 'IPv4'],
    ['/ip4/0300.0.2.1/tcp/1', 'IPv4'],
    ['/ip4/0xc0.0.2.1/tcp/1', 'IPv4'],
    ['/ip4/3221225985/tcp/1', 'IPv4'],
    ['/ip6/fe80::1%25eth0/tcp/1', 'IPv6'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', '/ip6zone'],
    ['/ip4/192.0.2.0/ipcidr/24/tcp/1', '/ipcidr'],
    ['/dns4/0x7f.1/tcp/1', 'number'],
    ['/dns4/127.1/tcp/1', 'number'],
    ['/dns4/a.0x7f/tcp/1', 'number'],
    ['/dns4/127.0.0.1/tcp/1', 'number'],
    ['/dns4/1.2.3.4.5/tcp/1', 'number'],
    ['/dns4/a b/tcp/1', 'visible ASCII'],
    ['/dns4/a%20b/tcp/1', 'not a DNS name'],
    ['/dns4/a..b/tcp/1', 'not a DNS name'],
    [`/dns4/${'a'.repeat(64)}.org/tcp/1`, 'not a DNS name'],
    [`/dns4/${'a.'.repeat(140)}org/tcp/1`, 'at most 253'],
    ['/unix/tmp%2Fsocket', '/unix'],
    ['/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234', '/onion3'],
    ['/warp/9', 'warp'],
    ['/tcp/1', 'begins with /tcp'],
    [`/webrtc/p2p/${alice}`, 'begins with /webrtc'],
    [`/p2p/${alice}`, 'begins with /p2p'],
    [`/p2p/${alice}/p2p-circuit/p2p/${bob}`, 'begins with /p2p'],
    [`/p2p/${alice}/p2p-circuit/webrtc`, 'begins with /p2p'],
    [`/p2p/${alice}/p2p-circuit/webrtc/p2p/${alice}`, 'begins with /p2p'],
    [`/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}/p2p-circuit/webrtc/p2p/${alice}`, 'begins with /p2p'],
    [`/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}/ip4/192.0.2.1/tcp/1`, 'begins with /p2p'],
    ['/ip4/192.0.2.1/tcp/1/ip4/192.0.2.2/tcp/1', 'two hosts'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p/${bob}`, 'two peer ids'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/ws`, 'not at its end'],
    ['/ip4/192.0.2.1/tcp/1/p2p/alice', 'lice'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit`, 'target'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/webrtc`, 'target'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/p2p/${bob}/p2p-circuit/p2p/${bob}`, 'two relays'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p/${bob}/p2p-circuit/p2p/${bob}`, 'two peer ids'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/ws/p2p-circuit/p2p/${bob}`, 'right before'],
    [`/ip4/192.0.2.1/tcp/1${'/ws'.repeat(20)}`, 'at most 20'],
    // A dial would lead to another host than the one that the text begins with, or to none.
    ['/ip4/203.0.113.200/tcp/6379/tls/sni/localhost/ws', '/sni is not the host'],
    ['/ip4/203.0.113.200/tcp/443/tls/sni/example.org/ws', '/sni is not the host'],
    ['/dns4/example.org/tcp/443/tls/sni/example.com/ws', '/sni is not the host'],
    ['/dns4/example.org/tcp/443/tls/sni/example.org/sni/localhost/ws', 'no transport dials'],
    ['/dns4/example.org/tcp/443/sni/example.org/tls/ws', '/sni is not the host'],
    ['/dns4/example.org/tcp/443/sni/example.org/ws', '/sni is not the host'],
    [`/dns4/example.org/tcp/443/tls/sni/localhost/ws/p2p/${alice}/p2p-circuit/webrtc/p2p/${bob}`, '/sni is not the host'],
    [`/ip4/192.0.2.1/tcp/1/ws/p2p/${alice}/p2p-circuit/tls/sni/localhost/ws/p2p/${bob}`, 'no transport dials'],
    ['/ip4/192.0.2.1/tcp/80/ws/http-path/a', '/http-path'],
    ['/ip4/192.0.2.1/tcp/80/http/http-path/a', '/http'],
    ['/dns4/example.org/tcp/443/wss/tls', 'no transport dials /dns4/tcp/tls/ws/tls'],
    ['/dns4/example.org/tcp/443/tls/wss', 'no transport dials'],
    ['/dns4/example.org/tcp/443/tls', 'no transport dials'],
    ['/dns4/example.org/tcp/443/ws/ws', 'no transport dials'],
    ['/ip4/192.0.2.1/tcp/1/tcp/2', 'no transport dials'],
    ['/ip4/192.0.2.1/tcp/1/udp/2/quic-v1', 'no transport dials'],
    ['/ip4/192.0.2.1/tcp/1/noise', '/noise'],
    ['/ip4/192.0.2.1/udp/1', 'no transport dials'],
    ['/ip4/192.0.2.1/tcp/1/webrtc', 'no transport dials'],
    ['/dnsaddr/example.org/tcp/1', 'no transport dials'],
    [`/dnsaddr/example.org/p2p/${alice}/p2p-circuit/p2p/${bob}`, 'relay cannot be a /dnsaddr'],
    [`/ip4/192.0.2.1/tcp/1/p2p-circuit/p2p/${bob}`, 'not right before'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/p2p-circuit/p2p/${bob}`, 'two relays'],
    [`/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/ip4/127.0.0.1/tcp/2/p2p/${bob}`, 'two hosts'],
    [':8444', 'address is missing'],
    ['_:8444', 'address is missing'],
    [`#${alice}`, 'address is missing'],
    ['http://example.org', 'port'],
    ['user@example.org:1', 'DNS name'],
    ['example.org:', 'port'],
    ['example.org:0', 'port'],
    ['example.org:65536', 'port'],
    ['example.org:1:2', 'port'],
    [`example.org:#${alice}`, 'port'],
    [`example.org:1#${alice}#${bob}`, 'peer id'],
    ['example.org:1#', 'peer id'],
    ['2001:db8::7', 'port'],
    ['[fe80::1%eth0]:1', 'IPv6'],
    ['[192.0.2.1]:1', 'IPv6'],
    ['[]:1', 'IPv6'],
    ['192.0.2.300:1', 'number'],
    ['0x7f.0.0.1:1', 'number']
  ])('%j is refused', (text, reason) => {
    const parsing = (): unknown => parsePoint(text, { defaultPort: 9732 })
    expect(parsing).toThrow(PoolError)
    expect(parsing).toThrow(reason)
    expect(parsing).toThrow('expected a multiaddr or host:port#peerId, got')
    expect(parsing).toThrow(expect.objectContaining({ code: 'invalid-point' }))
  })

  test.each([undefined, null, 7, {}, []])('%j, which is no text, is refused', (value) => {
    expect(() => parsePoint(value as unknown as string)).toThrow(expect.objectContaining({ code: 'invalid-point' }))
  })

  test('a certificate hash has one spelling, whatever its base', () => {
    const hash = 'uEiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw'
    const hex = `f1220${Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0')).join('')}`
    const point = `/ip4/192.0.2.1/udp/1/webrtc-direct/certhash/${hash}`
    expect(parsePoint(point).point).toBe(point)
    expect(parsePoint(`/ip4/192.0.2.1/udp/1/webrtc-direct/certhash/${hex}`).point).toBe(point)
  })

  test('without a default the port may not be left out', () => {
    expect(() => parsePoint('example.org')).toThrow('port is missing')
  })

  test('a long text is cut in the message', () => {
    expect(() => parsePoint('x'.repeat(100_000))).toThrow(/^.{0,250}$/)
  })

  test('any text gives a canonical point or an invalid-point error', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'ip4',
        'ip6',
        'dns',
        'tcp',
        'udp',
        'p2p',
        'ipfs',
        'p2p-circuit',
        'ws',
        'wss',
        'webrtc',
        'memory',
        'http-path',
        'unix'
      ),
      fc.constantFrom('127.0.0.1', '::1', 'example.org', '0', '1', '65535', alice, bob, '%2f', '..'),
      fc.string({ maxLength: 8 })
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('/')}`),
      fc.string({ maxLength: 40 })
    )
    fc.assert(
      fc.property(text, (from) => {
        let point: Point
        try {
          point = parsePoint(from).point
        } catch (error) {
          if (error instanceof PoolError && error.code === 'invalid-point') return
          throw error
        }
        expect(parsePoint(point).point).toBe(point)
        expect(multiaddr(point).toString()).toBe(point)
        hostOf(point)
        transportOf(point)
      }),
      { numRuns: 3_000 }
    )
  })
})

describe('a multiaddr of libp2p', () => {
  test('means the same as its text', () => {
    expect(parsePoint(multiaddr(`/ip4/192.0.2.1/tcp/1/p2p/${alice}`))).toEqual({ point: '/ip4/192.0.2.1/tcp/1', expectedPeerId: alice })
  })

  test('means nothing where it cannot be dialed', () => {
    expect(pointOf(multiaddr(`/webrtc/p2p/${alice}`))).toBeUndefined()
  })

  test('is made of a point with the peer expected there, unless the point names it', () => {
    expect(toMultiaddr('/ip4/192.0.2.1/tcp/1' as Point, alice).toString()).toBe(`/ip4/192.0.2.1/tcp/1/p2p/${alice}`)
    expect(toMultiaddr('/ip4/192.0.2.1/tcp/1' as Point, undefined).toString()).toBe('/ip4/192.0.2.1/tcp/1')
    const relayed = `/ip4/192.0.2.1/tcp/1/p2p/${alice}/p2p-circuit/p2p/${bob}` as Point
    expect(toMultiaddr(relayed, bob).toString()).toBe(relayed)
  })
})

describe('a peer id', () => {
  test('has one text, whatever it came as', () => {
    const cid = 'k51qzi5uqu5dh9ihj4p2v5sl3hxvv27ryx2w0xrsv6jmmqi91t9xp8p9kaipc2'
    expect(parsePeerId(alice)).toBe(alice)
    expect(parsePeerId(rsa)).toBe(rsa)
    const fromCid = parsePeerId(cid)
    expect(fromCid).toMatch(/^12D3KooW/)
    expect(parsePoint(`/ip4/192.0.2.1/tcp/1/p2p/${cid}`).expectedPeerId).toBe(fromCid)
  })

  test.each(['', 'alice', '12D3KooW', `${alice}x`, aliceAsCid, 'x'.repeat(10_000), 7 as unknown as string])('%j is none', (text) => {
    expect(() => parsePeerId(text)).toThrow(expect.objectContaining({ code: 'invalid-peer-id' }))
  })
})

describe('a text from a peer', () => {
  const texts = ['', 'x', '/', '/ip4/1.2.3.4', '/ip4/300.1.1.1/tcp/1', '/ip6/zz/tcp/1', '/foo/bar', '/dns4/a.b/tcp/1/foo', '\0'.repeat(9)]
  const long = ['/ip4/192.0.2.1/tcp/1'.padEnd(1_023, '/ws'), `/ip4/192.0.2.1/tcp/1/p2p/${'Q'.repeat(120)}`, 'x'.repeat(100_000)]

  test.each([...texts, ...long])('%j is neither point nor peer id, and nothing is thrown', (text) => {
    expect(tryParsePoint(text)).toBeUndefined()
    expect(tryParsePeerId(text)).toBeUndefined()
  })

  test('that is a point or an id means what the user who wrote it would mean', () => {
    for (const text of [`/ip4/192.0.2.1/tcp/1/p2p/${alice}`, '/dns4/PEER.example./tcp/443/wss', `192.0.2.1:1#${bob}`])
      expect(tryParsePoint(text)).toEqual(parsePoint(text))
    expect(tryParsePoint('192.0.2.1', { defaultPort: 7 })).toEqual(parsePoint('192.0.2.1:7'))
    expect(tryParsePeerId(rsa)).toBe(rsa)
  })
})

describe('a trusted point, as users write it', () => {
  test('may be a text, a multiaddr, or have its peer id beside it', () => {
    const expected = { point: '/ip4/192.0.2.1/tcp/1', expectedPeerId: alice }
    expect(parsePointInit(`192.0.2.1:1#${alice}`)).toEqual(expected)
    expect(parsePointInit(multiaddr(`/ip4/192.0.2.1/tcp/1/p2p/${alice}`))).toEqual(expected)
    expect(parsePointInit({ point: '/ip4/192.0.2.1/tcp/1', expectedPeerId: alice })).toEqual(expected)
    expect(parsePointInit({ point: '192.0.2.1' }, 7)).toEqual({ point: '/ip4/192.0.2.1/tcp/7', expectedPeerId: undefined })
  })

  test('may not name two different ids', () => {
    expect(() => parsePointInit({ point: `192.0.2.1:1#${bob}`, expectedPeerId: alice })).toThrow(alice)
  })
})
