/** Makes the peer that this page is. The only place that knows `createTabPeer`. */
import { createTabPeer, type TabPeer } from '../index.ts'
import type { DemoSettings } from './settings.ts'

const returnMs = 5_000

/** `node` and `stop` are for the console. */
export type DemoPeer = Pick<TabPeer, 'node' | 'pool' | 'identity' | 'stop'>

/** Rejects if settings or libp2p fail; storage never stops it. May be repeated. */
export function startPeer({ network, trustedPoints, name, band }: DemoSettings): Promise<DemoPeer> {
  return createTabPeer({
    network,
    trustedPoints,
    name,
    // The demo's network lives on the visitor's own machine; a page for the Internet leaves this alone.
    allowPrivatePoints: true,
    // Its guest is back after seconds, which a pool of the Internet would give a minute.
    reconnection: { afterConnectionMs: returnMs },
    ...(band === undefined ? {} : { minConnections: band.min, expectedConnections: band.expected, maxConnections: band.max })
  })
}
