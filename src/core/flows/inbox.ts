/** Application messages that wait for their one reader. The connection stops reading its link while it is full. */

export class Inbox<Msg> implements AsyncIterable<Msg> {
  /** At most `capacity`; the sender feels it before anything is dropped. */
  readonly #queue: Msg[] = []
  readonly #capacity: number
  #ended = false
  #reader: ((result: IteratorResult<Msg, undefined>) => void) | undefined
  #room: (() => void) | undefined

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.#queue.length >= this.#capacity
  }

  /** Only while it is not full and has not ended. */
  put(message: Msg): void {
    const reader = this.#reader
    if (reader === undefined) {
      this.#queue.push(message)
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
    if (this.#queue.length > 0) {
      const value = this.#queue.shift() as Msg
      this.#makeRoom()
      return Promise.resolve({ done: false, value })
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
