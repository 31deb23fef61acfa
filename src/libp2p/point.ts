/**
 * Texts to points and peer ids, and back to what libp2p dials: the only maker of the core's branded strings from texts
 * that users and peers wrote. One address has one spelling here, so that a table cannot be filled with aliases of it.
 *
 * A point is dialed at the host that it begins with, and nowhere else: rules and bans look at that host. So a point is a host,
 * a port and one of the ways to dial there that `way.ts` lists. libp2p's transports take more: `/tls/sni/NAME/ws` opens a
 * socket at NAME. Whether a host may be dialed is the matter of `values/address.ts` and the gater.
 */
import { isPeerId, type PeerId as Libp2pPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { hostOfName, readPoint } from '../core/values/address.ts'
import { anything, recordOf, shown } from '../core/values/arguments.ts'
import type { ParsedPoint, PeerId, Point } from '../core/values/ids.ts'
import { formatIPv4, formatIp, mappedIPv4, parseIPv4, parseIp } from '../core/values/ip.ts'
import { messageOf, PoolError } from '../core/values/reason.ts'
import { assemble, type Part, Refusal } from './way.ts'

/** A relayed WebRTC address with two RSA ids has about 200 characters; certificate hashes add 60 each. */
const maxPointLength = 1_024
const maxComponents = 20
/** A CID of an RSA id has 59 characters. */
const maxPeerIdLength = 128
/** RFC 1035, without the final dot. */
const maxNameLength = 253

/**
 * Ids of Ed25519 keys, which nearly all are: 52 digits of base58, whose order is that of the bytes. The id of the key of zero bits begins with
 * 12D3KooW9p, that of the key of one bits with 12D3KooWT3. A text between the two is canonical as it stands, and looking costs a fiftieth of
 * decoding. The few ids at both ends are decoded.
 */
const ed25519Digits = /^[1-9A-HJ-NP-Za-km-z]{52}$/
const ed25519Begin = '12D3KooW9q'
const ed25519End = '12D3KooWT3'
/** The commonest points in their canonical spelling. The captures are the port and the peer id. */
const plainPoint = (() => {
  const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
  return new RegExp(`^/ip4/${octet}(?:\\.${octet}){3}/tcp/([1-9][0-9]{0,4})(?:/ws)?(?:/p2p/([^/]{52}))?$`)
})()

/** Components without a value that a point may hold, each at its place only: see `way.ts`. */
const protocols = new Set('quic quic-v1 tls ws webtransport webrtc webrtc-direct p2p-circuit'.split(' '))

/** A point as users write it: any text that `parsePoint` takes, a multiaddr object, or one of these with the id expected there. */
export type PointInit = string | Multiaddr | { readonly point: string | Multiaddr; readonly expectedPeerId?: string | undefined }

/**
 * The point that a text means: a multiaddr, or Octez' `host:port#peerId` (host: IPv4, [IPv6] or a DNS name;
 * a port may be left out if there is a default; the id is a libp2p one). Throws `PoolError` `invalid-point` naming what
 * was expected and what came.
 */
export function parsePoint(from: string | Multiaddr, { defaultPort }: { defaultPort?: number | undefined } = {}): ParsedPoint {
  const text = isMultiaddr(from) ? from.toString() : from
  const read = readText(text, defaultPort)
  if (!(read instanceof Refusal)) return read
  throw new PoolError('invalid-point', `expected a multiaddr or host:port#peerId, got ${shown(text)}: ${read.message}`)
}

/** As `parsePoint`, for texts of peers: `undefined` if the text is no point. Never throws, and makes no message and no stack trace. */
export function tryParsePoint(text: string, { defaultPort }: { defaultPort?: number | undefined } = {}): ParsedPoint | undefined {
  const read = readText(text, defaultPort)
  return read instanceof Refusal ? undefined : read
}

function readText(text: unknown, defaultPort: number | undefined): ParsedPoint | Refusal {
  if (typeof text !== 'string') return new Refusal(`it is of type ${text === null ? 'null' : typeof text}`)
  const plain = readPlain(text)
  if (plain !== undefined) return plain
  if (text.length > maxPointLength) return new Refusal(`it has ${text.length} characters, at most ${maxPointLength} are allowed`)
  if (!/^[\x21-\x7e]+$/.test(text)) return new Refusal(text === '' ? 'it is empty' : 'it has characters other than visible ASCII')
  try {
    return assemble(text.startsWith('/') ? readMultiaddr(text) : readHostPort(text, defaultPort))
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** The point that libp2p's own address means; `undefined` where it is none, such as `/webrtc/p2p/ID` of an inbound link. */
export function pointOf(address: Multiaddr): ParsedPoint | undefined {
  return tryParsePoint(address.toString())
}

/** A peer id in its canonical text, from base58 (`12D3KooW…`, `Qm…`) or a CID. Throws `PoolError` `invalid-peer-id`. */
export function parsePeerId(from: string | Libp2pPeerId): PeerId {
  const text = isPeerId(from) ? from.toString() : from
  const found = typeof text === 'string' ? tryParsePeerId(text) : undefined
  if (found === undefined) {
    throw new PoolError('invalid-peer-id', `expected a libp2p peer id such as 12D3KooW…, got ${shown(text)}`)
  }
  return found
}

/** As `parsePeerId`, for texts of peers: `undefined` if the text is no peer id. Never throws. */
export function tryParsePeerId(text: string): PeerId | undefined {
  if (isEd25519Id(text)) return text
  if (text.length > maxPeerIdLength) return undefined
  try {
    const id = peerIdFromString(text).toString()
    // Anything else is the id of an HTTP gateway, which is no peer.
    return /^[1Q]/.test(id) ? (id as PeerId) : undefined
  } catch {
    return undefined
  }
}

const pointInit = recordOf({ point: anything, expectedPeerId: anything }, 'point')

/**
 * A point as users write it. An id beside the point must be the one in it, if there is one. Throws `PoolError` `invalid-point` or
 * `invalid-peer-id`.
 */
export function parsePointInit(init: PointInit, defaultPort?: number): ParsedPoint {
  const isRecord = typeof init === 'object' && !isMultiaddr(init)
  if (isRecord) pointInit(init, { code: 'invalid-point', name: 'trusted point' })
  const parsed = parsePoint(isRecord ? init.point : init, { defaultPort })
  if (!isRecord || init.expectedPeerId === undefined) return parsed
  const expectedPeerId = parsePeerId(init.expectedPeerId)
  if (parsed.expectedPeerId !== undefined && parsed.expectedPeerId !== expectedPeerId) {
    throw new PoolError(
      'invalid-point',
      `${init.point}: expected the peer id ${expectedPeerId} beside it, got ${parsed.expectedPeerId} in it`
    )
  }
  return { point: parsed.point, expectedPeerId }
}

/** What libp2p dials to reach the point and nobody but the expected peer. A relayed point names its peer already. */
export function toMultiaddr(point: Point, expectedPeerId: PeerId | undefined): Multiaddr {
  return multiaddr(expectedPeerId === undefined || targetOf(point) !== undefined ? point : `${point}/p2p/${expectedPeerId}`)
}

/** The peer id that a relayed point ends with. */
export function targetOf(point: Point): PeerId | undefined {
  return readPoint(point).target
}

/** Where a relayed point's relay is, and which peer that is. An introducer is connected already. */
export function relayAddressOf(point: Point): Multiaddr | undefined {
  const { relay, hop } = readPoint(point)
  return relay === undefined || hop.point === '' ? undefined : multiaddr(`${hop.point}/p2p/${relay}`)
}

/** The short way for texts that need no rewriting; `undefined`: the long way decides. */
function readPlain(text: string): ParsedPoint | undefined {
  const [, port, id] = plainPoint.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) return undefined
  if (id === undefined) return { point: text as Point, expectedPeerId: undefined }
  return isEd25519Id(id) ? { point: text.slice(0, -id.length - '/p2p/'.length) as Point, expectedPeerId: id } : undefined
}

function isEd25519Id(text: string): text is PeerId {
  return text >= ed25519Begin && text < ed25519End && ed25519Digits.test(text)
}

function readMultiaddr(text: string): Part[] {
  let parts: { readonly name: string; readonly value?: string }[]
  try {
    const address = multiaddr(text)
    // A certificate hash has a text in each of many bases, its bytes have one.
    parts = (text.includes('/certhash/') ? multiaddr(address.bytes) : address).getComponents()
  } catch (error) {
    throw new Refusal(messageOf(error))
  }
  if (parts.length > maxComponents) throw new Refusal(`it has ${parts.length} components, at most ${maxComponents} are allowed`)
  return parts.flatMap(canonical)
}

function readHostPort(text: string, defaultPort: number | undefined): Part[] {
  const [, address = '', portText, id] = /^(\[[^\]]*\]|[^:#[\]]*)(?::([^#]*))?(?:#(.*))?$/.exec(text) ?? []
  if (address === '' || address === '_') throw new Refusal('the address is missing')
  const port = portText ?? defaultPort?.toString()
  if (port === undefined) throw new Refusal('the port is missing')
  const host = address.startsWith('[')
    ? canonical({ name: 'ip6', value: address.slice(1, -1) })
    : canonical({ name: parseIPv4(address) === undefined ? 'dns' : 'ip4', value: address })
  const peer = id === undefined ? [] : canonical({ name: 'p2p', value: id })
  return [...host, ...canonical({ name: 'tcp', value: port }), ...peer]
}

/** The one spelling of a component; more than one where an abbreviation is written out. */
function canonical({ name, value = '' }: { readonly name: string; readonly value?: string | undefined }): Part[] {
  switch (name) {
    case 'ip4': {
      const address = parseIPv4(value)
      if (address === undefined) throw new Refusal(`${shown(value)} is not an IPv4 address in dotted decimals`)
      return [{ name, value: formatIPv4(address) }]
    }
    case 'ip6': {
      const groups = parseIp(value.includes(':') ? value : '')
      if (groups === undefined) throw new Refusal(`${shown(value)} is not an IPv6 address`)
      const ipv4 = mappedIPv4(groups)
      return [ipv4 === undefined ? { name, value: formatIp(groups) } : { name: 'ip4', value: formatIPv4(ipv4) }]
    }
    case 'dns':
    case 'dns4':
    case 'dns6':
    case 'dnsaddr':
    case 'sni':
      return [{ name, value: canonicalName(value) }]
    case 'tcp':
    case 'udp': {
      const port = /^[1-9]\d{0,4}$/.test(value) ? Number(value) : 0
      if (port < 1 || port > 65_535) throw new Refusal(`${shown(value)} is not a port from 1 to 65535`)
      return [{ name, value: String(port) }]
    }
    case 'p2p': {
      const id = tryParsePeerId(value)
      if (id === undefined) throw new Refusal(`${shown(value)} is not a libp2p peer id`)
      return [{ name, value: id }]
    }
    case 'wss':
      return [
        { name: 'tls', value: undefined },
        { name: 'ws', value: undefined }
      ]
    case 'certhash':
    case 'memory':
      return [{ name, value }]
    default:
      if (!protocols.has(name)) throw new Refusal(`a point cannot hold /${name}`)
      return [{ name, value: undefined }]
  }
}

function canonicalName(value: string): string {
  const lower = value.toLowerCase()
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower
  if (name.length > maxNameLength) throw new Refusal(`it has ${name.length} characters, at most ${maxNameLength} are allowed`)
  const labelled = name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
  if (!labelled) throw new Refusal(`${shown(value)} is not a DNS name`)
  // `0x7f.1` and `127.1` are addresses to resolvers: as names they would pass for something else than they are.
  if (hostOfName(name) !== name || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) throw new Refusal(`${shown(value)} is a number, not a DNS name`)
  return name
}
