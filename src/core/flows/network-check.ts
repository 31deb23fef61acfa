/**
 * Notices that our own way into the network has changed: the router got a new public address, a laptop changed networks. Node never says
 * so, and dead connections look alive. When an interval brings nothing from any peer, one is asked for an answer. Without one, a second
 * connection is made to its address. If that works, all are asked. If the first still gives no answer, its old connection is dead; if
 * nobody does, all are. While nothing works, nobody is given up: a network that was away for a moment comes back. Called by `liveness.ts`.
 */
import type { Clock } from '../values/ports.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import { abortable, deadline } from './waits.ts'

/** Between two looks, and for an answer: so many of them in `keepAliveIntervalMs`. */
const looksInSilence = 20
/** A look wakes a page and its browser, which drains a battery: where the pool is a page's, one look has the time of so many. */
const pageFactor = 4
/** No look comes sooner, and no peer has less time for its answer, ms. */
const minIntervalMs = 1_000
/** A timer that is so late shows that our machine slept, or was too busy to hear the answer. */
const lateByMs = 1_000
/** The second connection must be there within so many intervals. */
const reachIntervals = 3
/** Second connections to one peer: so many in so long, ms. A peer that answers late on purpose could point its name at another host. */
const maxReaches = 3
const reachesInMs = 600_000
/** A younger connection tells nothing of the network: peers that come and go all the time must not be dialed as often, ms. */
const settledMs = 10_000

export class NetworkCheck {
  readonly #context: FlowContext
  readonly #intervalMs: number
  #cancelLook: (() => void) | undefined
  /** Bytes received on all connections, as of the last look. */
  #heard = -1
  /** When second connections were made to each. */
  readonly #reaches = new WeakMap<FlowConnection, readonly number[]>()
  /** Each time another one is asked. */
  #asked = 0
  /** Who was asked last. */
  #last: FlowConnection | undefined
  /** Fires when nothing comes of the question that is out. */
  #asking: AbortController | undefined

  constructor(context: FlowContext) {
    this.#context = context
    this.#intervalMs = Math.max(minIntervalMs, (context.config.keepAliveIntervalMs ?? 0) / looksInSilence)
  }

  /** Looks from now on, while there are connections that can tell something. */
  start(): void {
    this.stop()
    this.#plan()
  }

  /** There may be one now. */
  established(): void {
    if (this.#cancelLook === undefined) this.#plan()
  }

  /** Looks no more; nothing comes of a question that is out. */
  stop(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#asking?.abort()
    this.#asking = undefined
    this.#last = undefined
  }

  #plan(): void {
    const { config, clock } = this.#context
    this.#cancelLook = undefined
    if (!config.keepAliveIntervalMs || this.#able.length === 0) return
    this.#cancelLook = clock.schedule(this.#intervalMs * (config.suspendedBand ? pageFactor : 1), () => {
      this.#look()
      this.#plan()
    })
  }

  /** Only what we dialed ourselves can be dialed once more. */
  get #able(): FlowConnection[] {
    return [...this.#context.state.connections()].filter(({ canReach }) => canReach)
  }

  #look(): void {
    if (this.#asking !== undefined) return
    let heard = 0
    for (const { bytesReceived } of this.#context.state.connections()) heard += bytesReceived
    const isQuiet = heard === this.#heard
    this.#heard = heard
    // One that broke when it was asked may not be the only one.
    const isBroken = this.#last?.ending?.by === 'network'
    const able = this.#able
    this.#last = able[this.#asked++ % able.length]
    if (this.#last !== undefined && (isQuiet || isBroken)) void this.#check(this.#last, isBroken)
  }

  async #check(asked: FlowConnection, isUrgent: boolean): Promise<void> {
    this.#asking = new AbortController()
    const { signal } = this.#asking
    const isSilent = isUrgent || (await this.#silentOf([asked], signal)).length > 0
    if (isSilent && !signal.aborted && this.#mayReach(asked) && (await this.#isReached(asked, signal))) await this.#judge(asked, signal)
    if (!signal.aborted) this.#asking = undefined
  }

  /** Asked once more after the second connection works: a peer that was busy for some seconds answers now. */
  async #judge(asked: FlowConnection, signal: AbortSignal): Promise<void> {
    const { state, clock } = this.#context
    const others = [...state.connections()].filter((connection) => connection !== asked)
    const silent = await this.#silentOf([asked, ...others], signal)
    if (signal.aborted || !silent.includes(asked)) return
    const isAlone = others.every((other) => silent.includes(other))
    if (clock.now() - asked.startedAt >= settledMs) {
      if (isAlone) state.resetReconnections()
      // What has just been reached may be dialed at once.
      else state.noteAwake()
    }
    for (const connection of isAlone ? silent : [asked]) connection.lose()
  }

  #silentOf(connections: readonly FlowConnection[], signal: AbortSignal): Promise<FlowConnection[]> {
    return silentOf(connections, { clock: this.#context.clock, withinMs: this.#intervalMs, signal })
  }

  /** Counts it if so. */
  #mayReach(connection: FlowConnection): boolean {
    const now = this.#context.clock.now()
    const recent = (this.#reaches.get(connection) ?? []).filter((at) => now - at < reachesInMs)
    if (recent.length >= maxReaches) return false
    this.#reaches.set(connection, [...recent, now])
    return true
  }

  async #isReached(connection: FlowConnection, given: AbortSignal): Promise<boolean> {
    const { signal, cancel } = deadline(this.#context.clock, reachIntervals * this.#intervalMs, { given: [given] })
    try {
      await abortable(connection.reach(signal), signal)
      return !signal.aborted
    } catch {
      return false
    } finally {
      cancel()
    }
  }
}

/**
 * Asks all at once; resolves with those that gave no answer in time or have ended. An answer may lie unread where our own clock stood still
 * meanwhile: that round shows nothing, and another one begins. Resolves early when the signal fires. Never rejects.
 */
export async function silentOf(
  connections: readonly FlowConnection[],
  { clock, withinMs, signal }: { clock: Clock; withinMs: number; signal: AbortSignal }
): Promise<FlowConnection[]> {
  for (;;) {
    const patience = new AbortController()
    const [askedAt, askedOn] = [clock.now(), clock.date()]
    const silent = new Map(connections.map((connection) => [connection, connection.bytesReceived]))
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(withinMs, resolve)
      const done = (): void => {
        cancel()
        resolve()
      }
      signal.addEventListener('abort', done, { signal: patience.signal })
      for (const connection of connections) {
        const answered = (): void => {
          if (connection.ending === undefined) silent.delete(connection)
          if (silent.size === 0) done()
        }
        connection.probe(patience.signal).then(answered, () => undefined)
      }
    })
    patience.abort()
    for (const [connection, bytes] of silent) if (connection.bytesReceived !== bytes) silent.delete(connection)
    const tookMs = Math.max(clock.now() - askedAt, clock.date() - askedOn)
    if (tookMs <= withinMs + lateByMs || silent.size === 0 || signal.aborted) return [...silent.keys()]
  }
}
