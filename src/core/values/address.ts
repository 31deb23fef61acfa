/**
 * What the text of a point says: where a dial goes, over which relay, by which transport, and in which address group; and what a host
 * is: public, local, in which group. Pure text work; it never resolves a name. The adapter makes points of texts (`Network.parsePoint`).
 */
import type { PeerKind } from './bounds.ts'
import type { Host, PeerId, Point, Transport } from './ids.ts'
import { formatIp, type IpGroups, lastIPv4, mapIPv4, mappedIPv4, parseIp, parseLegacyIPv4, prefixOf } from './ip.ts'

/** A point, read once: the record of a known point keeps these facts. */
export interface PointAddress {
  readonly point: Point
  /**
   * The key of address rules: the IP or name of a direct point. None for a relayed point, since a rule against a guest must not hit the
   * relay, and none where the text begins with neither IP nor name (`/memory`, `/webrtc`).
   */
  readonly host: Host | undefined
  /**
   * What probably has one owner: a network of IPv4 /16 or IPv6 /32, a relay, or a domain. Limits count groups, since addresses cost
   * nothing. A point that has none of these is a group of its own.
   */
  readonly group: string
  /** How a link to it would travel. `circuit`: relayed all the way; `other`: nothing that the pool has a name for. */
  readonly transport: Transport
  /** The way to it begins with a relay, or leads over one all the way. */
  readonly isRelayed: boolean
  /** The relay of a relayed point, if the point names its id. */
  readonly relay: PeerId | undefined
  /** The peer id that a relayed point ends with: who is at its other end. */
  readonly target: PeerId | undefined
  /** Where a dial opens its socket: the relay of a relayed point, else the point itself. */
  readonly hop: Hop
}

/** Where a dial opens its socket. */
export interface Hop {
  /** The address itself. */
  readonly point: Point
  /** The host in it; `undefined`: it names none. */
  readonly host: Host | undefined
  /** None where the point has none (`/dnsaddr`, `/memory`). */
  readonly port: number | undefined
  /** How a link to it travels. */
  readonly transport: Transport
}

/**
 * Where a host can be reached from. `unroutable`: from nowhere, or unknown; never dialed because an unknown peer says so. `name`: a
 * public DNS name; what it resolves to is checked when it is dialed.
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

/** The last of these in an address says how it is dialed. */
const transports = new Map<string, Transport>([
  ...(['tcp', 'ws', 'wss', 'webrtc', 'webrtc-direct', 'webtransport', 'quic', 'memory'] as const).map((name) => [name, name] as const),
  ['quic-v1', 'quic'],
  ['p2p-circuit', 'circuit'],
  ...['tls', 'http', 'https'].map((name) => [name, 'other'] as const)
])

interface Component {
  readonly name: string
  readonly value: string
  /** Where it begins in the text. */
  readonly at: number
}

/** Reads the text of a point: one pass, of about a microsecond. */
export function readPoint(point: Point): PointAddress {
  const components = componentsOf(point)
  const circuit = components.findIndex(({ name }) => name === 'p2p-circuit')
  const isRelayed = circuit >= 0
  const way = isRelayed ? components.slice(0, circuit) : components
  const relay = isRelayed ? lastId(way) : undefined
  const end = relay === undefined ? components[circuit]?.at : way.at(-1)?.at
  const hop = hopOf(point.slice(0, end) as Point, way)
  const host = isRelayed ? undefined : hop.host
  return {
    point,
    host,
    group: isRelayed ? `relay:${relay ?? hop.point}` : host === undefined ? point : groupOfHost(host),
    transport: isRelayed ? transportIn(components) : hop.transport,
    isRelayed,
    relay,
    target: isRelayed ? lastId(components) : undefined,
    hop
  }
}

/** Does it lead over a peer without an address of its own, with which both ends must be connected? See `Introductions`. */
export function isIntroduction(point: Point): boolean {
  return point.startsWith('/p2p/')
}

function componentsOf(point: Point): Component[] {
  const components: Component[] = []
  const parts = point.split('/')
  for (let i = 1, at = 0; i < parts.length; ) {
    const name = parts[i] ?? ''
    const value = valued.has(name) ? (parts[i + 1] ?? '') : ''
    components.push({ name, value, at })
    i += valued.has(name) ? 2 : 1
    at += name.length + 1 + (valued.has(name) ? value.length + 1 : 0)
  }
  return components
}

