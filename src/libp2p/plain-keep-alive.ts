/**
 * Keeps connections with plain peers open. Some implementations close a connection on which nothing runs: rust-libp2p after ten
 * seconds, by default. A pool link is a stream of its own; a plain link has none, so a short stream is opened now and then. Called by
 * `plain-peers.ts`.
 */
import type { Connection } from '@libp2p/interface'
import type { Clock } from '../core/values/ports.ts'
import { probe } from './probe.ts'

/** Twice within rust-libp2p's ten seconds, and time for a slow answer, ms. libp2p's own monitor, which the presets turn off, opens one every ten seconds. */
const intervalMs = 4_000
/** These streams are short, or rust-libp2p does not count them: an open ping stream keeps nothing alive. */
const countsForNothing = /^$|^\/ipfs\/(ping|id)\//

export class PlainKeepAlive {
  readonly #clock: Clock
  /** One for each plain link: at most as many as the pool has connections and handshakes. */
  readonly #connections = new Set<Connection>()
  #cancel: (() => void) | undefined
  #resting = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(connection: Connection): void {
    this.#connections.add(connection)
    this.#plan()
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#stop()
  }

  /** A suspended pool has no timer. */
  rest(resting: boolean): void {
    this.#resting = resting
    if (resting) this.#stop()
    else this.#plan()
  }

  #stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #plan(): void {
    if (this.#resting || this.#cancel !== undefined || this.#connections.size === 0) return
    this.#cancel = this.#clock.schedule(intervalMs, () => {
      this.#cancel = undefined
      for (const connection of this.#connections) void keepOpen(connection)
      this.#plan()
    })
  }
}

async function keepOpen(connection: Connection): Promise<void> {
  if (connection.status !== 'open' || connection.streams.some(({ protocol }) => !countsForNothing.test(protocol))) return
  try {
    await probe(connection, AbortSignal.timeout(intervalMs), true)
  } catch {
    // No answer. Whether the peer is gone is for the pool to find out.
  }
}
