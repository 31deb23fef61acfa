/** Puts the pieces of long messages together. */
import type { Message } from './messages.ts'

/** A piece that is not the last one has at least so many bytes: a million tiny ones would cost the receiver more than the sender. */
const minPieceBytes = 4_096
/** Long messages that are on their way to us at once, of all peers together. The oldest goes. */
const maxUnfinished = 4

interface Unfinished {
  readonly total: number
  received: number
  readonly bodies: Uint8Array[]
}

/** Puts the pieces of long messages together. What it holds is bounded: `maxUnfinished` messages of `maxBytes`. */
export class Pieces {
  readonly #maxBytes: number
  readonly #unfinished = new Map<string, Unfinished>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * `sender`: a tab of a peer. Returns the message with its last piece, `missing` if a piece before this one did not come, `too-large` for
   * the first piece of a message that is. Throws if the piece is broken.
   */
  take(sender: string, { body, total, offset }: Message & { kind: 'piece' }): Uint8Array | 'missing' | 'too-large' | undefined {
    const end = offset + body.byteLength
    if (end > total || (end < total && body.byteLength < minPieceBytes))
      throw new Error(`a piece of ${body.byteLength} bytes at ${offset} of ${total}`)
    if (total > this.#maxBytes) return offset === 0 ? 'too-large' : undefined
    if (offset === 0) this.#begin(sender, total)
    const message = this.#unfinished.get(sender)
    if (message === undefined || message.total !== total || message.received !== offset) {
      this.#unfinished.delete(sender)
      return end === total ? 'missing' : undefined
    }
    message.bodies.push(body)
    message.received = end
    if (end < total) return undefined
    this.#unfinished.delete(sender)
    const whole = new Uint8Array(total)
    let at = 0
    for (const part of message.bodies) {
      whole.set(part, at)
      at += part.byteLength
    }
    return whole
  }

  #begin(sender: string, total: number): void {
    this.#unfinished.delete(sender)
    this.#unfinished.set(sender, { total, received: 0, bodies: [] })
    const [oldest] = this.#unfinished.keys()
    if (this.#unfinished.size > maxUnfinished && oldest !== undefined) this.#unfinished.delete(oldest)
  }
}