function hopOf(point: Point, way: readonly Component[]): Hop {
  const [first, second] = way[0]?.name === 'ip6zone' ? way.slice(1) : way
  const port = second?.name === 'tcp' || second?.name === 'udp' ? Number(second.value) : undefined
  return { point, host: first === undefined ? undefined : hostIn(first), port, transport: transportIn(way) }
}

function hostIn({ name, value }: Component): Host | undefined {
  if (name === 'ip4') return `::ffff:${value}` as Host
  // A canonical point differs from a canonical host in the mapped addresses only, which it does not write dotted.
  if (name === 'ip6') return value.startsWith('::ffff:') ? hostOfIp(value) : (value as Host)
  return name.startsWith('dns') ? hostOfName(value) : undefined
}

function transportIn(components: readonly Component[]): Transport {
  const found = components.reduce<Transport>((last, { name }) => transports.get(name) ?? last, 'other')
  return found === 'ws' && components.some(({ name }) => name === 'tls') ? 'wss' : found
}

/** The peer id at the very end. */
function lastId(components: readonly Component[]): PeerId | undefined {
  const last = components.at(-1)
  return last?.name === 'p2p' ? (last.value as PeerId) : undefined
}

/** The host of a direct point; none for a relayed one, and where the text begins with neither an IP address nor a name. */
export function hostOf(point: Point): Host | undefined {
  return readPoint(point).host
}

/** How a link to the point would travel. */
export function transportOf(point: Point): Transport {
  return readPoint(point).transport
}

/** What limits on addresses count the point with: see `PointAddress.group`. */
export function groupOf(point: Point): string {
  return readPoint(point).group
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

/**
 * The host that a person names, an IP address or a DNS name. An address must be written in full: what old resolvers make of `1.2.3` is not
 * what its writer meant. `undefined` for any other text.
 */
export function hostOfText(text: string): Host | undefined {
  const host = hostOfName(text)
  if (host === undefined) return undefined
  const isHost = host.includes(':') ? hostOfIp(text.includes(':') ? host : text) !== undefined : scopeOf(host) !== 'unroutable'
  return isHost ? host : undefined
}

/** Who is at the other end of such a transport. */
export function kindOf(transport: Transport): PeerKind {
  return transport === 'webrtc' ? 'page' : 'server'
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
  return host.includes('.') ? host : prefixGroupOf(host, 32, 64)
}

/** The looser key of a share: an IPv4 /16 or an IPv6 /48, which cost an attacker more than single addresses. */
export function widerGroupOf(host: Host): string {
  return prefixGroupOf(host, 16, 48)
}

function prefixGroupOf(host: Host, ipv4Bits: number, ipv6Bits: number): string {
  const groups = host.includes(':') ? parseIp(host) : undefined
  if (groups === undefined) return host
  // The address behind a translation counts, or all of IPv4 would be one group.
  const address = isTranslated(groups) ? mapIPv4(lastIPv4(groups)) : groups
  const bits = mappedIPv4(address) === undefined ? ipv6Bits : 96 + ipv4Bits
  const prefix = formatIp(prefixOf(address, bits))
  return bits === 128 ? prefix : `${prefix}/${bits}`
}

/** In 64:ff9b::/96, which is all of IPv4 as IPv6-only networks see it. */
function isTranslated([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: IpGroups): boolean {
  return a === 0x64 && b === 0xff9b && (c | d | e | f) === 0
}

/**
 * The group that a source of points is counted with, since an address costs more than a peer id. None on local networks, which are one
 * group, and where no host is seen (WebRTC, relays): such a peer is counted by its id.
 */
export function sourceGroupOf(host: Host | undefined): string | undefined {
  return host === undefined || isLocal(host) ? undefined : groupOfHost(host)
}

/** May it be reached from everywhere, as far as its text says? A DNS name counts as public. */
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
  if (!host.includes(':')) return scopeOfName(host)
  const groups = parseIp(host)
  return groups === undefined ? 'unroutable' : scopeOfIPv6(groups)
}

/**
 * Documentation ranges (192.0.2/24 and the like) count as public: nothing answers there, so a dial does no harm, and the
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
  if (isTranslated(groups)) return scopeOfIPv4(lastIPv4(groups))
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
