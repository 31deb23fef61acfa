/**
 * libp2p's connection gater, asking the pool. It must be given to `createLibp2p` before the pool can exist, so it begins
 * without one and denies nothing but what the dial rule forbids; `service.ts` binds the pool's `Gate` later. libp2p
 * calls the hooks without `this`. The pool checks everything again when a link reaches it.
 */
import type { ConnectionGater, PeerId as Libp2pPeerId, MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf, hostOfIp, scopeOf } from '../core/values/address.ts'
import type { Direction } from '../core/values/attempt.ts'
import type { Host, PeerId, Point } from '../core/values/ids.ts'
import type { Gate } from '../core/values/ports.ts'
import { type DialRule, type DialRuleOptions, dialRule, ruleAllows } from './dial-rule.ts'
import { pointOf, tryParsePoint } from './point.ts'

/** Every hook that we set; `ConnectionGater` has them all optional. */
export type PageHooks = Required<
  Pick<
    ConnectionGater,
    | 'denyDialPeer'
    | 'denyDialMultiaddr'
    | 'denyInboundConnection'
    | 'denyInboundEncryptedConnection'
    | 'denyOutboundEncryptedConnection'
    | 'denyInboundRelayedConnection'
  >
>

/** Those that only a server needs; `server-gater.ts` has them. */
export type ServerHooks = Required<
  Pick<ConnectionGater, 'denyInboundUpgradedConnection' | 'denyInboundRelayReservation' | 'denyOutboundRelayedConnection'>
>

/** What the hooks of a server ask the pool. */
export interface GaterQuestions {
  deniesRelayed(peerId: Libp2pPeerId): boolean
  isTrusted(peerId: PeerId): boolean
}

/** Asked about incoming connections, each of which may take the place of another. See `listener-guard.ts`. */
export interface InboundGuard {
  /** Says which open connections something needs: these make no room for others. */
  bind(isNeeded: (link: MultiaddrConnection) => Promise<boolean>): void
  /** May this incoming connection begin its handshake? */
  admitsHandshake(link: MultiaddrConnection, host: Host | undefined): boolean
  /** May this incoming connection stay, once the id of its peer is proved? */
  admitsConnection(
    link: MultiaddrConnection,
    newcomer: { readonly peerId: PeerId; readonly host: Host | undefined; readonly trusted: boolean }
  ): Promise<boolean>
}

/** Asked on behalf of a circuit relay that runs in this node, about peers that the pool does not deny. */
export interface RelayGuard {
  /** May this peer reserve a place at the relay? */
  admitsReservation(peerId: PeerId): boolean | Promise<boolean>
  /** May this peer open a circuit over the relay? */
  admitsCircuit(source: PeerId): boolean
  /** The age from which streams to it keep a connection open no longer, ms. @default 150000 */
  readonly maxIdleAgeMs?: number | undefined
  /** Can others come to this peer over the relay now? */
  holdsReservation(guest: PeerId): boolean
  /** How many reservations are held, are free for any peer of this pool, and may be held at most. */
  status(): { readonly used: number; readonly left: number; readonly max: number }
}

/** What a gater may be given. */
export interface GaterOptions extends DialRuleOptions {
  /** @default none: libp2p's own limits alone hold */
  readonly guard?: InboundGuard | undefined
  /** @default none: a relay in this node serves all peers that the pool does not deny */
  readonly relay?: RelayGuard | undefined
}

/** A gater for a node that you make yourself around your own pool. */
export interface PoolGater<Hooks extends PageHooks = PageHooks & ServerHooks> {
  /** For `createLibp2p({ connectionGater })`. */
  readonly gater: Hooks
  /** Which addresses it lets the node dial. */
  readonly rule: DialRule
  /** Takes out the peer for which the last dial to this point was denied. */
  deniedAt(point: Point): PeerId | undefined
  /** The pool that decides from now on. */
  bind(gate: Gate): void
}

