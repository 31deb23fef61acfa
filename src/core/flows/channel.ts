/**
 * Messages over a link: the bytes of `wire/`, one at a time, with the signal that ends the wait. The handshake reads one
 * message after the other; a running connection takes the channel over with whatever came early.
 */

import type { Link } from '../values/ports.ts'
import type { WireLimits } from '../wire/caps.ts'
import { decodeMessage } from '../wire/decode.ts'
import { bytesIn, encodeMessages, type Frame } from '../wire/encode.ts'
import { WireFault } from '../wire/fault.ts'
import { FrameReader } from '../wire/frame.ts'
import type { PoolMessage, ReceivedMessage } from '../wire/schema.ts'
import { abortable, unheard } from './waits.ts'

/** In a handshake; afterwards they count in the rate of pool messages. */
const maxUnknown = 16
export class Channel {
  readonly link: Link
  readonly #reader = new FrameReader()
  readonly #chunks: AsyncIterator<Uint8Array>
  /** Bytes of the pool's stream so far, framing included. */
  bytesReceived = 0
  bytesSent = 0

  constructor(link: Link) {
    this.link = link
    this.#chunks = unheard(link.chunks)[Symbol.asyncIterator]()
  }

  /** A message that has come already. Throws `WireFault`. */
  take(limits: WireLimits): ReceivedMessage | undefined {
    const frame = this.#reader.next(limits)
    return frame === undefined ? undefined : (decodeMessage(frame, limits) ?? { kind: 'unknown' })
  }

  /** Waits for more bytes; only after `take` gave nothing. False: the other side closed. Rejects when the link broke. */
  fill(): Promise<boolean> {
    // No async function: what one waits with stays for as long as a silent connection.
    return this.#chunks.next().then(({ done, value }) => {
      if (done) return false
      this.bytesReceived += value.length
      this.#reader.push(value)
      return true
    })
  }

  /** The next message, `undefined` at the end; kinds of a later version are passed over. Rejects with the signal's reason, `WireFault`, or the error of the link. */
  async read(limits: WireLimits, signal: AbortSignal): Promise<PoolMessage | undefined> {
    for (let unknown = 0; ; ) {
      signal.throwIfAborted()
      const message = this.take(limits)
      if (message?.kind === 'unknown') {
        if (++unknown > maxUnknown) throw new WireFault(`expected at most ${maxUnknown} unknown messages in a handshake`)
      } else if (message !== undefined) return message
      else if (!(await abortable(this.fill(), signal))) return undefined
    }
  }

  /** Several messages in one write; a plain peer, who would not understand them, gets none. False: the link's buffer is full. Throws once the link is closed. */
  send(...messages: readonly PoolMessage[]): boolean {
    return this.sendBytes(encodeMessages(messages))
  }

  /** As `Link.send`. */
  sendBytes(...pieces: Frame): boolean {
    if (this.link.plain !== undefined) return true
    this.bytesSent += bytesIn(pieces)
    return unheard(this.link.send(...pieces)) !== false
  }
}
