/**
 * One libp2p node with its pool in this tab: WebSockets to servers, WebRTC to other pages, peers and identity in IndexedDB.
 * `createTabPeer` is for programs that share nothing between tabs; `shared-pool.ts` calls `startPeer` while its tab is the
 * owner.
 */
import { privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import { webRTC, type webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { anything, callable, listOf, name as nameOption, type Shape } from '../src/core/values/arguments.ts'
import { checkOptions, pagePreset } from '../src/core/values/config.ts'
import { messageOf } from '../src/core/values/reason.ts'
import { closing } from '../src/libp2p/closing-web-sockets.ts'
import { newIdentityKey, readIdentityKey } from '../src/libp2p/identity-key.ts'
import { assemble, type Libp2pParts, type NoServices, partOptions, type WithPool } from '../src/libp2p/libp2p-parts.ts'
import { addresses, pageSettings, privateKey as privateKeyOption } from '../src/libp2p/preset.ts'
import { type Libp2pPeerPool, type PeerPoolInit, type PeerPoolService, peerPoolOptions, poolService } from '../src/libp2p/service.ts'
import { defaultName } from './default-name.ts'
import { keepWebIdentity, loadOrCreateWebIdentity, type WebIdentity } from './identity.ts'
import { type IndexedDbOptions, indexedDbStorage } from './indexed-db.ts'
import { followPage, type PageFollower } from './page-life.ts'
import { PageRelays, type RelayStatus } from './page-relays.ts'
import { closeWhenLeft, hasWebRtc, peerConnections, releaseClosed } from './peer-connections.ts'
import { lockTab, type TabLock } from './tab-lock.ts'

/** After the identity could not be had from a database, its peers are waited for so long before the pool starts without, ms. */
const afterFailureMs = 200

/** Options of `createTabPeer`; `createWebPeer` takes them too. */
export interface TabPeerInit<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>
  extends PeerPoolInit<Msg, PeerMeta, ConnMeta>,
    Libp2pParts<Services> {
  /** Of the database of peers and identity. @default 'p2p-pool' */
  readonly name?: string
  /** The key of this peer. @default the one in the database */
  readonly privateKey?: PrivateKey
  /**
   * Multiaddrs. `/p2p-circuit` asks one relay to make us reachable; each further one asks another. An address of a relay before it
   * (`/dns4/relay.example.org/tcp/443/tls/ws/p2p/ID/p2p-circuit`) asks that relay, which is trusted then. @default /p2p-circuit and /webrtc; nothing in a browser without WebRTC
   */
  readonly listen?: readonly string[]
  /**
   * STUN and TURN servers. None are set by default, since any public one learns which peers talk: pages find each other within
   * one network and where addresses are public. Give your own for pages behind NAT. @default []
   */
  readonly iceServers?: readonly RTCIceServer[]
  /**
   * Experimental: `webRTCDirect` of `@libp2p/webrtc`, to dial Node peers at `/webrtc-direct`, which need no certificate of an authority. It is no
   * flag, since a bundler would give its 9 kB to all pages. Chromium is ending version 1 of its handshake. @default none
   */
  readonly webRtcDirect?: typeof webRTCDirect | undefined
}

/** A libp2p node in this tab, with its pool. */
export interface TabPeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices> {
  /** The node, which has started. */
  readonly node: Libp2p<WithPool<Services, Msg, PeerMeta, ConnMeta>>
  /** Its pool, which has started. */
  readonly pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>
  /** How it is kept may change while the pool runs, the key never. */
  readonly identity: WebIdentity
  /** How many relays make this page reachable now. */
  readonly relays: RelayStatus
  /** Stops pool and node, and lets another tab have the identity. */
  stop(): Promise<void>
}

/** What each option may be. */
export const tabPeerOptions: Shape<TabPeerInit> = {
  ...peerPoolOptions,
  ...partOptions('identify', 'pool'),
  name: nameOption,
  privateKey: privateKeyOption,
  listen: addresses,
  // The browser judges each when the first connection is made.
  iceServers: listOf(anything),
  webRtcDirect: callable
}

/** The pool's factory with a page's defaults. Throws `PoolError` for options that make no sense. */
export function pagePool<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  init: TabPeerInit<Msg, PeerMeta, ConnMeta, Services>,
  holding: IndexedDbOptions = {}
): PeerPoolService<Msg, PeerMeta, ConnMeta> {
  const options = checkOptions(init, tabPeerOptions)
  return poolService(options, {
    preset: pagePreset,
    storage: indexedDbStorage(options.name ?? defaultName, holding),
    budget: peerConnections
  })
}

/**
 * Makes and starts a node with a pool of this tab alone. It has its own database beside that of a shared pool; of several
 * tabs with one name the first has the stored identity and peers, the others have new ones that are not kept. Rejects
 * with `PoolError` `invalid-config` for options that make no sense; a storage that does not work is an event of the pool, or the `notice`
 * of the identity.
 */
export function createTabPeer<Msg = Uint8Array, PeerMeta = unknown, ConnMeta = Uint8Array, Services extends ServiceMap = NoServices>(
  init: TabPeerInit<Msg, PeerMeta, ConnMeta, Services>
): Promise<TabPeer<Msg, PeerMeta, ConnMeta, Services>> {
  return startOwnPeer(init)
}

/** `createTabPeer` with what is not for programs. */
export async function startOwnPeer<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  init: TabPeerInit<Msg, PeerMeta, ConnMeta, Services>
): Promise<FollowingPeer<Msg, PeerMeta, ConnMeta, Services>> {
  pagePool(init)
  const own = { ...init, name: `${init.name ?? defaultName}:own` }
  const { lock, identity } = await ownIdentity(own)
  try {
    const peer = await startPeer(own, identity, { lock, keeps: lock !== undefined })
    const { stop } = peer
    return Object.assign(peer, { stop: () => stop().finally(() => lock?.release()) })
  } catch (error) {
    lock?.release()
    throw error
  }
}

