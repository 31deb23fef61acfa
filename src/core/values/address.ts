/**
 * What the text of a point tells: its host, relay, transport, network group, and where in the world such a host is.
 * Pure text work on canonical multiaddrs, called for every point that a stranger names (tables, admission, exchange,
 * gater); it never resolves a name. Making points of texts is the adapter's matter (`Network.parsePoint`).
 */
import type { PeerKind } from './bounds.ts'
import type { Host, PeerId, Point } from './ids.ts'
import { formatIp, type IpGroups, lastIPv4, mapIPv4, mappedIPv4, parseIPv4, parseIp, parseLegacyIPv4, prefixOf } from './ip.ts'
import type { Transport } from './ports.ts'

/**
 * Where a host can be reached from. `unroutable`: from nowhere, or nobody can say; never to be dialed on a stranger's
 * word. `name`: a public DNS name; what it resolves to is to be checked again when it is dialed.
 */
export type Scope = 'loopback' | 'private' | 'link-local' | 'unroutable' | 'public' | 'name'

/**
 * The protocols of the multiaddr table that carry a value. Needed to tell the protocol `p2p-circuit` from a value that
 * merely says so (`/http-path/p2p-circuit`), which would otherwise slip past every address rule.
 */
const valued = new Set(
  'ip4 ip6 ip6zone ipcidr dns dns4 dns6 dnsaddr tcp udp dccp sctp p2p ipfs unix onion onion3 garlic32 garlic64 sni certhash http-path memory'.split(
    ' '
  )
)

/**
 * The key of address rules: the IP or name of a direct point. None for a relayed point, since a rule against a guest
 * must not hit the relay, and none where the text begins with neither IP nor name (`/memory`, `/webrtc`).
 */
export function hostOf(point: Point): Host | undefined {
  return isRelayed(point) ? undefined : firstHopOf(point)
}

/** The host that a dial really opens a socket to: that of the relay for a relayed point. For rules on where we dial. */
export function firstHopOf(point: Point): Host | undefined {
  const text = point.startsWith('/ip6zone/') ? point.slice(point.indexOf('/', 9)) : point
  // Most points; asked for each point of each message and listing.
  if (text.startsWith('/ip4/')) {
    const end = text.indexOf('/', 5)
    return `::ffff:${end < 0 ? text.slice(5) : text.slice(5, end)}` as Host
  }
  const nameEnd = text.indexOf('/', 1)
  if (nameEnd < 0) return undefined
  const valueEnd = text.indexOf('/', nameEnd + 1)
  const value = text.slice(nameEnd + 1, valueEnd < 0 ? text.length : valueEnd)
  switch (text.slice(1, nameEnd)) {
    case 'ip6':
      // A canonical point differs from a canonical host in the mapped ones only, which it does not write dotted.
      return value.startsWith('::ffff:') ? hostOfIp(value) : (value as Host)
    case 'dns':
    case 'dns4':
    case 'dns6':
    case 'dnsaddr':
      return hostOfName(value)
    default:
      return undefined
  }
}

/** The direct point that a dial begins with: the relay's for a relayed point, else the point itself. */
export function firstHopPointOf(point: Point): Point {
  const relay = relayPartOf(point)
  const id = relay === undefined ? undefined : lastIdIn(relay)
  return (id === undefined ? (relay ?? point) : relay?.slice(0, -'/p2p/'.length - id.length)) as Point
}

/** The port that a dial goes to first; `undefined` where the point has none (`/dnsaddr`, `/memory`). */
export function firstHopPortOf(point: Point): number | undefined {
  const port = /^\/[^/]+\/[^/]+\/(?:tcp|udp)\/([0-9]+)/.exec(point)?.[1]
  return port === undefined ? undefined : Number(port)
}

/** The host that an IP text means, in any IPv6 spelling; `undefined` for names, brackets, zones and octal numbers. */
export function hostOfIp(text: string): Host | undefined {
  const groups = parseIp(text)
  return groups === undefined ? undefined : (formatIp(groups) as Host)
}

/**
 * The host that a DNS name means. A name that spells an address, also the way old resolvers read it (`0x7f.1`), is that
 * address: else a name would be the way around every ban. One final dot is dropped; `undefined` for the empty name.
 */
export function hostOfName(name: string): Host | undefined {
  const lower = name.toLowerCase()
  const text = lower.endsWith('.') ? lower.slice(0, -1) : lower
  if (text.includes(':')) return hostOfIp(text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text) ?? (text as Host)
  const ipv4 = endsInNumber(text) ? parseLegacyIPv4(text) : undefined
  if (ipv4 !== undefined) return formatIp(mapIPv4(ipv4)) as Host
  return text === '' ? undefined : (text as Host)
}

