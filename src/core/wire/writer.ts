/** Bytes that grow: varints, and parts with their length before them. Used by `encode.ts`. */

/** Room for most messages. */
const firstBytes = 256

export class Writer {
  #bytes = new Uint8Array(firstBytes)
  /** Bytes written. A smaller one takes back what was written since. */
  length = 0

  varint(value: number): void {
    this.#reserve(varintBytes(value))
    this.length = writeVarint(this.#bytes, this.length, value)
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.length)
    this.length += value.length
  }

  /** What `write` writes, with its length before it. Returns that length. */
  sized(write: () => void): number {
    const start = this.length
    write()
    const size = this.length - start
    const prefixBytes = varintBytes(size)
    this.#reserve(prefixBytes)
    this.#bytes.copyWithin(start + prefixBytes, start, this.length)
    this.length = writeVarint(this.#bytes, start, size) + size
    return size
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    const grown = new Uint8Array(2 * (this.length + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

/** `value`: below 2^32. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : 1 + varintBytes(value / 0x80)
}

/** Returns where the next byte goes. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80
  bytes[end] = rest
  return end + 1
}
