/**
 * Frames in a byte stream: an unsigned varint with the length, then that many bytes. `flows/` push the chunks of a `Link`
 * in and take frames out as fast as they can handle them. What a frame means is the matter of `decode.ts`, but for its
 * first byte: only application messages may be longer than `wireCaps.frameBytes`.
 */
import type { WireLimits } from './caps.ts'
import * as wireCaps from './caps.ts'
import { fault } from './fault.ts'
import { applicationTag } from './schema.ts'

const nothing = new Uint8Array(0)

/** Until both sides run: no application message, so no frame above `wireCaps.frameBytes`. */
export const handshakeLimits: WireLimits = { maxApplicationBytes: 0 }

/** The first piece of a frame that comes in several: most frames fit, so few grow twice. */
const firstPieceBytes = 512
/** A frame of so many bytes at most gets all of its memory once so many have come: growing copies it, and costs more than what it saves. */
const [largestWhole, wholeFrom] = [wireCaps.frameBytes + wireCaps.frameOverheadBytes, 2_048]

/**
 * Pull parser. Use: `push(chunk)`, then `next()` until it gives `undefined`, then the next chunk. Not taking is the
 * back-pressure: between two calls it holds the unread rest of one chunk and at most one unfinished frame, whose memory
 * grows with the bytes that came, at most twice as much; 64 KiB from 2 KiB on.
 */
export class FrameReader {
  #chunk: Uint8Array = nothing
  #at = 0
  #length = 0
  #prefixBytes = 0
  #prefixDone = false
  #partial: Uint8Array = nothing
  #filled = 0

  /** Bytes held: the unread rest of the chunk and the unfinished frame. 0 when the stream may end without loss. */
  get heldBytes(): number {
    return this.#chunk.length - this.#at + this.#filled + this.#prefixBytes
  }

  /** Keeps the chunk without copying it; its bytes must not change afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) {
      throw new Error(`push: ${this.#chunk.length - this.#at} bytes are left of the last chunk`)
    }
    // A plain view, since Node's Buffer, which is a Uint8Array too, has a `slice` that does not copy.
    this.#chunk = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#at = 0
  }

  /**
   * The next frame without its prefix, `undefined` if it has not come in full. A frame that lies in one chunk shares the
   * chunk's memory: keep it as long as you use it and copy what you store. Throws `WireFault` as soon as the prefix or
   * the first byte shows that the frame is not allowed, and again at every later call. The limits may change with each call.
   */
  next(limits: WireLimits): Uint8Array | undefined {
    if (!this.#prefixDone && !this.#readPrefix()) return undefined
    if (this.#length > wireCaps.frameBytes && !this.#mayBeLong(limits)) return undefined
    const missing = this.#length - this.#filled
    const available = this.#chunk.length - this.#at
    if (available < missing) {
      this.#collect(available)
      return undefined
    }
    let frame: Uint8Array
    if (this.#filled === 0) {
      frame = this.#chunk.subarray(this.#at, this.#at + missing)
      this.#at += missing
    } else {
      this.#collect(missing)
      frame = this.#partial
    }
    this.#partial = nothing
    this.#filled = this.#length = this.#prefixBytes = 0
    this.#prefixDone = false
    if (this.#at === this.#chunk.length) this.#release()
    return frame
  }

  #readPrefix(): boolean {
    while (this.#prefixBytes < wireCaps.framePrefixBytes) {
      const byte = this.#chunk[this.#at]
      if (byte === undefined) {
        this.#release()
        return false
      }
      if (byte === 0 && this.#prefixBytes > 0) fault('frame length', 'the shortest form', 'a longer one')
      this.#at += 1
      this.#length += (byte & 0x7f) * 2 ** (7 * this.#prefixBytes)
      this.#prefixBytes += 1
      if (byte < 0x80) {
        this.#prefixDone = true
        return true
      }
    }
    return fault('frame length', `at most ${wireCaps.framePrefixBytes} bytes`, 'more')
  }

  /** False: too early to say. */
  #mayBeLong(limits: WireLimits): boolean {
    const max = Math.max(wireCaps.frameBytes, limits.maxApplicationBytes + wireCaps.frameOverheadBytes)
    if (this.#length > max) fault('frame', `at most ${max} bytes`, this.#length)
    const first = this.#filled > 0 ? this.#partial[0] : this.#chunk[this.#at]
    if (first === undefined) {
      this.#release()
      return false
    }
    if (first === applicationTag) return true
    return fault('frame without application message', `at most ${wireCaps.frameBytes} bytes`, this.#length)
  }

  /**
   * Moves bytes of the chunk to the unfinished frame. It gets room for as much again, so that the whole costs linear time for
   * any chunking, and a message whose larger half comes first gets its memory once.
   */
  #collect(count: number): void {
    const filled = this.#filled + count
    if (filled > this.#partial.length) {
      const wanted = Math.max(2 * filled, firstPieceBytes)
      const grown = new Uint8Array(this.#length <= largestWhole && filled >= wholeFrom ? this.#length : Math.min(this.#length, wanted))
      grown.set(this.#partial.subarray(0, this.#filled))
      this.#partial = grown
    }
    this.#partial.set(this.#chunk.subarray(this.#at, this.#at + count), this.#filled)
    this.#filled = filled
    this.#at += count
    if (this.#at === this.#chunk.length) this.#release()
  }

  /** A chunk that is read to its end must not be kept alive by us. */
  #release(): void {
    this.#chunk = nothing
    this.#at = 0
  }
}