/** The peer id of the relay that a relayed point names; `undefined` for direct points and for relays without an id. */
export function relayOf(point: Point): PeerId | undefined {
  const relay = relayPartOf(point)
  return relay === undefined ? undefined : lastIdIn(relay)
}

/** The peer id that a relayed point ends with: who is at its other end. `undefined` for direct points. */
export function targetOf(point: Point): PeerId | undefined {
  return isRelayed(point) ? lastIdIn(point) : undefined
}

/** Does the way to it lead over a relay, at least to begin with? */
export function isRelayed(point: Point): boolean {
  return relayPartOf(point) !== undefined
}

/** How a link to it would travel. `circuit`: relayed all the way; `other`: nothing that the pool has a name for. */
export function transportOf(point: Point): Transport {
  const parts = point.split('/')
  let transport: Transport = 'other'
  let encrypted = false
  let relayed = false
  for (let i = 1; i < parts.length; i += valued.has(parts[i] ?? '') ? 2 : 1) {
    switch (parts[i]) {
      case 'tcp':
      case 'memory':
      case 'webrtc':
      case 'webrtc-direct':
      case 'webtransport':
      case 'wss':
        transport = parts[i] as Transport
        break
      case 'quic':
      case 'quic-v1':
        transport = 'quic'
        break
      case 'ws':
        transport = encrypted ? 'wss' : 'ws'
        break
      case 'tls':
        encrypted = true
        transport = 'other'
        break
      case 'http':
      case 'https':
        transport = 'other'
        break
      case 'p2p-circuit':
        relayed = true
        transport = 'other'
        break
    }
  }
  return relayed && transport !== 'webrtc' ? 'circuit' : transport
}

/** Who is at the other end of such a transport. */
export function kindOf(transport: Transport): PeerKind {
  return transport === 'webrtc' ? 'page' : 'server'
}

/**
 * What shares an owner, most likely: one network of IPv4 /16 or IPv6 /32, one relay, one domain. Limits count groups,
 * since addresses cost nothing. A point that has none of these is a group of its own.
 */
export function groupOf(point: Point): string {
  const relay = relayPartOf(point)
  if (relay !== undefined) return `relay:${lastIdIn(relay) ?? relay}`
  const host = firstHopOf(point)
  return host === undefined ? point : groupOfHost(host)
}

/**
 * The group of a host; for inbound links too. Of a name the last two labels count: without the list of public suffixes
 * `a.co.uk` and `b.co.uk` are one group, which errs towards fewer connections to one place.
 */
export function groupOfHost(host: Host): string {
  if (isMapped(host)) return `ip4:${host.slice(7, host.indexOf('.', host.indexOf('.') + 1))}`
  if (host.includes(':')) {
    const [first, second] = host.split(':', 2)
    return `ip6:${first || 0}:${second || 0}`
  }
  const secondDot = host.lastIndexOf('.', host.lastIndexOf('.') - 1)
  return `dns:${host.includes('.') ? host.slice(secondDot + 1) : host}`
}

/**
 * The key of a share in a scarce place: one IPv4 address, or one IPv6 /64, which is what a single customer gets.
 * A name is its own group.
 */
export function shareGroupOf(host: Host): string {
  return prefixGroupOf(host, 32, 64)
}

/** The looser key of a share: an IPv4 /16 or an IPv6 /48, which cost an attacker more than single addresses. */
export function widerGroupOf(host: Host): string {
  return prefixGroupOf(host, 16, 48)
}

function prefixGroupOf(host: Host, ipv4Bits: number, ipv6Bits: number): string {
  const groups = host.includes(':') ? parseIp(host) : undefined
  if (groups === undefined) return host
  const bits = mappedIPv4(groups) === undefined ? ipv6Bits : 96 + ipv4Bits
  return `${formatIp(prefixOf(groups, bits))}/${bits}`
}

/**
 * The group that a peer is counted with by limits on what peers tell: an address costs more than a peer id. None on local networks,
 * which are one group, and where no host is seen (WebRTC, relays): such a peer is counted by its id.
 */
export function groupOfTeller(host: Host | undefined): string | undefined {
  return host === undefined || isLocal(host) ? undefined : groupOfHost(host)
}

/** May it be reached from everywhere, as far as its text tells? A DNS name counts as public. */
export function isPublic(host: Host): boolean {
  const scope = scopeOf(host)
  return scope === 'public' || scope === 'name'
}

