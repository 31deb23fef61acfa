import { parseIP } from '@chainsafe/is-ip/parse'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import {
  groupOf,
  hostOf,
  hostOfIp,
  hostOfName,
  readPoint,
  scopeOf,
  shareGroupOf,
  transportOf,
  widerGroupOf
} from '../../../src/core/values/address.ts'
import type { Host, Point } from '../../../src/core/values/ids.ts'
import { formatIp, parseIp } from '../../../src/core/values/ip.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

const relay = '12D3KooWSvXUEDdCYBfTCPQYxVWF2d2Dyx1sXEcJbzs7MEdUvjUn'
const guest = '12D3KooWBgrtyLERnwd6pjeNjHxyStpZz6jWAb1dFJL3Z4QgnKyv'
const relayed = `/ip4/192.0.2.9/tcp/80/ws/p2p/${relay}/p2p-circuit`

/** What the adapter makes of a text: tests speak of canonical points only. */
function point(text: string): Point {
  return multiaddr(text).toString() as Point
}

function scopeOfPoint(text: string): string {
  const { host } = readPoint(point(text)).hop
  return host === undefined ? 'no host' : scopeOf(host)
}

describe('the host of a point', () => {
  it.each([
    ['/ip4/192.0.2.1/tcp/4001', '::ffff:192.0.2.1'],
    ['/ip6/2001:DB8:0:0::1/tcp/4001', '2001:db8::1'],
    ['/ip6/::ffff:192.0.2.1/tcp/4001', '::ffff:192.0.2.1'],
    ['/ip6/::ffff:c000:201/udp/1/quic-v1', '::ffff:192.0.2.1'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'fe80::1'],
    ['/dns4/Node.Example.org/tcp/443/tls/ws', 'node.example.org'],
    ['/dns6/example.org./tcp/443/wss', 'example.org'],
    ['/dnsaddr/example.org', 'example.org'],
    ['/dns4/127.0.0.1/tcp/80', '::ffff:127.0.0.1'],
    ['/dns/0x7f.1/tcp/80/ws', '::ffff:127.0.0.1'],
    ['/dns/2130706433/tcp/80/ws', '::ffff:127.0.0.1'],
    ['/dns/0300.0.02.01/tcp/80/ws', '::ffff:192.0.2.1'],
    ['/dns/[::1]/tcp/80/ws', '::1'],
    ['/ip4/127.0.0.1/tcp/80/ws/http-path/p2p-circuit', '::ffff:127.0.0.1'],
    ['/dns4/p2p-circuit/tcp/80', 'p2p-circuit']
  ])('of %s is %s', (text, host) => {
    expect(hostOf(point(text))).toBe(host)
  })

  it.each([relayed, `${relayed}/p2p/${guest}`, `${relayed}/webrtc/p2p/${guest}`, `/p2p/${relay}/p2p-circuit/p2p/${guest}`])(
    'is none for the relayed %s, so that no rule against a guest hits the relay',
    (text) => {
      expect(readPoint(point(text)).isRelayed).toBe(true)
      expect(hostOf(point(text))).toBeUndefined()
    }
  )

  it.each(['/memory/a', '/memory/p2p-circuit', `/webrtc/p2p/${guest}`, '/unix/tmp%2Fp2p-circuit'])('is none for %s', (text) => {
    expect(readPoint(point(text)).isRelayed).toBe(false)
    expect(hostOf(point(text))).toBeUndefined()
  })

  it('that a dial to a relayed point really reaches is that of the relay', () => {
    expect(readPoint(point(`${relayed}/p2p/${guest}`)).hop.host).toBe('::ffff:192.0.2.9')
    expect(readPoint(point(`/ip4/127.0.0.1/tcp/22/p2p-circuit/p2p/${guest}`)).hop.host).toBe('::ffff:127.0.0.1')
  })

  it('is one and the same for every spelling of an address', () => {
    const random = seededRandom(1).next
    for (let i = 0; i < 3_000; i++) {
      const groups = Array.from({ length: 8 }, () => (random() < 0.5 ? 0 : Math.floor(random() * 65_536)))
      const long = groups.map((group) => group.toString(16).padStart(4, '0').toUpperCase()).join(':')
      const host = hostOfIp(long)
      expect(host, long).toBe(formatIp(groups))
      expect(hostOfIp(host ?? ''), long).toBe(host)
      expect(hostOf(point(`/ip6/${long}/tcp/1`)), long).toBe(host)
    }
  })

  it.each([
    '',
    '[::1]',
    'fe80::1%eth0',
    '010.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1::2::3',
    '12345::',
    'example.org',
    '1.2.3.4 '
  ])('is not to be had from %j', (text) => {
    expect(hostOfIp(text)).toBeUndefined()
  })

  it('reads the same texts as addresses as @chainsafe/is-ip does, and reads them alike', () => {
    const random = seededRandom(2).next
    const letters = '00112f::::..ag'
    for (let i = 0; i < 50_000; i++) {
      const text = Array.from({ length: 2 + Math.floor(random() * 14) }, () => letters[Math.floor(random() * letters.length)]).join('')
      const theirs = parseIP(text, true)
      const ours = parseIp(text)
      expect(
        ours?.flatMap((group) => [group >> 8, group & 255]),
        text
      ).toEqual(theirs === undefined ? undefined : [...theirs])
    }
  })
})

