/**
 * Liveness checks: find connections whose other end left without a goodbye. A laptop sleeps, a cable is pulled, or we slept ourselves. A
 * connection that brought nothing since the last look is asked for an answer, and ends as `lost` without one. Nobody is blamed for a
 * silence in which our own clock stood still. While the pool is suspended there is no timer. Called by `maintenance.ts`.
 */
import type { FlowConnection, FlowContext } from './context.ts'
import { NetworkCheck, silentOf } from './network-check.ts'

/** Longer than any round trip; with a new dial after it a page is back within ten seconds. docs/protocol.md repeats this and the tries; a test compares. */
export const answerWithinMs = 4_000
/** In a quiet hour one lost answer must not end a connection. After a sleep a quick answer is worth more. */
export const quietTries = 2
export class Liveness {
  readonly #context: FlowContext
  readonly #networkCheck: NetworkCheck
  /** Bytes received of each connection at the last look. */
  #heard = new Map<FlowConnection, number>()
  /** Those whose answer is waited for. */
  readonly #asked = new Set<FlowConnection>()
  /** Ends that wait. */
  #patience = new AbortController()
  #cancelLook: (() => void) | undefined
  #awake = false

  constructor(context: FlowContext) {
    this.#context = context
    this.#networkCheck = new NetworkCheck(context)
  }

  /** Looks at intervals from now on, while there are connections. */
  start(): void {
    this.#awake = true
    this.#plan()
    this.#networkCheck.start()
  }

  /** Looks no more. Answers are still waited for. */
  rest(): void {
    this.#awake = false
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#heard.clear()
    this.#networkCheck.stop()
  }

  stop(): void {
    this.rest()
    this.#forget()
  }

  /** There is a connection to look after. */
  established(): void {
    if (this.#cancelLook === undefined) this.#plan()
    if (this.#awake) this.#networkCheck.established()
  }

  /** Asks all connections now: for a pool that was away. */
  askAll(): void {
    this.#forget()
    void this.#ask([...this.#context.state.connections()], 1)
  }

  #forget(): void {
    this.#patience.abort()
    this.#patience = new AbortController()
    this.#asked.clear()
  }

  #plan(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    const { config, state, clock } = this.#context
    if (!this.#awake || !config.keepAliveIntervalMs || state.active === 0) return
    this.#cancelLook = clock.schedule(config.keepAliveIntervalMs, () => {
      this.#look()
      this.#plan()
    })
  }

  #look(): void {
    const connections = [...this.#context.state.connections()]
    const silent = connections.filter(
      (connection) => this.#heard.get(connection) === connection.bytesReceived && !this.#asked.has(connection)
    )
    this.#heard = new Map(connections.map((connection) => [connection, connection.bytesReceived]))
    void this.#ask(silent, quietTries)
  }

  /** Never rejects. */
  async #ask(connections: readonly FlowConnection[], tries: number): Promise<void> {
    const { clock } = this.#context
    const { signal } = this.#patience
    for (const connection of connections) this.#asked.add(connection)
    let silent = connections
    for (let left = tries; left > 0 && silent.length > 0; left--) {
      silent = await silentOf(silent, { clock, withinMs: answerWithinMs, signal })
      if (signal.aborted) return
    }
    for (const connection of connections) this.#asked.delete(connection)
    for (const connection of silent) connection.lose()
  }
}