/** Is it on this machine or a local network, whose addresses mean something else elsewhere? */
export function isLocal(host: Host): boolean {
  const scope = scopeOf(host)
  return scope === 'loopback' || scope === 'private' || scope === 'link-local'
}

/** Where the host is. Names are judged by what they are reserved for, addresses by the IANA special-purpose registries. */
export function scopeOf(host: Host): Scope {
  if (isMapped(host)) {
    const ipv4 = parseIPv4(host.slice(7))
    return ipv4 === undefined ? 'unroutable' : scopeOfIPv4(ipv4)
  }
  if (!host.includes(':')) return scopeOfName(host)
  const groups = parseIp(host)
  return groups === undefined ? 'unroutable' : scopeOfIPv6(groups)
}

/**
 * Documentation ranges (192.0.2/24 and the like) count as public: nothing answers there, so a dial harms nobody, and the
 * examples of our own documents work.
 */
function scopeOfIPv4(address: number): Scope {
  const a = address >>> 24
  const b = (address >>> 16) & 255
  if (a === 127) return 'loopback'
  if (a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168)) return 'private'
  if (a === 100 && b >= 64 && b <= 127) return 'private' // shared by the customers of one provider
  if (a === 198 && (b === 18 || b === 19)) return 'private' // benchmark networks
  if (a === 169 && b === 254) return 'link-local'
  // 0/8: a dial to 0.0.0.0 reaches the dialer itself. 192.0.0/24: protocol assignments. 224 and up: multicast, reserved.
  return a === 0 || a >= 224 || address >>> 8 === 0xc0_00_00 ? 'unroutable' : 'public'
}

function scopeOfIPv6(groups: IpGroups): Scope {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  const mapped = mappedIPv4(groups)
  if (mapped !== undefined) return scopeOfIPv4(mapped)
  if ((a | b | c | d | e | f | g) === 0 && h === 1) return 'loopback'
  // Addresses that carry an IPv4 address end where that one ends.
  if (a === 0x64 && b === 0xff9b && (c | d | e | f) === 0) return scopeOfIPv4(lastIPv4(groups))
  if (a === 0x64 && b === 0xff9b && c === 1) return 'private'
  if (a === 0x2002) return scopeOfIPv4(b * 65_536 + c)
  if (a === 0x2001 && b === 0) return 'unroutable' // Teredo, no longer in service, hides an IPv4 address
  if ((a & 0xfe00) === 0xfc00 || (a & 0xffc0) === 0xfec0) return 'private'
  if ((a & 0xffc0) === 0xfe80) return 'link-local'
  return (a & 0xe000) === 0x2000 ? 'public' : 'unroutable'
}

/**
 * A name without a dot is looked up in the local network's own domain, hence private. Anything beyond letters, digits,
 * `-`, `_` and `.` is unroutable: URL parsers turn some of it (`１２７.0.0.1`, `%31…`) into addresses after we looked.
 */
function scopeOfName(name: string): Scope {
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name) || endsInNumber(name)) return 'unroutable'
  if (name === 'localhost' || name.endsWith('.localhost') || name === 'localhost.localdomain') return 'loopback'
  return !name.includes('.') || /\.(local|localdomain|internal|lan|home\.arpa)$/.test(name) ? 'private' : 'name'
}

/** By the same rule URL parsers take a name for an IPv4 address: its last label is a number, also a hexadecimal one. */
function endsInNumber(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.') + 1)
  return /^([0-9]+|0x[0-9a-f]*)$/.test(last)
}

function isMapped(host: Host): boolean {
  return host.startsWith('::ffff:') && host.includes('.')
}

/** The text before the first `/p2p-circuit` protocol; `undefined` if there is none. */
function relayPartOf(point: Point): string | undefined {
  if (!point.includes('/p2p-circuit')) return undefined
  let start = 1
  while (start > 0) {
    const end = point.indexOf('/', start)
    const name = end < 0 ? point.slice(start) : point.slice(start, end)
    if (name === 'p2p-circuit') return point.slice(0, start - 1)
    if (end < 0) return undefined
    start = (valued.has(name) ? point.indexOf('/', end + 1) : end) + 1
  }
  return undefined
}

/** The peer id at the very end of an address. */
function lastIdIn(address: string): PeerId | undefined {
  const start = address.lastIndexOf('/p2p/') + 5
  return start < 5 || address.includes('/', start) ? undefined : (address.slice(start) as PeerId)
}
