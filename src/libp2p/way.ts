/**
 * The ways to a peer: which components may follow each other in a point, so that a dial leads to the host at its beginning and
 * nowhere else. Used by `point.ts`, which has brought each component into its one spelling.
 */
import type { ParsedPoint, PeerId, Point } from '../core/values/ids.ts'

/** The ways to a host, by the names of their components. A certificate changes while its successor is announced: two hashes. */
const ways =
  /^(?:memory|dnsaddr|(?:ip[46]|dns[46]?)\/(?:tcp(?:(?:\/tls)?\/ws)?|udp\/(?:quic|quic-v1(?:\/webtransport(?:\/certhash){0,2})?|webrtc-direct(?:\/certhash){0,2})))$/

const noRelay = 'the relay is not right before /p2p-circuit'

export interface Part {
  readonly name: string
  readonly value: string | undefined
}

/** Why a text is no point; `point.ts` catches it. Not an `Error`, because collecting a stack trace costs more than all else of a refusal. */
export class Refusal {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** Checks that the components are a way to one host, and takes the id off a direct point. */
export function assemble(parts: readonly Part[]): ParsedPoint {
  const [first, second] = parts
  const last = parts.at(-1)
  // Over a peer that both ends are connected with, in place of a host.
  if (namesOf(parts) === 'p2p/p2p-circuit/webrtc/p2p' && first?.value !== last?.value)
    return { point: join(parts), expectedPeerId: last?.value as PeerId }
  if (first === undefined || !/^(ip4|ip6|dns|dns4|dns6|dnsaddr|memory)$/.test(first.name)) {
    throw new Refusal(`it begins with /${first?.name ?? ''}, not with an IP address or a DNS name`)
  }
  if (first.name !== 'dnsaddr' && first.name !== 'memory' && second?.name !== 'tcp' && second?.name !== 'udp') {
    throw new Refusal('the port is missing')
  }
  if (parts.slice(1).some(({ name }) => name.startsWith('ip') || name.startsWith('dns') || name === 'memory')) {
    throw new Refusal('it names two hosts')
  }
  const circuit = parts.findIndex(({ name }) => name === 'p2p-circuit')
  if (circuit < 0) return readDirect(parts)
  const target = parts.slice(circuit + 1)
  if (target.some(({ name }) => name === 'p2p-circuit')) throw new Refusal('it names two relays')
  const relay = readDirect(parts.slice(0, circuit), noRelay)
  if (relay.expectedPeerId === undefined) throw new Refusal(noRelay)
  // libp2p looks the name up and then forgets that a relay was meant.
  if (first.name === 'dnsaddr') throw new Refusal('a relay cannot be a /dnsaddr')
  const { id: expectedPeerId, rest } = takeId(target, 'a relayed point ends with the peer id of its target')
  if (expectedPeerId === undefined) throw new Refusal('a relayed point ends with the peer id of its target')
  if (rest.length > 1 || (rest[0]?.name ?? 'webrtc') !== 'webrtc') throw new Refusal(`no transport dials /${namesOf(rest)}`)
  return { point: `${relay.point}/p2p/${relay.expectedPeerId}/p2p-circuit${join(target)}` as Point, expectedPeerId }
}

/** A way to the host that it begins with, with or without the id of the peer there. */
function readDirect(parts: readonly Part[], misplaced = 'the peer id is not at its end'): ParsedPoint {
  const { id, rest } = takeId(parts, misplaced)
  const way = withoutSni(rest)
  if (!ways.test(namesOf(way))) throw new Refusal(`no transport dials /${namesOf(way)}`)
  return { point: join(way), expectedPeerId: id }
}

function takeId(parts: readonly Part[], misplaced: string): { id: PeerId | undefined; rest: readonly Part[] } {
  const ids = parts.filter(({ name }) => name === 'p2p')
  const last = parts.at(-1)
  if (ids.length > 1) throw new Refusal('it names two peer ids')
  if (ids.length === 1 && last !== ids[0]) throw new Refusal(misplaced)
  return ids.length === 0 ? { id: undefined, rest: parts } : { id: last?.value as PeerId, rest: parts.slice(0, -1) }
}

/** A secure WebSocket is dialed at the name in `/sni`. Where that is the host anyway it says nothing, else it hides where the dial leads. */
function withoutSni(parts: readonly Part[]): readonly Part[] {
  const found = parts.findIndex(({ name }) => name === 'sni')
  if (found < 0) return parts
  const isHost = parts[found]?.value === parts[0]?.value && parts[found - 1]?.name === 'tls'
  if (!isHost) throw new Refusal('the name in /sni is not the host that it begins with')
  return [...parts.slice(0, found), ...parts.slice(found + 1)]
}

function namesOf(parts: readonly Part[]): string {
  return parts.map(({ name }) => name).join('/')
}

function join(parts: readonly Part[]): Point {
  return parts.map(({ name, value }) => (value === undefined ? `/${name}` : `/${name}/${value}`)).join('') as Point
}
