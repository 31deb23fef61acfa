/**
 * The Node peers of the demo, in one process: the first is relay and bootstrap, four more know only it and find each
 * other through it (at a public address, where that is limited, they know each other); a sixth, the guest, is ready to come and go. demo-start.ts starts and stops them. The pools themselves
 * decide which connections there are.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { hostOfIp, isLocal } from '../../src/core/values/address.ts'
import type { Connection, NodePeerInit, PeerId } from '../index.ts'
import { DemoNodePeer } from './demo-node-peer.ts'
import type { PageSettings, ReservationsLeft } from './demo-server.ts'

export const demoNetworkName = 'p2p-pool-demo'

const peerCount = 5
/** They join when half of the others are killed. */
const spareCount = 3
/** In the band from 4 connections on: each of the five holds the four others. One more, the guest or a page, is welcome. */
const nodeBand = { minConnections: 2, expectedConnections: 6, maxConnections: 32 }
/** In the band from 5 connections on: the five Node peers that always run are enough. Other pages and the guest are extra. */
const pageBand = { min: 3, expected: 6, max: 12 }
/** All come from one host, as fast as they can. */
const connectionsPerSecond = 1_000
/** A small network has little to tell at first: ask again soon. */
const searchMs = 1_000
const maxQuoted = 80

export interface DemoNetwork {
  /** The first one is relay and bootstrap. */
  readonly peers: readonly DemoNodePeer[]
  /** One more, which does not run before it is started; `stop` stops it too. */
  readonly guest: DemoNodePeer
  /** The same; those that are new when others were killed. */
  readonly spares: readonly DemoNodePeer[]
  readonly folder: string
  readonly pageSettings: Omit<PageSettings, 'address'>
  /** What the relay has left for pages; none while it does not run. */
  reservations(): ReservationsLeft | undefined
  isNodePeer(peerId: PeerId): boolean
  /** Stops all and removes their files. Idempotent. */
  stop(): Promise<void>
}

export interface DemoNetworkOptions {
  /** Where all listen: an IPv4 address of this machine. @default 127.0.0.1 */
  readonly host?: string | undefined
  /** Ports of the first Node peer; 0: the system chooses. */
  readonly ports: { readonly tcp: number; readonly webSocket: number }
  onMessage?: ((to: DemoNodePeer, from: Connection, text: string) => void) | undefined
  onStart?: ((peer: DemoNodePeer) => void) | undefined
  onWarning?: ((peer: DemoNodePeer, text: string) => void) | undefined
  onBreak?(peer: DemoNodePeer): void
}

/** Rejects if a port cannot be had; then nothing is left, running or on disk. */
export async function startDemoNetwork({ host, ports, onMessage, onStart, onWarning, onBreak }: DemoNetworkOptions): Promise<DemoNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'p2p-pool-demo-'))
  // Even when Ctrl-C is pressed twice.
  const removeAtOnce = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeAtOnce)

  const peers: DemoNodePeer[] = []
  const guests: DemoNodePeer[] = []
  const spares: DemoNodePeer[] = []
  const all = (): readonly DemoNodePeer[] => [...peers, ...guests, ...spares]
  const isNodePeer = (peerId: PeerId): boolean => all().some((peer) => peer.isPeer(peerId))
  const make = (init: Partial<NodePeerInit>, where: DemoNetworkOptions['ports'], into = peers): DemoNodePeer => {
    const number = all().length + 1
    const peer: DemoNodePeer = new DemoNodePeer({
      name: `Node peer ${number}${number === 1 ? ', the relay' : into === guests ? ', the guest' : ''}`,
      folder: join(folder, `node-peer-${number}`),
      ports: where,
      host,
      // The peer that all pages know.
      hasText: number === 1,
      init: {
        network: demoNetworkName,
        connectionMetadata: saying({
          kind: number === 1 ? 'relay' : 'node',
          name: number === 1 ? '' : into === guests ? 'The guest' : `Node peer ${number}`
        }),
        ...nodeBand,
        timeBetweenSearchesMs: searchMs,
        // They introduce pages to each other, so that pages meet without the relay.
        introductions: true,
        inboundConnectionThreshold: connectionsPerSecond,
        ...init
      },
      onMessage(from, text) {
        onMessage?.(peer, from, text)
        if (!isNodePeer(from.peerId)) void reply(peer, from.peerId, text)
      },
      onStart: (started) => onStart?.(started),
      onWarning: (warned, text) => onWarning?.(warned, text),
      onBreak: (broken) => onBreak?.(broken)
    })
    into.push(peer)
    return peer
  }
  const stop = async (): Promise<void> => {
    await Promise.all(all().map((peer) => peer.stop()))
    // A killed Chromium may still be writing its last words there.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    process.removeListener('exit', removeAtOnce)
  }

  try {
    const relay = make({ relay: true }, ports)
    await relay.start()
    const isShared = isSharedHost(host)
    const known = (transport: 'tcp' | 'ws'): string[] => (isShared ? peers : [relay]).map((peer) => peer.multiaddr(transport))
    const join = (into = peers): DemoNodePeer => make({ trustedPoints: known('tcp') }, { tcp: 0, webSocket: 0 }, into)
    if (isShared) for (let one = 1; one < peerCount; one++) await join().start()
    else {
      const others = Array.from({ length: peerCount - 1 }, () => join())
      // All settle, so that `stop` finds whatever runs.
      const failed = (await Promise.allSettled(others.map((peer) => peer.start()))).find((start) => start.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    }
    const pageSettings = { network: demoNetworkName, trustedPoints: known('ws'), band: pageBand }
    const guest = join(guests)
    for (let one = 0; one < spareCount; one++) join(spares)
    const reservations = (): ReservationsLeft | undefined => {
      const status = relay.relayStatus
      return status === undefined ? undefined : { relay: relay.peerId, max: status.max, left: status.left }
    }
    return { peers, guest, spares, folder, pageSettings, reservations, isNodePeer, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * At a public address a pool dials three points in ten minutes on the word of others, lest it scan ports for them: too few for five peers at one
 * address. So all are named there from the start.
 */
export function isSharedHost(host: string | undefined): boolean {
  const ip = host === undefined ? undefined : hostOfIp(host)
  return ip !== undefined && !isLocal(ip)
}

/** What a Node peer says of itself to those that it connects with; pages read it (web/demo/about.ts). */
function saying(about: { readonly kind: 'relay' | 'node'; readonly name: string }): NonNullable<NodePeerInit['connectionMetadata']> {
  const own = new TextEncoder().encode(JSON.stringify(about))
  const same = (bytes: Uint8Array): Uint8Array => bytes
  return { own: () => own, codec: { encode: same, decode: same } }
}

/** A person who writes from a page sees that it arrived. Pages do not answer, so this ends. */
async function reply(from: DemoNodePeer, to: PeerId, text: string): Promise<void> {
  const quoted = text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text
  try {
    await from.send(to, `${from.name} got “${quoted}”`)
  } catch {
    // It left meanwhile, as people do.
  }
}
