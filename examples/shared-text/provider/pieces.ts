/** Puts the pieces of long messages together. */
import type { Message } from './messages.ts'

/** A piece that is not the last one has at least so many bytes: a million tiny ones would cost the receiver more than the sender. */
const minPieceBytes = 4_096
/** Senders whose long message is on its way to us. Of more, the one that was silent longest is forgotten. */
const maxSenders = 16

interface Unfinished {
  readonly total: number
  received: number
  readonly bodies: Uint8Array[]
}

/** Puts the pieces of long messages together. Each sender has one on its way: nobody takes the place of another. What it holds is bounded: `maxSenders` messages of `maxBytes`. */
export class Pieces {
  readonly #maxBytes: number
  readonly #unfinished = new Map<string, Unfinished>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * `sender`: a peer. Two of its tabs that send at once get in each other's way, and the message is asked for again. Returns the message with its last piece, `missing` if a piece before this one did not come, `too-large` for
   * the first piece of a message that is. Throws if the piece is broken.
   */
  take(sender: string, { body, total, offset }: Message & { kind: 'piece' }): Uint8Array | 'missing' | 'too-large' | undefined {
    const end = offset + body.byteLength
    if (end > total || (end < total && body.byteLength < minPieceBytes))
      throw new Error(`a piece of ${body.byteLength} bytes at ${offset} of ${total}`)
    if (total > this.#maxBytes) return offset === 0 ? 'too-large' : undefined
    const message = offset === 0 ? { total, received: 0, bodies: [] } : this.#unfinished.get(sender)
    this.#unfinished.delete(sender)
    if (message === undefined || message.total !== total || message.received !== offset) return end === total ? 'missing' : undefined
    message.bodies.push(body)
    message.received = end
    if (end < total) {
      this.#keep(sender, message)
      return undefined
    }
    const whole = new Uint8Array(total)
    let at = 0
    for (const part of message.bodies) {
      whole.set(part, at)
      at += part.byteLength
    }
    return whole
  }

  /** It has left. */
  forget(sender: string): void {
    this.#unfinished.delete(sender)
  }

  #keep(sender: string, message: Unfinished): void {
    this.#unfinished.set(sender, message)
    const [silentLongest] = this.#unfinished.keys()
    if (this.#unfinished.size > maxSenders && silentLongest !== undefined) this.#unfinished.delete(silentLongest)
  }
}
