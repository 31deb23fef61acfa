/**
 * Finds links whose other end went without a word: a laptop that sleeps, a cable that was pulled, and after a sleep of our own
 * all that was lost meanwhile. A link that brought nothing since the last look is asked for a sign of life; one
 * that gives none ends as `lost`. Nothing is held against a peer for a silence in which our own clock stood still.
 * Called by `peer-pool.ts`. While the pool is suspended it has no timer.
 */
import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'
import { NetworkCheck } from './network-check.ts'

/** docs/protocol.md repeats this and the tries; a test compares. Four seconds are more than any round trip; with a new dial after it a page is back within ten. */
export const answerWithinMs = 4_000
/** A timer so late tells of a machine that slept or was too busy to hear the answer. */
const lateByMs = 1_000
/** In a quiet hour one lost answer must not end a link; after a sleep a quick answer is worth more. */
export const quietTries = 2

/** Connections that were asked at one instant; they share the patience. */
interface Round<C> {
  /** Those that have not answered, with their bytes received before. */
  readonly waiting: Map<C, number>
  readonly triesLeft: number
  readonly askedAt: number
  readonly askedOn: number
  readonly patience: AbortController
  readonly cancelEnd: () => void
}

export class Probing<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  /** Bytes received of each connection at the last look. */
  #heard = new Map<Connection<Msg, ConnMeta>, number>()
  /** Questions that are out. A connection is in one round at most. */
  readonly #rounds = new Set<Round<Connection<Msg, ConnMeta>>>()
  #cancelLook: (() => void) | undefined
  #awake = false
  readonly #networkCheck: NetworkCheck<Msg, PeerMeta, ConnMeta>

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
    this.#networkCheck = new NetworkCheck(context)
  }

  /** Looks now and then from now on, while there are connections. */
  start(): void {
    this.#awake = true
    this.#plan()
    this.#networkCheck.start()
  }

  /** Looks no more. Questions that are out are waited for. */
  rest(): void {
    this.#awake = false
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#heard.clear()
    this.#networkCheck.stop()
  }

  /** Nothing comes of the questions that are out. */
  stop(): void {
    this.rest()
    this.#forget()
  }

  /** There is a connection to look after. */
  established(): void {
    if (this.#cancelLook === undefined) this.#plan()
    if (this.#awake) this.#networkCheck.established()
  }

  /** Asks all at once, for who was away. */
  askAll(): void {
    this.#forget()
    this.#ask([...this.#context.state.connections()], 1)
  }

  #forget(): void {
    for (const round of this.#rounds) {
      round.waiting.clear()
      this.#end(round)
      round.patience.abort()
    }
  }

  #plan(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    const { config, state, clock } = this.#context
    if (!this.#awake || config.keepAliveIntervalMs === null || state.active === 0) return
    this.#cancelLook = clock.schedule(config.keepAliveIntervalMs, () => {
      this.#look()
      this.#plan()
    })
  }

  #look(): void {
    const heard = new Map<Connection<Msg, ConnMeta>, number>()
    const silent: Connection<Msg, ConnMeta>[] = []
    for (const connection of this.#context.state.connections()) {
      const { bytesReceived } = connection
      heard.set(connection, bytesReceived)
      if (this.#heard.get(connection) === bytesReceived && !this.#isAsked(connection)) silent.push(connection)
    }
    this.#heard = heard
    this.#ask(silent, quietTries)
  }

  #isAsked(connection: Connection<Msg, ConnMeta>): boolean {
    for (const { waiting } of this.#rounds) if (waiting.has(connection)) return true
    return false
  }

  #ask(connections: readonly Connection<Msg, ConnMeta>[], tries: number): void {
    if (connections.length === 0) return
    const { clock } = this.#context
    const round: Round<Connection<Msg, ConnMeta>> = {
      waiting: new Map(connections.map((connection) => [connection, connection.bytesReceived])),
      triesLeft: tries - 1,
      askedAt: clock.now(),
      askedOn: clock.date(),
      patience: new AbortController(),
      cancelEnd: clock.schedule(answerWithinMs, () => {
        this.#unanswered(round, [...round.waiting.keys()])
        round.patience.abort()
      })
    }
    this.#rounds.add(round)
    for (const connection of connections) {
      connection.probe(round.patience.signal).then(
        () => this.#answered(round, connection),
        () => this.#unanswered(round, [connection])
      )
    }
  }

  #answered(round: Round<Connection<Msg, ConnMeta>>, connection: Connection<Msg, ConnMeta>): void {
    round.waiting.delete(connection)
    if (round.waiting.size === 0) this.#end(round)
  }

  /** Some gave no answer, or none can come any more: asked again, or lost. */
  #unanswered(round: Round<Connection<Msg, ConnMeta>>, connections: readonly Connection<Msg, ConnMeta>[]): void {
    const silent: Connection<Msg, ConnMeta>[] = []
    for (const connection of connections) {
      const before = round.waiting.get(connection)
      if (before === undefined) continue
      if (!this.#isExcused(round, connection, before)) silent.push(connection)
      this.#answered(round, connection)
    }
    if (round.triesLeft > 0) this.#ask(silent, round.triesLeft)
    else for (const connection of silent) connection.lose()
  }

  /** It ended, or was heard of in another way, or nobody can know: our own clock stood still. */
  #isExcused({ askedAt, askedOn }: Round<Connection<Msg, ConnMeta>>, connection: Connection<Msg, ConnMeta>, before: number): boolean {
    const { clock } = this.#context
    const tookMs = Math.max(clock.now() - askedAt, clock.date() - askedOn)
    return connection.ending !== undefined || connection.bytesReceived > before || tookMs > answerWithinMs + lateByMs
  }

  #end(round: Round<Connection<Msg, ConnMeta>>): void {
    round.cancelEnd()
    this.#rounds.delete(round)
  }
}
