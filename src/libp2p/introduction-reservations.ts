/**
 * The peers that may introduce others to us: each is asked over the running connection with it, and holds the reservation for as long as the stream of
 * the request is open. One that refuses, or does not know introductions, is asked again later while it is connected. Used by `introductions.ts`.
 */
import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../core/values/ids.ts'
import type { Clock } from '../core/values/ports.ts'
import { closeSoon, hold } from './introduction-splice.ts'

/** An introducer that has opened its pool a moment later than we have is asked again soon, others ever more rarely. */
const firstWaitMs = 2_000
const waitFactor = 4
const maxWaitMs = 300_000

export interface ReservationsOptions {
  readonly clock: Clock
  /** The open stream of a reservation; `undefined`: the peer gives none now. Never rejects. */
  readonly ask: (introducer: PeerId) => Promise<Stream | undefined>
  /** Is it still connected? */
  readonly isWanted: (introducer: PeerId) => boolean
}

interface Asking {
  /** Of the reservation. */
  readonly stream?: Stream
  /** Of the next request. Neither: one is on its way. */
  readonly cancel?: () => void
}

export class Reservations {
  readonly #options: ReservationsOptions
  /** Peers that hold a reservation of ours, or are asked for one. At most one for each connection of the pool, and those that ended lately. */
  readonly #asked = new Map<PeerId, Asking>()

  constructor(options: ReservationsOptions) {
    this.#options = options
  }

  /** Asks it until it gives a reservation, and again when that ends, while it is connected. At once if it waited for the next request. */
  want(introducer: PeerId): void {
    const { stream, cancel } = this.#asked.get(introducer) ?? { cancel: () => undefined }
    if (stream !== undefined || cancel === undefined) return
    cancel()
    void this.#ask(introducer, firstWaitMs)
  }

  /** A visit may overtake the answer of its introducer, which comes on another stream: one that is asked now counts, too. */
  has(introducer: PeerId): boolean {
    const asked = this.#asked.get(introducer)
    return asked !== undefined && asked.cancel === undefined && (asked.stream === undefined || asked.stream.status === 'open')
  }

  stop(): void {
    for (const { stream, cancel } of this.#asked.values()) {
      cancel?.()
      if (stream !== undefined) closeSoon(stream, this.#options.clock)
    }
    this.#asked.clear()
  }

  async #ask(introducer: PeerId, waitMs: number): Promise<void> {
    const { ask, isWanted } = this.#options
    const asking: Asking = {}
    this.#asked.set(introducer, asking)
    const stream = isWanted(introducer) ? await ask(introducer) : undefined
    if (this.#asked.get(introducer) !== asking) stream?.abort(new Error('stopped meanwhile'))
    else if (!isWanted(introducer)) {
      stream?.abort(new Error('not connected any more'))
      this.#asked.delete(introducer)
    } else if (stream?.status !== 'open') this.#askLater(introducer, waitMs, Math.min(waitFactor * waitMs, maxWaitMs))
    else {
      this.#asked.set(introducer, { stream })
      hold(stream)
      stream.addEventListener('close', () => {
        if (this.#asked.get(introducer)?.stream === stream) this.#askLater(introducer, firstWaitMs, waitFactor * firstWaitMs)
      })
    }
  }

  #askLater(introducer: PeerId, inMs: number, nextMs: number): void {
    const cancel = this.#options.clock.schedule(inMs, () => void this.#ask(introducer, nextMs))
    this.#asked.set(introducer, { cancel })
  }
}
