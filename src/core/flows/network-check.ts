/**
 * Notices that our own way into the network is another one: a router got a new public address, a laptop changed networks. On Node nobody says
 * so, and links that are dead look alive. When a second brings nothing from any peer, one is asked for a sign of life. If it gives none, a
 * second connection is made to its address. If that works, all are asked. If the first one still gives no answer, its old connection is dead;
 * if nobody gives an answer, all are. While nothing works, nobody is given up: a network that was away for a moment comes back.
 * Called by `probing.ts`.
 */

import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'
import { abortable } from './waits.ts'

/** Between two looks, and for an answer: so many of them in `keepAliveIntervalMs`. */
const looksInSilence = 20
/** No look comes sooner, and no peer has less time for its answer, ms. */
const minIntervalMs = 1_000
/** A question that took so much longer than its time proves nothing: our own clock stood still, ms. */
const lateByMs = 1_000
/** The second connection must be there within so many intervals. */
const reachIntervals = 3
/** Second connections to one peer: so many in so long, ms. A peer that answers late on purpose could point its name at another host. */
const maxReaches = 3
const reachesInMs = 600_000
/** A younger connection tells nothing of the network: peers that come and go all the time must not be dialed as often, ms. */
const settledMs = 10_000

export class NetworkCheck<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #intervalMs: number
  #cancelLook: (() => void) | undefined
  /** Bytes received on all connections, as of the last look. */
  #heard = -1
  /** When second connections were made to each. */
  readonly #reaches = new WeakMap<Connection<Msg, ConnMeta>, readonly number[]>()
  /** Each time another one is asked. */
  #turn = 0
  /** Who was asked last. */
  #last: Connection<Msg, ConnMeta> | undefined
  /** Fires when nothing comes of the question that is out. */
  #asking: AbortController | undefined

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
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
    if (config.keepAliveIntervalMs === null || this.#able.length === 0) return
    this.#cancelLook = clock.schedule(this.#intervalMs, () => {
      this.#look()
      this.#plan()
    })
  }

  /** Only what we dialed ourselves can be dialed once more. */
  get #able(): Connection<Msg, ConnMeta>[] {
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
    this.#last = able[this.#turn++ % able.length]
    if (this.#last !== undefined && (isQuiet || isBroken)) void this.#check(this.#last, isBroken)
  }

  /** Never rejects. */
  async #check(asked: Connection<Msg, ConnMeta>, isUrgent: boolean): Promise<void> {
    const asking = new AbortController()
    this.#asking = asking
    const { state, clock } = this.#context
    if (!isUrgent && !(await this.#silentOf([asked])).has(asked)) return this.#done(asking)
    const others = [...state.connections()].filter((connection) => connection !== asked)
    if (!this.#mayReach(asked) || !(await this.#isReached(asked, asking.signal))) return this.#done(asking)
    // Asked once more after the new connection works: a peer that was busy for some seconds answers now.
    const silent = await this.#silentOf([asked, ...others])
    if (!asking.signal.aborted && silent.has(asked)) {
      const isAlone = others.every((other) => silent.has(other))
      const isSettled = clock.now() - asked.startedAt >= settledMs
      if (isSettled && isAlone) state.resetReconnections()
      // What has just been reached may be dialed at once.
      else if (isSettled) state.noteAwake()
      for (const connection of isAlone ? silent : [asked]) connection.lose()
    }
    this.#done(asking)
  }

  #done(asking: AbortController): void {
    if (this.#asking === asking) this.#asking = undefined
  }

  /** Those that give no sign of life in time, or have broken. */
  async #silentOf(connections: readonly Connection<Msg, ConnMeta>[]): Promise<Set<Connection<Msg, ConnMeta>>> {
    const { clock } = this.#context
    const patience = new AbortController()
    const [askedAt, askedOn] = [clock.now(), clock.date()]
    const silent = new Set(connections)
    const before = new Map(connections.map((connection) => [connection, connection.bytesReceived]))
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(this.#intervalMs, resolve)
      for (const connection of connections) {
        const answered = (): void => {
          if (connection.ending === undefined) silent.delete(connection)
          if (silent.size > 0) return
          cancel()
          resolve()
        }
        connection.probe(patience.signal).then(answered, () => undefined)
      }
    })
    patience.abort()
    const tookMs = Math.max(clock.now() - askedAt, clock.date() - askedOn)
    if (tookMs > this.#intervalMs + lateByMs) return new Set()
    for (const connection of silent) if (connection.bytesReceived !== before.get(connection)) silent.delete(connection)
    return silent
  }

  /** Counts it if so. */
  #mayReach(connection: Connection<Msg, ConnMeta>): boolean {
    const now = this.#context.clock.now()
    const recent = (this.#reaches.get(connection) ?? []).filter((at) => now - at < reachesInMs)
    if (recent.length >= maxReaches) return false
    this.#reaches.set(connection, [...recent, now])
    return true
  }

  /** A new connection to the same address works. */
  async #isReached(connection: Connection<Msg, ConnMeta>, given: AbortSignal): Promise<boolean> {
    const patience = new AbortController()
    const end = (): void => patience.abort()
    const cancel = this.#context.clock.schedule(reachIntervals * this.#intervalMs, end)
    given.addEventListener('abort', end)
    try {
      await abortable(connection.reach(patience.signal), patience.signal)
      return !patience.signal.aborted
    } catch {
      return false
    } finally {
      cancel()
      given.removeEventListener('abort', end)
    }
  }
}