/**
 * The peer of all tabs with that name: the caller holds the lock that keeps the others out. `inheritedKey` is the key of an owner
 * that could not store it. Rejects as `createTabPeer` does.
 */
export async function startSharedPeer<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  init: TabPeerInit<Msg, PeerMeta, ConnMeta, Services>,
  { lock, inheritedKey }: { lock: TabLock; inheritedKey: Uint8Array | undefined }
): Promise<FollowingPeer<Msg, PeerMeta, ConnMeta, Services>> {
  const { name = defaultName, privateKey } = init
  if (privateKey !== undefined) return startPeer(init, givenIdentity(privateKey), { lock })
  const identity =
    inheritedKey === undefined
      ? await loadOrCreateWebIdentity(name)
      : await keepWebIdentity(name, {
          ...givenIdentity(await readIdentityKey(inheritedKey)),
          notice: `the identity ${name} is not stored yet`
        })
  return startPeer(init, identity, { lock, keeps: true })
}

/** With what makes it live as the page does. */
export type FollowingPeer<Msg, PeerMeta, ConnMeta, Services extends ServiceMap = NoServices> = TabPeer<
  Msg,
  PeerMeta,
  ConnMeta,
  Services
> & {
  readonly page: Pick<PageFollower, 'seenElsewhere'>
  /** The key, as long as it should be stored and is not. */
  readonly inheritedKey: Uint8Array | undefined
}

interface Holding {
  /** What keeps other tabs from the database. @default a lock of the storage's own */
  readonly lock?: TabLock | undefined
  /** An identity that could not be kept, or was deleted with the rest, is kept as soon as the storage works. */
  readonly keeps?: boolean
}

