/**
 * Which of libp2p's connections are in use, and the closing of those that are not. libp2p's list is never copied: it is
 * looked through every ten seconds and whenever a link ends. Called by `network.ts`; the core decides which
 * peers to keep, and closes links, never connections.
 *
 * A connection is needed when it carries a link of ours, a stream of a protocol that is not libp2p's own housekeeping, or when
 * its peer has a tag in the peer store, as relays and their guests, the DHT and Gossipsub do. Tags and foreign streams
 * do not save a peer that the pool denies.
 *
 * Streams that cost the other side nothing are no need, but a use for a while: one that has not named its protocol yet, and one to
 * our relay. They keep a connection open while it is young, however often they are opened anew.
 */
import { type Connection, KEEP_ALIVE, type Libp2pEvents, type PeerStore, type Stream, type TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { PeerId } from '../core/values/ids.ts'
import type { Clock, Link } from '../core/values/ports.ts'

/** The time between two looks; a connection that both find idle is closed, hence after 10 to 20 s. */
const lookIntervalMs = 10_000
/** What `plain-peers.ts` tags its peers with; it is no use of a connection. */
export const poolTag = 'p2p-pool'
/** So many from now on find what is idle by now. */
const looksToClose = 2
/** For the connection alone, since its links have ended before: when both ends close at once, libp2p may wait for ever. */
const closeDeadlineMs = 250

/** A guest of our relay has this tag for as long as its reservation lasts. libp2p's relay server sets it. */
export const relayGuestTag = 'circuit-relay-source'
/** A stream names its protocol within a round trip; libp2p waits ten seconds for it. */
const namingMs = 10_000
/** The age at which those two kinds of streams keep a connection no longer: a circuit lasts two minutes, and begins some seconds after. */
const defaultMaxIdleAgeMs = 150_000

/** Streams that libp2p opens by itself on any connection, and those of introductions, which last as long as the pool runs on it. */
export const housekeeping = /^\/(ipfs\/(id|ping)|libp2p\/(autonat|dcutr)|p2p-pool\/i)/
/** A peer that opened a connection for the pool has opened its stream by then. */
const staleAfterMs = 2_000
/** Ends when the direct connection is there, on one side a little later than on the other. */
const webrtcSignaling = '/webrtc-signaling/0.0.1'

export interface KeeperComponents {
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly peerStore: Pick<PeerStore, 'get'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

export interface KeeperOptions {
  readonly clock: Clock
  /** The pool's own opinion of a peer. */
  readonly denies: (peerId: PeerId, connection: Connection) => boolean
  /** False: connections without a use are counted and left open, for applications that open connections ahead of need. */
  readonly closeIdle: boolean
}

export class ConnectionKeeper {
  /** @internal Of the node. */
  readonly components: KeeperComponents
  readonly #options: KeeperOptions
  readonly #links = new WeakMap<Connection, Set<Link>>()
  /** Connections that the pool made, to relays too. */
  readonly #made = new WeakSet<Connection>()
  /** Connections that were plain links. */
  readonly #givenUp = new WeakSet<Connection>()
  /** How many looks in a row found it idle; at most as many entries as libp2p has connections. */
  #idle = new Map<Connection, number>()
  #cancelLook: (() => void) | undefined
  #running = false
  #looksLeft = 0
  /** @internal From this age on, streams to our relay keep a connection open no longer, ms. The default is for circuits of two minutes. */
  maxIdleAgeMs = defaultMaxIdleAgeMs
  /** @internal Is this a stream to the relay in this node? Set where one may run. */
  isToOurRelay: (stream: Stream) => boolean = () => false
  /** Connections that two looks in a row found without a use, since the beginning. */
  idleFound = 0

  constructor(components: KeeperComponents, options: KeeperOptions) {
    this.components = components
    this.#options = options
  }

  start(): void {
    this.#running = true
    this.#looksLeft = Number.POSITIVE_INFINITY
    this.#plan()
  }

  /** Looks no more once what is idle now is closed; `start` begins anew. */
  rest(): void {
    this.#looksLeft = looksToClose
  }

  stop(): void {
    this.#running = false
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#idle.clear()
  }

  /** The connection carries this link from now on. */
  hold(connection: Connection, link: Link): void {
    const links = this.#links.get(connection)
    if (links === undefined) this.#links.set(connection, new Set([link]))
    else links.add(link)
  }

  /** Notes that the pool made the connection, which may come to carry no link. */
  made(connection: Connection): Connection {
    this.#made.add(connection)
    return connection
  }

  /** The pool made it, or has run on it. */
  isOurs(connection: Connection): boolean {
    return this.#links.has(connection) || this.#made.has(connection)
  }

  carriesLink(connection: Connection): boolean {
    return (this.#links.get(connection)?.size ?? 0) > 0
  }

  /** The link is gone. */
  drop(connection: Connection, link: Link): void {
    this.#links.get(connection)?.delete(link)
    if (link.plain !== undefined) this.#givenUp.add(connection)
  }

  /** The link is gone; closes the connection unless something else uses it. Never rejects. */
  async release(connection: Connection, link: Link, within: AbortSignal): Promise<void> {
    this.drop(connection, link)
    const isTheirs = connection.direction === 'outbound' && !this.#made.has(connection)
    if (link.isRefused === true && !isTheirs && !(await this.isKeptAlive(connection)) && !this.carriesLink(connection))
      await this.close(connection, within)
    else await this.closeUnused(connection, within)
  }

  /** Closes a connection that nobody uses, at once. Never rejects; aborts the connection when the signal fires. */
  async closeUnused(connection: Connection, within?: AbortSignal): Promise<void> {
    if (connection.status === 'open' && !(await this.#isUsed(connection))) await this.close(connection, within)
  }

  /** Closes all connections that the pool denies. Those that carry a link of its own end with the link, after its goodbye. */
  endDenied(): void {
    for (const connection of this.components.connectionManager.getConnections())
      if (connection.status === 'open' && !this.carriesLink(connection) && this.isDenied(connection)) void this.close(connection)
  }

  /**
   * Ends the WebRTC connections to a peer that carry nothing. Called before a WebRTC dial to it: libp2p sends the handshake
   * over the first connection it has to the peer, and one whose other end is gone (a handshake that the dialer gave up leaves
   * one at the listener) looks open for half a minute and takes no stream.
   */
  abortStaleWebRtc(peerId: PeerId): void {
    for (const connection of this.components.connectionManager.getConnections()) {
      const { remotePeer, remoteAddr, limits, status, streams, timeline } = connection
      if (status !== 'open' || limits !== undefined || remotePeer.toString() !== peerId || this.carriesLink(connection)) continue
      if (!remoteAddr.getComponents().some(({ name }) => name === 'webrtc')) continue
      if (streams.some(({ protocol }) => protocol !== '' && !housekeeping.test(protocol) && protocol !== webrtcSignaling)) continue
      if (this.#options.clock.date() - timeline.open > staleAfterMs) connection.abort(new Error('dead'))
    }
  }

  #plan(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    if (!this.#running || this.#looksLeft-- <= 0) return
    this.#cancelLook = this.#options.clock.schedule(lookIntervalMs, () => {
      const again = (): void => this.#plan()
      this.#look().then(again, again)
    })
  }

  async #look(): Promise<void> {
    const connections = this.components.connectionManager.getConnections().filter(({ status }) => status === 'open')
    const idle = new Map<Connection, number>()
    for (const connection of connections) {
      if (!this.#mayEnd(connection, connections) || (await this.#isUsed(connection))) continue
      const looks = (this.#idle.get(connection) ?? 0) + 1
      idle.set(connection, looks)
      if (looks === 2) this.idleFound++
      if (looks < 2 || !this.#running || !this.#options.closeIdle) continue
      void this.close(connection)
    }
    if (this.#running) this.#idle = idle
  }

  /** Limited connections end by themselves, except the one that is left over once WebRTC made a direct one of it. */
  #mayEnd(connection: Connection, all: readonly Connection[]): boolean {
    return (
      connection.limits === undefined || all.some((other) => other.limits === undefined && other.remotePeer.equals(connection.remotePeer))
    )
  }

  async #isUsed(connection: Connection): Promise<boolean> {
    return this.#isBusy(connection) || (await this.isNeeded(connection))
  }

  /** A stream that costs the other side nothing: a use for a while, and no need. */
  #isBusy(connection: Connection): boolean {
    const now = this.#options.clock.date()
    if (now - connection.timeline.open > this.maxIdleAgeMs || this.isDenied(connection)) return false
    return connection.streams.some(
      (stream) => this.isToOurRelay(stream) || (stream.protocol === '' && now - stream.timeline.open < namingMs)
    )
  }

  /** Is it in use? What is not needed is closed when others want its place. */
  async isNeeded(connection: Connection): Promise<boolean> {
    if (this.carriesLink(connection)) return true
    if (this.isDenied(connection)) return false
    const isHelper = connection.limits !== undefined
    return (
      connection.streams.some((stream) => !this.isToOurRelay(stream) && isNeed(stream, isHelper)) ||
      (!isHelper && (await this.#isTagged(connection)))
    )
  }

  /** After the pool dropped a peer, only keep-alive tags keep its connection open; other tags do not. */
  #isTagged(connection: Connection): Promise<boolean> {
    return this.#givenUp.has(connection) ? this.isKeptAlive(connection) : this.#hasTag(connection, (tag) => tag !== poolTag)
  }

  /** By one of libp2p's keep-alive tags, or as a guest of our relay, which keeps a place for it. */
  isKeptAlive(connection: Connection): Promise<boolean> {
    return this.#hasTag(connection, (tag) => tag.startsWith(KEEP_ALIVE) || tag === relayGuestTag)
  }

  isDenied(connection: Connection): boolean {
    return this.#options.denies(connection.remotePeer.toString() as PeerId, connection)
  }

  async #hasTag({ remotePeer: peer }: Connection, counts: (tag: string) => boolean): Promise<boolean> {
    try {
      return [...(await this.components.peerStore.get(peer)).tags.keys()].some(counts)
    } catch {
      return false // not stored, hence not tagged
    }
  }

  /** Never rejects; aborts it when the signal fires, or after a moment. */
  async close(connection: Connection, within?: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(closeDeadlineMs)
    try {
      await connection.close({ signal: within === undefined ? deadline : AbortSignal.any([within, deadline]) })
    } catch (error) {
      connection.abort(error as Error)
    }
  }
}

/** A helper is a relayed connection, which ends once the direct one is there. */
function isNeed({ protocol }: Stream, isHelper: boolean): boolean {
  return protocol !== '' && !housekeeping.test(protocol) && !(isHelper && protocol === webrtcSignaling)
}