describe('the relay of a point', () => {
  it.each([
    [relayed, relay],
    [`${relayed}/webrtc/p2p/${guest}`, relay],
    [`/p2p/${relay}/p2p-circuit`, relay],
    [`/ip4/192.0.2.9/tcp/1/p2p-circuit/p2p/${guest}`, undefined],
    ['/ip4/192.0.2.9/tcp/1', undefined]
  ])('of %s is %s', (text, id) => {
    expect(readPoint(point(text)).relay).toBe(id)
  })
})

describe('the transport of a point', () => {
  it.each([
    ['/ip4/192.0.2.1/tcp/4001', 'tcp'],
    ['/ip4/192.0.2.1/tcp/80/ws', 'ws'],
    ['/ip4/192.0.2.1/tcp/80/ws/http-path/a', 'ws'],
    ['/dns4/example.org/tcp/443/wss', 'wss'],
    ['/dns4/example.org/tcp/443/tls/ws', 'wss'],
    ['/ip4/192.0.2.1/tcp/443/tls/sni/ws/ws', 'wss'],
    ['/ip4/192.0.2.1/tcp/443/tls', 'other'],
    ['/ip4/192.0.2.1/tcp/80/http', 'other'],
    ['/ip4/192.0.2.1/udp/1/quic-v1', 'quic'],
    ['/ip4/192.0.2.1/udp/1/quic-v1/webtransport', 'webtransport'],
    ['/ip4/192.0.2.1/udp/1/webrtc-direct', 'webrtc-direct'],
    ['/ip4/192.0.2.1/udp/1', 'other'],
    [relayed, 'circuit'],
    [`${relayed}/p2p/${guest}`, 'circuit'],
    [`${relayed}/webrtc/p2p/${guest}`, 'webrtc'],
    [`/webrtc/p2p/${guest}`, 'webrtc'],
    ['/memory/tcp', 'memory'],
    ['/dns4/tcp/udp/1', 'other'],
    ['/dnsaddr/example.org', 'other']
  ])('of %s is %s', (text, transport) => {
    expect(transportOf(point(text))).toBe(transport)
  })
})

describe('the group of a point', () => {
  it.each([
    ['/ip4/192.0.2.1/tcp/1', 'ip4:192.0'],
    ['/ip6/::ffff:192.0.77.1/tcp/1', 'ip4:192.0'],
    ['/dns4/192.0.2.200/tcp/1', 'ip4:192.0'],
    ['/ip6/2001:db8:7::1/tcp/1', 'ip6:2001:db8'],
    ['/ip6/2001::1/tcp/1', 'ip6:2001:0'],
    ['/ip6/::1/tcp/1', 'ip6:0:0'],
    ['/dns4/a.b.example.org/tcp/1', 'dns:example.org'],
    ['/dns4/example.org/tcp/1', 'dns:example.org'],
    ['/dns4/localhost/tcp/1', 'dns:localhost'],
    [`${relayed}/p2p/${guest}`, `relay:${relay}`],
    [`/ip4/192.0.2.9/tcp/1/p2p-circuit/p2p/${guest}`, 'relay:/ip4/192.0.2.9/tcp/1'],
    ['/memory/a', '/memory/a']
  ])('of %s is %s', (text, group) => {
    expect(groupOf(point(text))).toBe(group)
  })
})