/** The gater of a page, or with `more` that of a server. */
export function pageGater({ guard, ...options }: GaterOptions, more?: (questions: GaterQuestions) => ServerHooks): PoolGater<PageHooks> {
  const rule = dialRule(options)
  /** Which peer a dial was denied for: libp2p's error names none. */
  const denied = new Map<Point, PeerId>()
  let gate: Gate | undefined
  const deniesPeer = (peerId: Libp2pPeerId, host?: Host, direction?: Direction): boolean =>
    gate?.deniesPeer(peerId.toString() as PeerId, host, direction) ?? false
  const deniesLink = (peerId: Libp2pPeerId, link: MultiaddrConnection, direction: Direction): boolean =>
    deniesPeer(peerId, hostOfAddress(link.remoteAddr), direction)
  /** A peer that is connected to our relay, or comes over another. */
  const deniesRelayed = (peerId: Libp2pPeerId): boolean => deniesPeer(peerId, undefined, 'incoming')
  return {
    rule,
    deniedAt(point) {
      const peerId = denied.get(point)
      denied.delete(point)
      return peerId
    },
    bind(bound) {
      gate = bound
    },
    gater: denyingOnError({
      denyDialPeer: (peerId) => deniesPeer(peerId),
      denyDialMultiaddr(address) {
        const parsed = pointOf(address)
        // An address that is no point of ours (a zone, an onion service) is the business of the dialer, but on Node only.
        if (parsed === undefined)
          return !rule.allowPrivate || hostsIn(address).some((host) => host === undefined || gate?.deniesDial(host, undefined) === true)
        return !ruleAllows(rule, parsed.point) || (gate?.deniesDial(parsed.point, parsed.expectedPeerId) ?? false)
      },
      denyInboundConnection(link) {
        const host = hostOfAddress(link.remoteAddr)
        if (gate?.deniesIncoming(host) === true || guard?.admitsHandshake(link, host) === false) return refuse(link)
        return isWebRtc(link.remoteAddr) ? afterInitChannel() : false
      },
      denyInboundEncryptedConnection: (peer, link) => deniesLink(peer, link, 'incoming') && refuse(link),
      denyOutboundEncryptedConnection(peerId, link) {
        if (!deniesLink(peerId, link, 'outgoing')) return false
        const point = pointOf(link.remoteAddr)?.point
        if (denied.size >= maxDenied) denied.clear()
        if (point !== undefined) denied.set(point, peerId.toString() as PeerId)
        // The upgrader leaves it open, so the other side would keep a connection that nobody uses.
        return refuse(link)
      },
      denyInboundRelayedConnection: (_relay, remotePeer) => deniesRelayed(remotePeer),
      ...more?.({ deniesRelayed, isTrusted: (peerId) => gate?.isTrusted(peerId) === true })
    })
  }
}

/** Ends it at once: a WebSocket that is closed in peace waits half a minute for the other side's goodbye. */
export function refuse(link: MultiaddrConnection): true {
  link.abort(new Error('the pool denies it'))
  return true
}

/** Denied dials whose error nobody has read yet; then all are forgotten. */
const maxDenied = 64

/** A hook that throws or rejects denies: libp2p would take the error for one of its own, in the middle of its work. */
function denyingOnError(hooks: PageHooks): PageHooks {
  const safe = Object.entries(hooks).map(([name, hook]) => {
    const safeHook = (...args: readonly unknown[]): unknown => {
      try {
        const denies: unknown = Reflect.apply(hook, undefined, args)
        return denies instanceof Promise ? denies.catch(() => true) : denies
      } catch {
        return true
      }
    }
    return [name, safeHook]
  })
  return Object.fromEntries(safe) as PageHooks
}

/**
 * How long an incoming WebRTC connection waits before libp2p takes it over, ms. At that moment it closes the channel `init`
 * of the dialer, who waits for ever if he has not yet seen it open (@libp2p/webrtc 6.0.33, `initiateConnection`): within one
 * machine that was every third handshake. He sees it once he has worked off the candidates he got, some 30 ms later.
 */
const initChannelMs = 200

function afterInitChannel(): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), initChannelMs))
}

/** An incoming one; nothing but the peer's id is known of its address. */
export function isWebRtc(address: Multiaddr): boolean {
  return address.getComponents()[0]?.name === 'webrtc'
}

/**
 * All hosts that an address names, wherever, each as a point; `undefined` for one that cannot be judged. A secure WebSocket is dialed
 * at the name in `/sni`, whatever the host in front of it. A name that only this machine or its network knows has no place there:
 * a `/dnsaddr` that a peer named may stand for such an address.
 */
function hostsIn(address: Multiaddr): (Point | undefined)[] {
  const named = address.getComponents().filter(({ name }) => /^(ip[46]|dns[46]?|sni)$/.test(name))
  return named.map(({ name, value }) => {
    const point = tryParsePoint(`/${name === 'sni' ? 'dns' : name}/${value}/tcp/1`)?.point
    const host = point === undefined ? undefined : hostOf(point)
    return name === 'sni' && (host === undefined || scopeOf(host) !== 'name') ? undefined : point
  })
}

/**
 * The host at the other end of a connection. None for relayed ones, whose address begins with the relay's, and for inbound
 * WebRTC, whose address has none; nor where the address is unspecified, as libp2p and `node/proxied-listener.ts` write it when nobody
 * can say. A source port of 0 or an odd tail does not matter here, hence not by way of a point alone.
 */
export function hostOfAddress(address: Multiaddr): Host | undefined {
  const host = hostIn(address)
  return host === '::ffff:0.0.0.0' || host === '::' ? undefined : host
}

function hostIn(address: Multiaddr): Host | undefined {
  const parsed = pointOf(address)
  if (parsed !== undefined) return hostOf(parsed.point)
  const components = address.getComponents()
  if (components.some(({ name }) => name === 'p2p-circuit')) return undefined
  const ip = components.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
  return ip === undefined ? undefined : hostOfIp(ip)
}
