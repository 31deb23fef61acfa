/**
 * SipHash-2-4: a hash of 64 bits under a key of 128 bits, byte by byte and at once. Without the key nobody finds a message by trying, and a
 * known message does not show the key. Web Crypto has no hash that answers at once.
 */

/** Four words of a key. */
export type HashKey = Int32Array

export function hashKey(bytes: Uint8Array): HashKey {
  const view = new DataView(bytes.slice(0, 16).buffer)
  return Int32Array.from([0, 4, 8, 12], (at) => view.getInt32(at, true))
}

export class KeyedHash {
  /** Four numbers of 64 bits, the low half first. */
  readonly #v: Int32Array
  #low = 0
  #high = 0
  #count = 0

  constructor(key: HashKey) {
    const [a = 0, b = 0, c = 0, d = 0] = key
    this.#v = Int32Array.of(
      ...[a ^ 0x70736575, b ^ 0x736f6d65, c ^ 0x6e646f6d, d ^ 0x646f7261],
      ...[a ^ 0x6e657261, b ^ 0x6c796765, c ^ 0x79746573, d ^ 0x74656462]
    )
  }

  /** A number of 32 bits. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff)
  }

  byte(byte: number): void {
    const place = this.#count++ & 7
    if (place < 4) this.#low |= byte << (8 * place)
    else this.#high |= byte << (8 * (place - 4))
    if (place === 7) this.#take()
  }

  /** As hexadecimal. Nothing can be added afterwards. */
  end(): string {
    this.#high = (this.#high & 0xffffff) | (this.#count << 24)
    this.#take()
    const v = this.#v
    v[4] = (v[4] ?? 0) ^ 0xff
    for (let i = 0; i < 4; i++) this.#round()
    const half = (at: number): number => (v[at] ?? 0) ^ (v[at + 2] ?? 0) ^ (v[at + 4] ?? 0) ^ (v[at + 6] ?? 0)
    return [half(1), half(0)].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  #take(): void {
    const v = this.#v
    v[6] = (v[6] ?? 0) ^ this.#low
    v[7] = (v[7] ?? 0) ^ this.#high
    this.#round()
    this.#round()
    v[0] = (v[0] ?? 0) ^ this.#low
    v[1] = (v[1] ?? 0) ^ this.#high
    this.#low = this.#high = 0
  }

  #round(): void {
    this.#mix(0, 2, 13)
    this.#swap(0)
    this.#mix(4, 6, 16)
    this.#mix(0, 6, 21)
    this.#mix(4, 2, 17)
    this.#swap(4)
  }

  /** a += b; b = b turned left ^ a. */
  #mix(a: number, b: number, turn: number): void {
    const v = this.#v
    const low = v[b] ?? 0
    const high = v[b + 1] ?? 0
    const sum = ((v[a] ?? 0) >>> 0) + (low >>> 0)
    v[a] = sum | 0
    v[a + 1] = ((v[a + 1] ?? 0) + high + (sum > 0xffffffff ? 1 : 0)) | 0
    v[b] = ((low << turn) | (high >>> (32 - turn))) ^ (v[a] ?? 0)
    v[b + 1] = ((high << turn) | (low >>> (32 - turn))) ^ (v[a + 1] ?? 0)
  }

  #swap(at: number): void {
    const [low = 0, high = 0] = [this.#v[at], this.#v[at + 1]]
    this.#v[at] = high
    this.#v[at + 1] = low
  }
}