async function startPeer<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  init: TabPeerInit<Msg, PeerMeta, ConnMeta, Services>,
  identity: WebIdentity,
  { lock, keeps = false }: Holding = {}
): Promise<FollowingPeer<Msg, PeerMeta, ConnMeta, Services>> {
  const canWebRtc = hasWebRtc()
  const { name = defaultName, listen = canWebRtc ? ['/p2p-circuit', '/webrtc'] : [], iceServers = [], webRtcDirect } = init
  // The identity has waited for this database already.
  const waits = keeps && !identity.persistent ? { firstOpenMs: afterFailureMs } : {}
  const relays = new PageRelays(listen.filter((text) => canWebRtc || text !== '/webrtc'))
  const trustedPoints = [...(init.trustedPoints ?? []), ...relays.trustedPoints]
  const service = pagePool({ ...init, trustedPoints }, { lock, ...waits })
  releaseClosed()
  const webRtc = canWebRtc ? [webRTC, ...(webRtcDirect ? [webRtcDirect] : [])] : []
  const transports = webRtc.map((make) => make({ rtcConfiguration: peerConnections.configuration(iceServers) }))
  const preset = { transports: [closing(webSockets()), ...transports, relays.transport] }
  const node = await createLibp2p({
    ...assemble(service, pageSettings(service.config), preset, init),
    privateKey: identity.privateKey,
    // libp2p's own names browser, version and system to every peer.
    nodeInfo: { userAgent: 'js-libp2p browser' },
    addresses: { listen: [...relays.listen] }
  })
  const { pool } = node.services
  warnOfPoints(pool)
  const page = followPage(pool)
  // After the page's follower, which says goodbye.
  const stopClosing = closeWhenLeft(node)
  const stopReaching = relays.keep(node, pool)
  const inheritedKey = keeps && !identity.persistent ? privateKeyToProtobuf(identity.privateKey) : undefined
  const peer = {
    node,
    pool,
    identity,
    page,
    inheritedKey,
    get relays() {
      return relays.status
    },
    stop
  }
  if (keeps) {
    // Deleted with the rest, or never kept: the key is there again as soon as the peers are.
    pool.addEventListener('storage-recovered', () => {
      void keepWebIdentity(name, peer.identity).then((kept) => {
        peer.identity = kept
        if (kept.persistent) peer.inheritedKey = undefined
      })
    })
  }
  return peer

  async function stop(): Promise<void> {
    page.end()
    stopReaching()
    try {
      await node.stop()
    } finally {
      // Not before: the owner of a shared pool stops it when its page is left, and then too no connection may be open after that turn.
      stopClosing()
    }
  }
}

/** Tells the developer at once of trusted points that are waited for in vain. */
function warnOfPoints<Msg, PeerMeta, ConnMeta>(pool: Libp2pPeerPool<Msg, PeerMeta, ConnMeta>): void {
  for (const { point } of pool.config.trustedPoints) {
    const { state, text } = pool.explain(point)
    if (state === 'not-dialable') console.warn(`p2p-pool: ${point}: ${text}`)
  }
}

function givenIdentity(privateKey: PrivateKey): WebIdentity {
  return { privateKey, persistent: false, notice: undefined }
}

/** The given identity, or the stored one for one tab at a time: two peers with one id would throw each other out of every pool. */
async function ownIdentity({
  name,
  privateKey: given
}: {
  name: string
  privateKey?: PrivateKey
}): Promise<{ lock?: TabLock; identity: WebIdentity }> {
  if (given !== undefined) return { identity: givenIdentity(given) }
  try {
    // Both at once: the browser takes up to 16 ms for the lock after a reload.
    const loading = loadOrCreateWebIdentity(name)
    return { lock: await lockTab(name, new AbortController().signal), identity: await loading }
  } catch (error) {
    const { privateKey } = await newIdentityKey()
    const notice = `the identity ${name} cannot be used; this page has another: ${messageOf(error)}`
    return { identity: { privateKey, persistent: false, notice } }
  }
}
