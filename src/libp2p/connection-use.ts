/**
 * What else this node uses a connection for, beside the pool: `Link.use`. Loaded with the links.
 *
 * A stream counts that this node opened, for a protocol that is neither the pool's nor libp2p's own: Gossipsub holds one open with each
 * peer of its protocol, bitswap opens one for each message. What the other side opens counts for nothing: it costs an unknown peer nothing.
 */
import { type Connection, KEEP_ALIVE, type Libp2pEvents, type Peer, type PeerStore, type TypedEventTarget } from '@libp2p/interface'
import type { OtherUse } from '../core/values/attempt.ts'
import { housekeeping } from './connection-keeper.ts'
import { systemClock } from './system.ts'

/** A connection is used for so long after a stream on it was closed, ms: a fetch of many blocks has pauses. */
const lastsMs = 60_000
/** The pool, relays (whose streams others ask for) and the way to WebRTC. */
const counted = /^(?!\/p2p-pool\/|\/libp2p\/circuit\/|\/webrtc-signaling\/)./
/** What a peer that restarts opens at its start is of one run; ms. */
const restartMs = 1_000

interface UseParts {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: Pick<PeerStore, 'get'>
}

/** Monotonic, ms: when a stream that counts was last opened or closed; −∞: none was. Connections that are watched. */
const lastUses = new WeakMap<Connection, number>()
/** By node: the peers that the application or a service keeps alive, at most as many as it has tagged. */
const keptPeers = new WeakMap<UseParts['events'], Set<string>>()

/** Watches a connection from now on, on which the pool has a link. */
export function watchUse(connection: Connection, parts: UseParts): void {
  const kept = keptBy(parts)
  parts.peerStore.get(connection.remotePeer).then(
    (stored) => note(stored, kept),
    () => undefined // not stored, hence not tagged
  )
  if (lastUses.has(connection)) return
  lastUses.set(connection, Number.NEGATIVE_INFINITY)
  const open = connection.newStream
  // libp2p has no event for the streams that a node opens.
  connection.newStream = async (...args) => {
    const stream = await open.apply(connection, args)
    if (!counts(stream.protocol)) return stream
    const use = (): unknown => lastUses.set(connection, systemClock.now())
    use()
    stream.addEventListener('close', use)
    return stream
  }
}

/** `Link.use` of a watched connection. */
export function otherUseOf(connection: Connection, parts: UseParts): OtherUse | undefined {
  if (keptBy(parts).has(connection.remotePeer.toString())) return 'kept'
  const isOpen = connection.streams.some(({ direction, protocol }) => direction === 'outbound' && counts(protocol))
  return isOpen || systemClock.now() - (lastUses.get(connection) ?? Number.NEGATIVE_INFINITY) < lastsMs ? 'used' : undefined
}

/**
 * Ends what is left of the old run of a peer that has restarted.
 *
 * libp2p tells its services that a peer has left when the last connection to it ends. With the new one open, Gossipsub would hold on to
 * the old streams: it drops the peer when they break, and greets it again only on another connection. So where others had streams on the
 * old connections, the new one ends too: the peer leaves for all, and dials again a second later.
 */
export function endOlder(
  connection: Connection,
  { all, poolProtocol }: { readonly all: readonly Connection[]; readonly poolProtocol: string }
): void {
  // A relayed one may be what the new direct one was made over.
  const older = all.filter(({ limits, timeline }) => limits === undefined && connection.timeline.open - timeline.open > restartMs)
  const isOurs = (protocol: string): boolean => protocol === '' || protocol === poolProtocol || housekeeping.test(protocol)
  const isUsed = older.some(({ streams }) => streams.some(({ protocol }) => !isOurs(protocol)))
  for (const one of isUsed ? all : older) one.abort(new Error('the peer has restarted'))
}

function counts(protocol: string): boolean {
  return counted.test(protocol) && !housekeeping.test(protocol)
}

function keptBy({ events }: UseParts): Set<string> {
  const known = keptPeers.get(events)
  if (known !== undefined) return known
  const kept = new Set<string>()
  keptPeers.set(events, kept)
  events.addEventListener('peer:update', ({ detail }) => note(detail.peer, kept))
  return kept
}

function note({ id, tags }: Pick<Peer, 'id' | 'tags'>, kept: Set<string>): void {
  if ([...tags.keys()].some((tag) => tag.startsWith(KEEP_ALIVE))) kept.add(id.toString())
  else kept.delete(id.toString())
}
