/**
 * The peer in the middle: it knows its guests, each by a stream that the guest has opened, and joins the stream of a peer that asks with one to
 * the guest. Which peers it introduces, and how often, is for the core to say. Used by `introductions.ts`.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { PeerId, Point } from '../core/values/ids.ts'
import { Budgets } from './introduction-budget.ts'
import type { IntroductionHost } from './introduction-host.ts'
import { agreed, type IntroductionAnswer, sendMessage } from './introduction-message.ts'
import { closeSoon, hold, splice } from './introduction-splice.ts'

interface Guest {
  readonly stream: Stream
  readonly connection: Connection
}

export class Introducer {
  readonly #host: IntroductionHost
  /** At most one for each connection of the pool. */
  readonly #guests = new Map<PeerId, Guest>()
  readonly #budgets: Budgets

  constructor(host: IntroductionHost) {
    this.#host = host
    this.#budgets = new Budgets(host.clock)
  }

  /** The point of a guest that can be reached now. */
  pointOf(guest: PeerId): Point | undefined {
    const { peerId, holdsReservation } = this.#host.parts.network
    // Everybody can come over a relay.
    if (this.#present(guest) === undefined || holdsReservation?.(guest) === true) return undefined
    return `/p2p/${peerId}/p2p-circuit/webrtc/p2p/${guest}` as Point
  }

  stop(): void {
    for (const { stream } of this.#guests.values()) closeSoon(stream, this.#host.clock)
  }

  #present(guest: PeerId): Guest | undefined {
    const held = this.#guests.get(guest)
    return held !== undefined && held.stream.status === 'open' && this.#host.runsOn(held.connection) ? held : undefined
  }

  /** It may be introduced to others for as long as the stream is open. */
  admit(stream: Stream, connection: Connection): void {
    const peerId = connection.remotePeer.toString() as PeerId
    this.#guests.get(peerId)?.stream.abort(new Error('another stream says it too'))
    this.#guests.set(peerId, { stream, connection })
    stream.addEventListener('close', () => {
      if (this.#guests.get(peerId)?.stream === stream) this.#guests.delete(peerId)
    })
    hold(stream)
    sendMessage(stream, { kind: 'ok' })
    this.#host.parts.handlers.reserved(peerId)
  }

  /** Resolves when it is over. Rejects with what libp2p says when the stream can take nothing. */
  async introduce(stream: Stream, asker: Connection, to: PeerId): Promise<void> {
    const from = asker.remotePeer.toString() as PeerId
    const guest = this.#present(to)
    if (guest === undefined) return this.#answer(stream, 'unknown')
    const budgets = this.#budgets.of(asker)
    if (budgets === undefined) return this.#answer(stream, 'refused')
    const cut = new AbortController()
    const over = this.#host.parts.handlers.introduces(from, to, () => cut.abort())
    if (over === undefined) return this.#answer(stream, 'refused')
    try {
      const onward = await agreed(guest.connection, { kind: 'visit', peerId: from }, { clock: this.#host.clock, given: [cut.signal] })
      if (onward === undefined) return this.#answer(stream, 'failed')
      // Before the answer: if that throws, the guest's stream ends too.
      const joined = splice([stream, onward], this.#host.clock, { budgets, signal: cut.signal })
      sendMessage(stream, { kind: 'ok' })
      await joined
    } finally {
      over()
    }
  }

  #answer(stream: Stream, kind: IntroductionAnswer): void {
    sendMessage(stream, { kind })
    closeSoon(stream, this.#host.clock)
  }
}
