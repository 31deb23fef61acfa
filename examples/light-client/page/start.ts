/** Makes the peer that this page is, and the client that follows the chain over it. The only place that knows `createTabPeer`. */
import type { PeerId } from 'p2p-pool'
import { createTabPeer, type TabPeer } from 'p2p-pool/web'
import { ChainFollower } from '../follow-pool.ts'
import { SyncClient } from '../sync/sync-client.ts'
import type { SyncView } from '../sync/sync-view.ts'
import { chainCodec, maxMessageBytes } from '../wire/codec.ts'
import type { ChainMessage } from '../wire/message.ts'
import { Aftermaths } from './aftermath.ts'
import type { PageSettings } from './settings.ts'

export interface LightClient {
  readonly pool: TabPeer<ChainMessage>['pool']
  readonly client: SyncClient<PeerId>
  readonly aftermaths: Aftermaths
  view(): SyncView<PeerId>
  stop(): Promise<void>
}

/** Rejects if settings or libp2p fail; storage never stops it. May be repeated. */
export async function startLightClient(settings: PageSettings, onChange: () => void): Promise<LightClient> {
  const { network, trustedPoints, firstPoints, band, rules } = settings
  const peer = await createTabPeer<ChainMessage>({
    network,
    name: 'p2p-pool-light-client',
    trustedPoints,
    messageCodec: chainCodec,
    maxMessageBytes,
    minConnections: band.min,
    expectedConnections: band.expected,
    maxConnections: band.max,
    // A light client asks and is not asked: nobody needs to reach it.
    listen: [],
    // The example's network lives on the visitor's own machine; a page for the Internet leaves this alone.
    allowPrivatePoints: true
  })
  const { pool } = peer
  const aftermaths = new Aftermaths(pool)
  const client = new SyncClient<PeerId>({ rules })
  const follower = new ChainFollower({ pool, client, onChange })
  for (const text of firstPoints) {
    const { point, expectedPeerId } = pool.parsePoint(text)
    pool.connect(point, { expectedPeerId }).catch(() => {
      // It stays known, and the pool tries it again; why it failed is an event of the pool.
    })
  }
  return {
    pool,
    client,
    aftermaths,
    view: () => client.view(follower.moment),
    async stop() {
      follower.stop()
      await peer.stop()
    }
  }
}
