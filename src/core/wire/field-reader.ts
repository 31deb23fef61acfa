/**
 * Walks over the protobuf fields of one message; each cap is checked before the value is made. Called by `decode.ts`.
 *
 * Our own, since the reader of protons-runtime, which libp2p uses, accepts too much (7.1.2): a known number of 6 to 9 bytes shifts
 * everything after it, larger ones lose bits, texts need not be UTF-8, nested groups recurse until the stack is full, and no length can
 * be asked about before it is read.
 */
import { fault } from './fault.ts'

/** Wire types of protobuf; 3 and 4 are groups, which proto3 does not have, 6 and 7 do not exist. */
export const numberType = 0
export const bytesType = 2
const eightBytesType = 1
const fourBytesType = 5

export class FieldReader {
  /** Number of the field that `next` stepped on. */
  id = 0
  /** How it is written. */
  wireType = 0
  #at = 0
  readonly #bytes: Uint8Array
  /** Of the message, for faults. */
  readonly #name: string

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes
    this.#name = name
  }

  /** Steps on the next field, which must then be read or skipped; false at the end. */
  next(): boolean {
    if (this.atEnd()) return false
    const tag = this.varint(this.#name)
    this.id = tag >>> 3
    this.wireType = tag & 7
    if (this.id === 0) fault(this.#name, 'field numbers from 1', 0)
    return true
  }

  atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Passes over a field of a later version. */
  skip(): void {
    const { wireType } = this
    if (wireType === numberType) {
      for (let count = 0; count < 10; count += 1) if (this.#byte(this.#name) < 0x80) return
      fault(this.#name, 'a number of at most 10 bytes', 'a longer one')
    }
    if (wireType === bytesType) this.bytes(this.#name, this.#bytes.length)
    else if (wireType === eightBytesType) this.#take(8, this.#name)
    else if (wireType === fourBytesType) this.#take(4, this.#name)
    else this.expect(bytesType, this.#name)
  }

  expect(wireType: number, name: string): void {
    if (this.wireType !== wireType) fault(name, `wire type ${wireType}`, this.wireType)
  }

  /** Shares the memory of the message. */
  bytes(name: string, maxBytes: number): Uint8Array {
    this.expect(bytesType, name)
    const length = this.varint(name)
    if (length > maxBytes) fault(name, `at most ${maxBytes} bytes`, length)
    return this.#take(length, name)
  }

  /** A number below 2^32 in at most 5 bytes. */
  varint(name: string): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte(name)
      if (shift === 28 && byte > 0x0f) break
      value = (value | ((byte & 0x7f) << shift)) >>> 0
      if (byte < 0x80) return value
    }
    return fault(name, 'a number below 2^32', 'a larger one')
  }

  #byte(name: string): number {
    return this.#bytes[this.#at++] ?? fault(name, 'another byte', 'the end')
  }

  #take(count: number, name: string): Uint8Array {
    const start = this.#at
    const left = this.#bytes.length - start
    if (count > left) fault(name, `${count} bytes`, left)
    this.#at = start + count
    return this.#bytes.subarray(start, this.#at)
  }
}
