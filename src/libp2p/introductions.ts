/**
 * The port's `Introductions` on libp2p: peers reach each other over WebRTC through a peer that both are connected with. Loaded by
 * `late-introductions.ts` when the core allows it; nothing of it is there before.
 *
 * It has a protocol of its own. Libp2p's relay protocol would make pages relays for all libp2p nodes that they meet, whose circuit listeners throw
 * for one behind WebRTC (@libp2p/circuit-relay-v2 4.2.13), and its server counts nothing by peer.
 */
import type { Connection, Stream, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { deadline } from '../core/flows/waits.ts'
import type { PeerId, Point } from '../core/values/ids.ts'
import { call, receive, refuse } from './introduced.ts'
import { Introducer } from './introducer.ts'
import { answerMs, IntroductionHost, type IntroductionParts, introductionProtocol } from './introduction-host.ts'
import { agreed, readMessage } from './introduction-message.ts'
import { Reservations } from './introduction-reservations.ts'

/** Streams of the protocol that one peer may have open to us: one as a guest, and introductions. */
const maxInboundStreams = 8
/** Streams that one connection opens in ten seconds; further ones are reset unread. The core counts introductions by itself, and refuses in words. */
const maxStreamsPerWindow = 32
const windowMs = 10_000

/** Introductions of this network, from now on. Rejects if libp2p does not take the protocol. */
export async function introduce(parts: IntroductionParts): Promise<Libp2pIntroductions> {
  const made = new Libp2pIntroductions(parts)
  await made.begin()
  return made
}

export class Libp2pIntroductions {
  readonly #host: IntroductionHost
  readonly #introducer: Introducer
  readonly #reservations: Reservations
  readonly #opened = new WeakMap<Connection, { readonly since: number; count: number }>()

  constructor(parts: IntroductionParts) {
    this.#host = new IntroductionHost(parts)
    this.#introducer = new Introducer(this.#host)
    this.#reservations = new Reservations({
      clock: parts.clock,
      ask: async (introducer) => {
        const connection = this.#host.connectionWith(introducer)
        return connection && agreed(connection, { kind: 'guest' }, parts)
      },
      isWanted: (introducer) => this.#host.connectionWith(introducer) !== undefined
    })
  }

  /** Registers the protocol, and takes over the dials of introduction points. */
  async begin(): Promise<void> {
    const { registrar, transportManager } = this.#host.parts.components
    const dial: Transport['dial'] = (address, { signal }) => {
      const [by = '', , to = ''] = address.getComponents().map(({ value }) => value)
      return call(this.#host, { by, to }, signal)
    }
    const transport = { [Symbol.toStringTag]: 'p2p-pool-introductions', dial } as Transport
    const find = transportManager.dialTransportForMultiaddr.bind(transportManager)
    // Libp2p's circuit transport would take these addresses too, and no transport that is added later comes before it.
    transportManager.dialTransportForMultiaddr = (address) => (isOfIntroduction(address) ? transport : find(address))
    // Invitations are for when the server of a page is gone: their code is loaded while it is there.
    import('./copied-signalling.ts').catch(() => undefined)
    const options = { maxInboundStreams, maxOutboundStreams: 2 * maxInboundStreams }
    await registrar.handle(introductionProtocol, (stream, connection) => void this.#take(stream, connection), options)
  }

  /** False for an introduction point whose introducer is not connected. */
  canReach(point: Point): boolean {
    const [, first, introducer] = point.split('/')
    return first !== 'p2p' || this.#host.connectionWith(introducer) !== undefined
  }

  reserve(introducer: PeerId): void {
    if (this.#host.signalingHandler !== undefined && this.#host.noise !== undefined) this.#reservations.want(introducer)
  }

  pointOf(guest: PeerId): Point | undefined {
    return this.#introducer.pointOf(guest)
  }

  /** Ends all reservations. What runs ends with its connection. */
  stop(): void {
    this.#reservations.stop()
    this.#introducer.stop()
  }

  /** A stream that another peer opened. Never rejects. */
  async #take(stream: Stream, connection: Connection): Promise<void> {
    const late = deadline(this.#host.clock, answerMs)
    try {
      if (!this.#host.runsOn(connection)) throw new Error('the pool does not run with this peer')
      if (!this.#isInRate(connection)) throw new Error('too many requests')
      const from = connection.remotePeer.toString() as PeerId
      const request = await readMessage(stream, late.signal)
      late.cancel()
      const named = 'peerId' in request ? this.#host.parts.network.tryParsePeerId(request.peerId) : undefined
      if (request.kind === 'guest') this.#introducer.admit(stream, connection)
      else if (request.kind === 'introduce' && named !== undefined) await this.#introducer.introduce(stream, connection, named)
      else if (request.kind === 'visit' && named !== undefined) await this.#visit(stream, { from: named, by: from })
      else throw new Error('not a request')
    } catch (error) {
      stream.abort(error as Error)
    } finally {
      late.cancel()
    }
  }

  async #visit(stream: Stream, visit: { readonly from: PeerId; readonly by: PeerId }): Promise<void> {
    const { handlers } = this.#host.parts
    if (this.#reservations.has(visit.by) && handlers.introduced(visit.from, visit.by)) await receive(this.#host, stream, visit)
    else refuse(this.#host, stream)
  }

  #isInRate(connection: Connection): boolean {
    const now = this.#host.clock.now()
    const known = this.#opened.get(connection)
    const window = known !== undefined && now - known.since < windowMs ? known : { since: now, count: 0 }
    this.#opened.set(connection, window)
    return ++window.count <= maxStreamsPerWindow
  }
}

/** `/p2p/INTRODUCER/p2p-circuit/p2p/PEER`: what libp2p's WebRTC dials first for an introduction point. */
function isOfIntroduction(address: Multiaddr): boolean {
  const names = address.getComponents().map(({ name }) => name)
  return names.join('/') === 'p2p/p2p-circuit/p2p'
}
