/** Who was refused lately when it dialed us, so that a person who asks is told why. Memory only. Read by `explanations.ts`. */
import type { FlowContext } from '../flows/context.ts'
import type { PeerId } from '../values/ids.ts'
import { describeRejection } from '../values/reason.ts'

/** Peers remembered; the one that was refused longest ago goes first. */
const maxRefusals = 128

export class Refusals {
  readonly #refused = new Map<PeerId, { readonly at: number; readonly why: string }>()

  /** Listens from now on, as long as the pool lives. */
  constructor({ events, clock }: Pick<FlowContext<never, never, never>, 'events' | 'clock'>) {
    events.addEventListener('handshake-refused', ({ detail: { direction, peerId, rejection } }) => {
      if (direction !== 'incoming' || peerId === undefined) return
      this.#refused.delete(peerId)
      this.#refused.set(peerId, { at: clock.now(), why: describeRejection(rejection) })
      for (const oldest of this.#refused.keys()) {
        if (this.#refused.size <= maxRefusals) break
        this.#refused.delete(oldest)
      }
    })
  }

  /** The last one of that peer, `at` by the monotonic clock. */
  of(peerId: PeerId): { readonly at: number; readonly why: string } | undefined {
    return this.#refused.get(peerId)
  }
}
