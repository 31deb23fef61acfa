/**
 * Finds links whose other end went without a word: a laptop that sleeps, a cable that was pulled, and after a sleep of our own
 * all that was lost meanwhile. A link that brought nothing since the last look is asked for a sign of life; one
 * that gives none ends as `lost`. Nothing is held against a peer for a silence in which our own clock stood still.
 * Called by `peer-pool.ts`. While the pool is suspended it has no timer.
 */
import { abortable } from './channel.ts'
import type { Connection } from './connection.ts'
import type { FlowContext } from './context.ts'

/** Four seconds are more than any round trip; with a new dial after it a page is back within ten. */
const answerWithinMs = 4_000
/** A timer so late tells of a machine that slept or was too busy to hear the answer. */
const lateByMs = 1_000
/** In a quiet hour one lost answer must not end a link; after a sleep a quick answer is worth more. */
const quietTries = 2

export class Probing<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  /** Bytes received of each connection at the last look. */
  #heard = new Map<Connection<Msg, ConnMeta>, number>()
  /** Those being asked. */
  readonly #asked = new Set<Connection<Msg, ConnMeta>>()
  #cancelLook: (() => void) | undefined
  #awake = false
  #end = new AbortController()

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
  }

  /** Looks now and then from now on, while there are connections. */
  start(): void {
    this.#awake = true
    this.#plan()
  }

  /** Looks no more. Questions that are out are waited for. */
  rest(): void {
    this.#awake = false
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#heard.clear()
  }

  /** Nothing comes of the questions that are out. */
  stop(): void {
    this.rest()
    this.#forget()
  }

  /** There is a connection to look after. */
  established(): void {
    if (this.#cancelLook === undefined) this.#plan()
  }

  /** Asks all at once, for who was away. */
  askAll(): void {
    this.#forget()
    for (const connection of this.#context.state.connections()) void this.#ask(connection, 1)
  }

  #forget(): void {
    this.#end.abort()
    this.#end = new AbortController()
    this.#asked.clear()
  }

  #plan(): void {
    this.#cancelLook?.()
    this.#cancelLook = undefined
    const { config, state, clock } = this.#context
    if (!this.#awake || config.silenceMs === null || state.active === 0) return
    this.#cancelLook = clock.schedule(config.silenceMs, () => {
      this.#look()
      this.#plan()
    })
  }

  #look(): void {
    const heard = new Map<Connection<Msg, ConnMeta>, number>()
    for (const connection of this.#context.state.connections()) {
      const { bytesReceived } = connection
      heard.set(connection, bytesReceived)
      if (this.#heard.get(connection) === bytesReceived) void this.#ask(connection, quietTries)
    }
    this.#heard = heard
  }

  /** Never rejects. A connection that is being asked is not asked again. */
  async #ask(connection: Connection<Msg, ConnMeta>, tries: number): Promise<void> {
    if (this.#asked.has(connection)) return
    this.#asked.add(connection)
    const end = this.#end.signal
    let answered = false
    for (let asked = 0; asked < tries && !answered; asked++) answered = await this.#answers(connection, end)
    if (!answered) connection.lose()
    if (end === this.#end.signal) this.#asked.delete(connection)
  }

  /** Also true where it cannot be known. */
  async #answers(connection: Connection<Msg, ConnMeta>, end: AbortSignal): Promise<boolean> {
    const { clock } = this.#context
    const before = connection.bytesReceived
    const [askedAt, askedOn] = [clock.now(), clock.date()]
    const patience = new AbortController()
    const give = (): void => patience.abort()
    const cancel = clock.schedule(answerWithinMs, give)
    end.addEventListener('abort', give, { once: true })
    try {
      await abortable(connection.probe(patience.signal), patience.signal)
      return true
    } catch {
      const tookMs = Math.max(clock.now() - askedAt, clock.date() - askedOn)
      return end.aborted || connection.ending !== undefined || connection.bytesReceived > before || tookMs > answerWithinMs + lateByMs
    } finally {
      cancel()
      end.removeEventListener('abort', give)
    }
  }
}
