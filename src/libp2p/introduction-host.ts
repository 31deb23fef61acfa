/** What the parts of introductions have in common: the network that they belong to, and the connections on which its pool runs. */
import type { Connection, ConnectionEncrypter, StreamHandler, Upgrader } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { PeerId } from '../core/values/ids.ts'
import type { Clock, IntroductionHandlers, Network } from '../core/values/ports.ts'
import type { ConnectionKeeper } from './connection-keeper.ts'

/** The protocol of introductions on libp2p. `connection-keeper.ts` knows it: its streams keep no connection open. */
export const introductionProtocol = '/p2p-pool/introduce/1.0.0'
/** For a request to come, and for its answer, ms. */
export const answerMs = 5_000

const signalingProtocol = '/webrtc-signaling/0.0.1'

/** What introductions need. */
export interface IntroductionParts {
  readonly components: {
    readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
    readonly registrar: Pick<Registrar, 'handle' | 'getHandler'>
    readonly transportManager: Pick<TransportManager, 'dialTransportForMultiaddr'>
    readonly upgrader: Pick<Upgrader, 'getConnectionEncrypters'>
  }
  readonly clock: Clock
  readonly handlers: IntroductionHandlers
  readonly network: {
    readonly peerId: PeerId
    readonly keeper: Pick<ConnectionKeeper, 'carriesLink'>
    readonly holdsReservation: Network['holdsReservation']
    readonly tryParsePeerId: Network['tryParsePeerId']
  }
}

export class IntroductionHost {
  readonly parts: IntroductionParts

  constructor(parts: IntroductionParts) {
    // Libp2p's components are a slow proxy: taken out once.
    const { connectionManager, registrar, transportManager, upgrader } = parts.components
    this.parts = { ...parts, components: { connectionManager, registrar, transportManager, upgrader } }
  }

  get clock(): Clock {
    return this.parts.clock
  }

  /** The pool runs, or shakes hands, on this connection. */
  runsOn(connection: Connection): boolean {
    return connection.status === 'open' && connection.limits === undefined && this.parts.network.keeper.carriesLink(connection)
  }

  /** Compared by text, which libp2p keeps: the core asks for each point that it looks at. */
  connectionWith(peerId: string | undefined): Connection | undefined {
    const all = this.parts.components.connectionManager.getConnections()
    return all.find((connection) => connection.remotePeer.toString() === peerId && this.runsOn(connection))
  }

  /** `undefined`: this node encrypts in other ways only. */
  get noise(): ConnectionEncrypter | undefined {
    return this.parts.components.upgrader.getConnectionEncrypters().get('/noise')
  }

  /** WebRTC's, which takes the calls of others; `undefined`: this node has none. */
  get signalingHandler(): StreamHandler | undefined {
    try {
      return this.parts.components.registrar.getHandler(signalingProtocol).handler
    } catch {
      return undefined
    }
  }
}
