/** One invitation of ours, from `invite` to its end. Made by `invitations.ts`, which counts who came by it. */
import { text as textArgument } from '../values/arguments.ts'
import type { PoolEvent } from '../values/events.ts'
import type { PeerId } from '../values/ids.ts'
import type { Invitation } from '../values/invitation.ts'
import { readAnswer, refuseText } from '../values/invitation-text.ts'
import { DialError, type SignallingOffer } from '../values/ports.ts'
import { describeRejection, messageOf, PoolError, type Rejection } from '../values/reason.ts'
import { whileWaiting } from '../verbs.ts'
import type { FlowContext } from './context.ts'
import { abortable, deadline, onAbort } from './waits.ts'

/** From an answer to the connection, ms. */
const acceptWithinMs = 30_000

/** What an invitation is made of. */
export interface InvitationParts {
  readonly text: string
  readonly id: string
  readonly expiresAt: number
  readonly uses: number
  readonly offer: SignallingOffer | undefined
  /** The text names points: newcomers may come without an answer. */
  readonly hasPoints: boolean
  readonly signal: AbortSignal | undefined
  /** Called once, when it ends. */
  readonly ended: () => void
}

export class OpenInvitation implements Invitation {
  readonly text: string
  readonly id: string
  readonly expiresAt: number
  readonly #context: FlowContext
  readonly #offer: SignallingOffer | undefined
  readonly #hasPoints: boolean
  readonly #ended: () => void
  /** Ends what runs for it. */
  readonly #over = new AbortController()
  readonly #forget: readonly (() => void)[]
  #usesLeft: number
  /** Why it has ended. */
  #ending = 'its uses are gone'
  /** The offer has its answer. */
  #isAnswered = false
  #isAccepting = false

  constructor(context: FlowContext, { text, id, expiresAt, uses, offer, hasPoints, signal, ended }: InvitationParts) {
    this.#context = context
    this.text = text
    this.id = id
    this.expiresAt = expiresAt
    this.#usesLeft = uses
    this.#offer = offer
    this.#hasPoints = hasPoints
    this.#ended = ended
    const { clock } = context
    this.#forget = [clock.schedule(expiresAt - clock.date(), () => this.end()), onAbort(signal, () => this.end())]
  }

  get usesLeft(): number {
    return this.#isOpen ? this.#usesLeft : 0
  }

  /** The timer may be late: a page was frozen, or the machine slept. */
  get #isOpen(): boolean {
    return !this.#over.signal.aborted && this.#usesLeft > 0 && this.#context.clock.date() < this.expiresAt
  }

  /** A newcomer that it invited is connected. */
  count(): void {
    if (this.#usesLeft > 0 && --this.#usesLeft === 0) this.#close()
  }

  async accept(text: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<PeerId> {
    const { clock, network, state } = this.#context
    textArgument(text, { code: 'invalid-argument', name: 'accept' })
    whileWaiting(options, { code: 'invalid-argument', name: 'accept' })
    const { signal } = options
    signal?.throwIfAborted()
    if (clock.date() >= this.expiresAt) this.end()
    if (!this.#isOpen) refuseText(`the invitation has ended: ${this.#ending}; make a new invitation`)
    const { id, peerId, answer } = readAnswer(text)
    if (id !== this.id) refuseText('the answer is to another invitation')
    if (network.tryParsePeerId(peerId) !== peerId) refuseText('the answer is damaged')
    if (peerId === state.peerId) refuseText('the answer is our own')
    if (state.connection(peerId) !== undefined) return peerId
    const offer = this.#offer
    if (offer === undefined) refuseText('the invitation has no offer to answer')
    if (this.#isAnswered)
      refuseText('the invitation was answered already, and takes one answer: make a new invitation for another newcomer')
    this.#isAnswered = this.#isAccepting = true
    const late = PoolError.rejected({ kind: 'timeout', step: 'dial', afterMs: acceptWithinMs })
    const given = signal === undefined ? [this.#over.signal] : [this.#over.signal, signal]
    const wait = deadline(clock, acceptWithinMs, { given, reason: late })
    const arrival = arrivalOf(peerId, this.#context)
    try {
      const accepting = offer.accept(answer, { peerId, signal: wait.signal })
      await abortable(Promise.all([accepting, arrival.promise]), wait.signal)
      return peerId
    } catch (error) {
      // The text of the answer is refused before the offer is used.
      if (error instanceof PoolError && error.code === 'invalid-invitation' && !wait.signal.aborted) {
        this.#isAnswered = false
        throw error
      }
      const why = this.#afterFailure(wait.signal.aborted ? wait.signal.reason : error)
      if (!this.#hasPoints) this.#endBecause('its one answer led to no connection')
      throw why
    } finally {
      this.#isAccepting = false
      arrival.forget()
      wait.cancel()
      if (this.#isAnswered || !this.#isOpen) offer.end()
    }
  }

  end(): void {
    this.#endBecause(this.#context.clock.date() < this.expiresAt ? 'it was called off' : 'it expired')
  }

  #endBecause(why: string): void {
    if (!this.#over.signal.aborted) this.#ending = this.#usesLeft > 0 ? why : this.#ending
    this.#usesLeft = 0
    this.#close()
    this.#over.abort(new PoolError('invalid-invitation', `the invitation has ended: ${why}`))
  }

  /** One offer has one answer, also if no connection came of it. What the caller's signal says stays as it is. */
  #afterFailure(error: unknown): unknown {
    const rejection: Rejection | undefined =
      error instanceof DialError
        ? { kind: 'dial-failed', failure: error.failure, detail: messageOf(error) }
        : error instanceof PoolError
          ? error.rejection
          : undefined
    if (rejection === undefined) return error
    const rest = this.#hasPoints ? 'this invitation serves only by its addresses now' : 'this invitation has ended'
    const message = `${describeRejection(rejection)}; an invitation takes one answer, so ${rest}: make a new invitation`
    return new PoolError('rejected', message, { rejection, cause: error })
  }

  /** What `accept` waits for goes on: the last newcomer may be the one that it is about. */
  #close(): void {
    for (const forget of this.#forget) forget()
    if (!this.#isAccepting) this.#offer?.end()
    this.#ended()
  }
}

/** Settles when the peer is connected, or refused by one side; until `forget` is called. */
export function arrivalOf(peerId: PeerId, { events, state }: FlowContext): { readonly promise: Promise<void>; forget(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  promise.catch(() => undefined) // nobody may wait for it any more
  const failed = ({ detail }: PoolEvent<'handshake-refused' | 'connection-failed'>): void => {
    if (detail.peerId !== peerId) return
    if (state.connection(peerId) === undefined) reject(PoolError.rejected(detail.rejection))
    else resolve()
  }
  const subscriptions = [
    events.subscribe('connection-opened', ({ detail }) => detail.peerId === peerId && resolve()),
    events.subscribe('handshake-refused', failed),
    events.subscribe('connection-failed', failed)
  ]
  return {
    promise,
    forget: () => {
      for (const forget of subscriptions) forget()
    }
  }
}
