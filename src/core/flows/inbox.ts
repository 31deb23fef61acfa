/** Application messages that wait for their one reader. The connection stops reading its link while it is full. */

/** Bytes of messages that wait; the last one may go beyond it. */
const maxWaitingBytes = 1_048_576

interface Waiting<Msg> {
  readonly message: Msg
  readonly bytes: number
}

export class Inbox<Msg> implements AsyncIterable<Msg> {
  /** At most `capacity`; the sender feels it before anything is dropped. */
  readonly #queue: Waiting<Msg>[] = []
  readonly #capacity: number
  #bytes = 0
  #ended = false
  #reader: ((result: IteratorResult<Msg, undefined>) => void) | undefined
  #room: (() => void) | undefined

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.#queue.length >= this.#capacity || this.#bytes >= maxWaitingBytes
  }

  /** Only while it is not full and has not ended. `bytes`: what the message had on the wire. */
  put(message: Msg, bytes = 0): void {
    const reader = this.#reader
    if (reader === undefined) {
      this.#queue.push({ message, bytes })
      this.#bytes += bytes
      return
    }
    this.#reader = undefined
    reader({ done: false, value: message })
  }

  /** Resolves when it is not full any more, or has ended. */
  room(): Promise<void> {
    if (!this.isFull || this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.#room = resolve
    })
  }

  /** What is queued can still be read; then the iteration ends. */
  end(): void {
    this.#ended = true
    this.#reader?.({ done: true, value: undefined })
    this.#reader = undefined
    this.#makeRoom()
  }

  /** One reader at a time: a second call of `next` while one waits throws. Leaving a loop early loses nothing. */
  [Symbol.asyncIterator](): AsyncIterator<Msg, undefined> {
    return { next: () => this.#next() }
  }

  #next(): Promise<IteratorResult<Msg, undefined>> {
    if (this.#reader !== undefined) throw new Error('messages has one reader, and it is waiting already')
    const first = this.#queue.shift()
    if (first !== undefined) {
      this.#bytes -= first.bytes
      if (!this.isFull) this.#makeRoom()
      return Promise.resolve({ done: false, value: first.message })
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#reader = resolve
    })
  }

  #makeRoom(): void {
    this.#room?.()
    this.#room = undefined
  }
}
