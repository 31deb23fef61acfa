/**
 * The requests of this tab that were not answered yet: bounded, each with a deadline. They outlive the owner that got them: its successor
 * gets them again, except what must not happen twice. Kept by `tab-session.ts`, which does the talking.
 */
import { onAbort } from '../src/core/flows/waits.ts'
import { PoolError } from '../src/core/values/reason.ts'
import { onceOnly, type RequestName } from './requests.ts'

/** A person or a program that waits for so many answers gets no more in. */
const maxWaiting = 256
/** The longest wait for an answer, ms: three times the longest dial that is usual. */
const deadlineMs = 30_000

/** The owner may be slow, or gone. */
const unanswered = 'the tab that owns the pool did not answer; it may still be done'

export interface WaitingRequest {
  readonly id: number
  readonly name: RequestName
  readonly args: readonly unknown[]
  /** The term of the owner that got it; none: none did yet. */
  term: string | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export class WaitingRequests {
  readonly #waiting = new Map<number, WaitingRequest>()
  #made = 0

  /** Settles with the answer. `send` is called at once and for each new owner; `cancelled` when nobody waits any more. */
  make(
    { name, args, signal }: { name: RequestName; args: readonly unknown[]; signal: AbortSignal | undefined },
    { send, cancelled }: { send: (request: WaitingRequest) => void; cancelled: (request: WaitingRequest) => void }
  ): Promise<unknown> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.#waiting.size >= maxWaiting) {
      return Promise.reject(new PoolError('too-many-waiting', `${name}: ${maxWaiting} requests are in progress`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const request: WaitingRequest = { id: ++this.#made, name, args, term: undefined, resolve, reject }
    const giveUp = (error: unknown): void => {
      reject(error)
      cancelled(request)
    }
    const timer = setTimeout(() => giveUp(new PoolError('no-owner', tooLate(request))), deadlineMs)
    const forget = onAbort(signal, () => giveUp(signal?.reason))
    this.#waiting.set(request.id, request)
    send(request)
    return promise.finally(() => {
      clearTimeout(timer)
      forget()
      this.#waiting.delete(request.id)
    })
  }

  get(id: number): WaitingRequest | undefined {
    return this.#waiting.get(id)
  }

  /** A new owner is there: those to be sent to it. What the last one may have done, and must not happen twice, is given up. */
  *unsent(term: string): IterableIterator<WaitingRequest> {
    for (const request of [...this.#waiting.values()]) {
      if (request.term === term) continue
      if (request.term === undefined || !onceOnly.has(request.name)) yield request
      else request.reject(new PoolError('no-owner', `${request.name}: ${unanswered}`))
    }
  }

  rejectAll(error: PoolError): void {
    for (const request of [...this.#waiting.values()]) request.reject(error)
  }
}

function tooLate({ name, term }: WaitingRequest): string {
  const sent = term === undefined ? 'no tab owned the pool' : unanswered
  return `${name}: for ${deadlineMs / 1_000} s ${sent}`
}
