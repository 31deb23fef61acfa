/**
 * A peer that is kept out from now on, by a ban, a greylisting or private mode, loses all links and connections at once, whatever brought
 * it about: also by what a storage brings that could only be read while peers were connected. Called by the pool for each of its events.
 */
import { isShutOut } from '../decisions/admission.ts'
import type { PoolEventName } from '../values/events.ts'
import type { FlowContext } from './context.ts'

const events: ReadonlySet<PoolEventName> = new Set([
  'greylisted',
  'peer-banned',
  'host-banned',
  'range-banned',
  'trust-changed',
  'storage-loaded'
])

export class Expulsion<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  #isDue = false

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
  }

  /** Many events of one turn are one look, which waits for its end: an event may be emitted in the middle of a change. */
  told(type: PoolEventName): void {
    if (this.#isDue || !events.has(type)) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#look()
    })
  }

  /** Peers that run on a greylisted host stay: others may share it. */
  #look(): void {
    const { state, network } = this.#context
    for (const attempt of [...state.attempts()]) {
      const { peerId } = attempt
      if (peerId !== undefined && state.access.peerBlock(peerId) !== undefined)
        attempt.cancel({ kind: 'cancelled', detail: `${peerId} is kept out` })
    }
    for (const connection of [...state.connections()]) {
      const { peerId, point, host } = connection
      const isStranger = !state.access.isTrusted(peerId, point) && isShutOut(state, peerId, { host, direction: 'incoming' })
      if (state.access.peerBlock(peerId) !== undefined) void connection.disconnect({ kind: 'peer-banned' })
      else if (isStranger) void connection.disconnect({ kind: 'explicit', text: 'private mode' })
    }
    network.endDenied?.()
  }
}
