/** Opens the pool that this page shows. The only place that knows `createWebPeer`. */
import type { Recording } from '../../src/recording/index.ts'
import { createWebPeer, type SharedPool } from '../index.ts'
import type { DemoSettings } from './settings.ts'

/** Rejects if settings or libp2p fail; storage never stops it. May be repeated. */
export function openPool(
  { network, trustedPoints, name, band, tabs }: DemoSettings,
  recording: Recording | undefined
): Promise<SharedPool> {
  return createWebPeer({
    ...{ network, trustedPoints, name, tabs, recording },
    // The demo's network lives on the visitor's own machine; a page for the Internet leaves this alone.
    allowPrivatePoints: true,
    ...(band === undefined ? {} : { minConnections: band.min, expectedConnections: band.expected, maxConnections: band.max })
  })
}
