/**
 * Counts the RTCPeerConnections that libp2p makes in this page, and slows down and stops before the browser does: Chromium makes no
 * more than 500 in one process until it has collected old ones, failed and closed ones among them. What libp2p has closed can be
 * collected (`releaseClosed`), so the budget is a rate. One count for all peers of the page.
 */
import type { Libp2p } from '@libp2p/interface'
import type { LinkBudget } from '../src/core/values/ports.ts'
import type { BudgetSource } from '../src/libp2p/network.ts'
import { systemClock } from '../src/libp2p/system.ts'

export interface PeerConnectionLimits {
  /** So many at once; most of Chromium's 500 are left to the application and to what is not collected yet. */
  readonly max: number
  /** From here on one at a time, so that a hostile peer or a bad network does not use up the rest in minutes. */
  readonly slowFrom: number
  readonly paceMs: number
  /** After so long each counts no longer, one after the other. */
  readonly refillMs: number
}

export class PeerConnections implements BudgetSource {
  readonly #limits: PeerConnectionLimits
  /** As of `#countedAt`. */
  #used = 0
  #countedAt = 0
  #lastAt = Number.NEGATIVE_INFINITY
  #cancelRefill: (() => void) | undefined
  readonly #watchers = new Set<() => void>()

  constructor(limits: PeerConnectionLimits) {
    this.#limits = limits
  }

  get status(): LinkBudget {
    const { max, slowFrom } = this.#limits
    const used = this.#count()
    return { used, max, state: used >= max ? 'spent' : used >= slowFrom ? 'low' : 'plenty' }
  }

  get allows(): boolean {
    const { state } = this.status
    return state === 'plenty' || (state === 'low' && systemClock.now() - this.#lastAt >= this.#limits.paceMs)
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  /** For `webRTC({ rtcConfiguration })`, which asks once for each, coming and going. */
  configuration(iceServers: readonly RTCIceServer[]): () => RTCConfiguration {
    const take = (): void => this.#take()
    return () => {
      if (!this.allows) throw new Error(`${this.status.used} of ${this.#limits.max} peer connections were made lately`)
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
    this.#used = this.#count() + 1
    this.#lastAt = systemClock.now()
    this.#changed()
  }

  #count(): number {
    const { refillMs } = this.#limits
    const now = systemClock.now()
    const refilled = Math.floor((now - this.#countedAt) / refillMs)
    this.#used = Math.max(0, this.#used - refilled)
    this.#countedAt = this.#used === 0 ? now : this.#countedAt + refilled * refillMs
    return this.#used
  }

  /** Tells the watchers, and tells them again while there may be more soon. */
  #changed(): void {
    this.#cancelRefill?.()
    this.#cancelRefill = this.status.state === 'plenty' ? undefined : systemClock.schedule(this.#limits.refillMs, () => this.#changed())
    for (const changed of this.#watchers) changed()
  }
}

export const peerConnections = new PeerConnections({ max: 200, slowFrom: 100, paceMs: 5_000, refillMs: 3_000 })

/** WebRTC is left out of some browsers, and switched off in others. */
export function hasWebRtc(): boolean {
  return typeof globalThis.RTCPeerConnection === 'function'
}

let isPatched = false

/**
 * Lets go of closed connections. @libp2p/webrtc 6.0.33 holds on to each until it fires `close`, which no browser does for a
 * connection's own `close()`; so it is fired here, for all connections of the page. Without it none is ever collected.
 */
export function releaseClosed(): void {
  if (isPatched || !hasWebRtc()) return
  isPatched = true
  const { prototype } = RTCPeerConnection
  const { close } = prototype
  prototype.close = function (this: RTCPeerConnection): void {
    const wasOpen = this.signalingState !== 'closed'
    close.call(this)
    if (wasOpen) setTimeout(() => this.dispatchEvent(new Event('close')))
  }
}

/**
 * A page that is left may be kept as it is for the back button; in Chromium only if it has no WebRTC connection any more when `pagehide` is
 * done. So those of `node` are closed then, at once: the node before has said goodbye on them. Until the returned function is
 * called.
 */
export function closeWhenLeft(node: Pick<Libp2p, 'getConnections'>): () => void {
  const { window } = globalThis as { window?: Window }
  const left = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) return
    for (const connection of node.getConnections()) {
      if (connection.remoteAddr.getComponents().some(({ name }) => name.startsWith('webrtc')))
        connection.abort(new Error('the page is left'))
    }
  }
  window?.addEventListener('pagehide', left)
  return () => window?.removeEventListener('pagehide', left)
}