describe('the scope of a host', () => {
  it.each([
    ['loopback', '127.0.0.1 127.255.255.254 ::1 ::ffff:127.1.2.3 64:ff9b::127.0.0.1 2002:7f00:1::1'],
    ['private', '10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 100.127.255.255 198.18.0.1 198.19.255.255'],
    ['private', 'fc00::1 fdff:ffff::1 fec0::1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::1 2002:c0a8:101::1'],
    ['link-local', '169.254.0.1 169.254.169.254 fe80::1 febf::1 ::ffff:169.254.169.254'],
    ['unroutable', '0.0.0.0 0.1.2.3 192.0.0.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255'],
    ['unroutable', ':: ff02::1 ::7f00:1 ::ffff:0:7f00:1 100::1 4000::1 2001:0:7f00:1::1 64:ff9b::0.0.0.0'],
    ['public', '1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0'],
    ['public', '198.17.255.255 198.20.0.0 169.253.255.255 223.255.255.255 126.255.255.255 128.0.0.0 192.0.1.0 192.0.2.1'],
    ['public', '2001:db8::1 2a00::1 64:ff9b::1.1.1.1 2002:101:101::1']
  ])('is %s for %s', (scope, addresses) => {
    for (const address of addresses.split(' ')) {
      const host = hostOfIp(address)
      expect(host, address).toBeDefined()
      expect(scopeOf(host as Host), address).toBe(scope)
    }
  })

  it.each([
    ['loopback', ['localhost', 'LOCALHOST.', 'a.localhost', 'localhost.localdomain']],
    ['private', ['printer.local', 'intranet', 'nas.lan', 'db.internal', 'router.home.arpa']],
    ['name', ['example.org', 'a_b.example.org', 'localhost.example.org', 'xn--mnchen-3ya.de', '1.2.3.4.example.org']],
    ['unroutable', ['１２７.0.0.1', '%31%32%37.0.0.1', 'a b.org', '..', 'x.256', '1.2.3.4.5', '09.1', 'a..b', '[zz::1]']]
  ])('is %s for the names %j', (scope, names) => {
    for (const name of names) expect(scopeOf(hostOfName(name) as Host), name).toBe(scope)
  })

  it.each([
    '/dns/0177.0.0.1/tcp/1',
    '/dns/0x7f000001/tcp/1',
    '/dns4/127.1/tcp/1',
    '/dns/[::ffff:7f00:1]/tcp/1',
    '/ip4/127.0.0.1/tcp/1/ws/http-path/p2p-circuit'
  ])('sees the loopback address behind %s', (text) => {
    expect(scopeOfPoint(text)).toBe('loopback')
  })
})

describe('the group of a share', () => {
  const groups = (of: (host: Host) => string, texts: string[]): Set<string> => new Set(texts.map((text) => of(hostOfIp(text) as Host)))

  it('is one IPv4 address or one IPv6 /64', () => {
    expect(groups(shareGroupOf, ['198.51.100.1', '198.51.100.2']).size).toBe(2)
    expect(groups(shareGroupOf, ['2a00:1:2:3::1', '2a00:1:2:3:ffff::9']).size).toBe(1)
    expect(groups(shareGroupOf, ['2a00:1:2:3::1', '2a00:1:2:4::1']).size).toBe(2)
    expect(groups(shareGroupOf, ['198.51.100.1', '64:ff9b::198.51.100.1']).size, 'behind the translation of IPv6-only networks').toBe(1)
    expect(groups(shareGroupOf, ['64:ff9b::198.51.100.1', '64:ff9b::198.51.100.2']).size).toBe(2)
    expect(shareGroupOf(hostOfName('a.example.org') as Host)).toBe('a.example.org')
  })

  it('is an IPv4 /16 or an IPv6 /48 where it is the looser one', () => {
    expect(groups(widerGroupOf, ['198.51.100.1', '198.51.7.2', '::ffff:198.51.9.9']).size).toBe(1)
    expect(groups(widerGroupOf, ['198.51.100.1', '198.52.100.1']).size).toBe(2)
    expect(groups(widerGroupOf, ['2a00:1:2:3::1', '2a00:1:2:4::1']).size).toBe(1)
    expect(groups(widerGroupOf, ['2a00:1:2::1', '2a00:1:3::1']).size).toBe(2)
  })
})
