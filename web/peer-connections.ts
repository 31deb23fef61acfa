/**
 * Counts the RTCPeerConnections that libp2p makes in this page, and slows down and stops before the browser does: Chromium
 * makes no more than 500 in one process until it has collected old ones, failed and closed ones among them, and when it does
 * that nobody knows (156 here: neither seconds nor a reload brought them back). One count for all peers of the page.
 */
import type { Libp2p } from '@libp2p/interface'
import type { LinkBudget } from '../src/core/values/ports.ts'
import type { BudgetSource } from '../src/libp2p/network.ts'
import { systemClock } from '../src/libp2p/system.ts'

export interface PeerConnectionLimits {
  /** A hundred are left to the application, and to what an earlier page of the process has left uncollected. */
  readonly max: number
  /** From here on one at a time, so that a hostile peer or a bad network does not use up the rest in minutes. */
  readonly slowFrom: number
  readonly paceMs: number
}

export class PeerConnections implements BudgetSource {
  readonly #limits: PeerConnectionLimits
  #made = 0
  #lastAt = Number.NEGATIVE_INFINITY
  readonly #watchers = new Set<() => void>()

  constructor(limits: PeerConnectionLimits) {
    this.#limits = limits
  }

  get status(): LinkBudget {
    const { max, slowFrom } = this.#limits
    return { used: this.#made, max, state: this.#made >= max ? 'spent' : this.#made >= slowFrom ? 'low' : 'plenty' }
  }

  get allows(): boolean {
    const { max, slowFrom, paceMs } = this.#limits
    return this.#made < slowFrom || (this.#made < max && systemClock.now() - this.#lastAt >= paceMs)
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  /** For `webRTC({ rtcConfiguration })`, which asks once for each, coming and going. */
  configuration(iceServers: readonly RTCIceServer[]): () => RTCConfiguration {
    const take = (): void => this.#take()
    return () => {
      if (!this.allows) throw new Error(`${this.#made} of ${this.#limits.max} peer connections of this page are made: no more now`)
      // Read once, by the constructor itself: a dial that fails before costs nothing.
      const counted: RTCConfiguration = {
        get bundlePolicy() {
          take()
          return 'balanced' as const
        }
      }
      return Object.assign(counted, { iceServers: [...iceServers] })
    }
  }

  #take(): void {
    this.#made++
    this.#lastAt = systemClock.now()
    for (const changed of this.#watchers) changed()
  }
}

export const peerConnections = new PeerConnections({ max: 400, slowFrom: 200, paceMs: 20_000 })

/**
 * A page that is left may be kept as it is for the back button; in Chromium only if it has no WebRTC connection any more when `pagehide` is
 * done. So those of `node` are closed then, at once: whoever listened before has said goodbye on them. Until the returned function is
 * called.
 */
export function closeWhenLeft(node: Pick<Libp2p, 'getConnections'>): () => void {
  const { window } = globalThis as { window?: Window }
  const left = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) return
    for (const connection of node.getConnections()) {
      if (connection.remoteAddr.getComponents().some(({ name }) => name === 'webrtc')) connection.abort(new Error('the page is left'))
    }
  }
  window?.addEventListener('pagehide', left)
  return () => window?.removeEventListener('pagehide', left)
}
