/** Opens the pool that this page shows. The only place that knows `createWebPeer`. */
import type { Recording } from '../../src/recording/index.ts'
import { createWebPeer, type SharedPool } from '../index.ts'
import { aboutBrowser, encodeAbout, readAbout } from './about.ts'
import type { DemoSettings } from './settings.ts'

/** Rejects if settings or libp2p fail; storage never stops it. May be repeated. */
export function openPool(
  { network, trustedPoints, name, band, tabs }: DemoSettings,
  recording: Recording | undefined
): Promise<SharedPool> {
  return createWebPeer<Uint8Array, unknown>({
    ...{ network, trustedPoints, name, tabs, recording },
    // Bytes are read where they are shown, so that what makes no sense is no fault of the peer.
    connectionMetadata: { own: () => encodeAbout(aboutBrowser(navigator.userAgent)), codec: { encode: same, decode: same } },
    peerMetadata: { initial: () => null, toJson: (about) => about, fromJson: (json) => readAbout(json) ?? null },
    // The pages go on when the demo's servers are stopped.
    introductions: true,
    // A third of the six that are expected: with fewer pages, a page would be alone when the servers go.
    minByKind: { server: 1, page: 2 },
    // The demo's network lives on the visitor's own machine; a page for the Internet leaves this alone.
    allowPrivatePoints: true,
    ...(band === undefined ? {} : { minConnections: band.min, expectedConnections: band.expected, maxConnections: band.max })
  })
}

function same(bytes: Uint8Array): Uint8Array {
  return bytes
}
