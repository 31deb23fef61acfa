/**
 * Takes the application's bytes out of what came on a link: payloads of messages, and the metadata in a Hello. The pool protocol's own bytes
 * stay, since a replay needs them. Reads the stream byte by byte as `wire/frame.ts` and `wire/decode.ts` do, in chunks of any size, and
 * keeps nothing of it. After bytes that are no frame it takes all away: the pool ends such a connection and reads no more of it.
 */
import { kinds } from '../core/wire/schema.ts'
import type { Json } from './tape.ts'

/** Of a longer message the hash is of its length and its first bytes. */
const maxHashed = 256

const application = kinds.indexOf('application')
const hello = kinds.indexOf('hello')
/** The number of `metadata` in a Hello. */
const metadata = 9

type Step = 'frame' | 'tag' | 'number' | 'length' | 'fixed' | 'kept' | 'taken' | 'lost'

export class PayloadMask {
  /** Random; never written: nobody finds a short message by trying. */
  readonly #key: number
  #step: Step = 'frame'
  #value = 0
  #shift = 0
  /** Bytes left of the frame, of the Hello in it, and of the field. */
  #frame = 0
  #inner = -1
  #field = 0
  #tag = 0
  #hash = 0
  #hashed = 0

  constructor(key: number) {
    this.#key = key
  }

  /** The chunk as JSON: base64 of what is the protocol's, the number of bytes that were taken away, and after the last of them a hash. */
  mask(chunk: Uint8Array): Json {
    const pieces: Json[] = []
    let from = 0
    const keep = (to: number): void => {
      if (to > from) pieces.push(base64(chunk.subarray(from, to)))
      from = to
    }
    for (let at = 0; at < chunk.length; ) {
      if (this.#step === 'taken' || this.#step === 'lost') {
        keep(at)
        const count = this.#step === 'lost' ? chunk.length - at : Math.min(this.#field, chunk.length - at)
        pieces.push(count)
        if (this.#step === 'taken') this.#digest(chunk.subarray(at, at + count))
        at += count
        from = at
        if (this.#step === 'taken' && this.#field === 0) {
          pieces.push(`#${(this.#hash >>> 0).toString(16).padStart(8, '0')}`)
          this.#fieldDone()
        }
      } else if (this.#step === 'kept' || this.#step === 'fixed') {
        const count = Math.min(this.#field, chunk.length - at)
        at += count
        this.#passed(count)
        this.#field -= count
        if (this.#field === 0) this.#fieldDone()
      } else this.#read(chunk[at++] ?? 0)
    }
    keep(chunk.length)
    return pieces
  }

  #passed(count: number): void {
    this.#frame -= count
    if (this.#inner > 0) this.#inner -= count
  }

  #digest(bytes: Uint8Array): void {
    this.#passed(bytes.length)
    this.#field -= bytes.length
    const some = Math.min(bytes.length, maxHashed - this.#hashed)
    for (let i = 0; i < some; i++) this.#hash = Math.imul(this.#hash ^ (bytes[i] ?? 0), 0x01000193)
    this.#hashed += some
  }

  /** One byte of a number: a length or a tag. */
  #read(byte: number): void {
    if (this.#step !== 'frame') this.#passed(1)
    this.#value += (byte & 0x7f) * 2 ** this.#shift
    this.#shift += 7
    if (byte >= 0x80) {
      // Longer than any number that is read.
      if (this.#shift >= 70 || (this.#step !== 'frame' && this.#frame <= 0)) this.#step = 'lost'
      return
    }
    const value = this.#value
    this.#value = this.#shift = 0
    if (this.#step === 'frame') {
      this.#frame = value
      this.#inner = -1
      if (value > 0) this.#step = 'tag'
    } else if (this.#step === 'tag') this.#tagged(value)
    else if (this.#step === 'number') this.#fieldDone()
    else this.#measured(value)
  }

  #tagged(tag: number): void {
    this.#tag = tag
    const wireType = tag & 7
    this.#step = wireType === 0 ? 'number' : wireType === 2 ? 'length' : wireType === 1 || wireType === 5 ? 'fixed' : 'lost'
    if (this.#step === 'fixed') this.#field = wireType === 1 ? 8 : 4
    if (this.#frame <= 0 || (this.#step === 'fixed' && this.#field > this.#frame)) this.#step = 'lost'
  }

  #measured(length: number): void {
    const id = this.#tag >>> 3
    if (length > this.#frame) {
      this.#step = 'lost'
      return
    }
    this.#field = length
    if (this.#inner < 0 && id === hello) {
      this.#inner = length
      this.#step = 'tag'
      if (length === 0) this.#fieldDone()
      return
    }
    const isTaken = this.#inner < 0 ? id === application : id === metadata
    this.#step = isTaken && length > 0 ? 'taken' : 'kept'
    this.#hash = Math.imul(this.#key ^ length, 0x01000193)
    this.#hashed = 0
    if (length === 0) this.#fieldDone()
  }

  #fieldDone(): void {
    if (this.#inner === 0) this.#inner = -1
    this.#step = this.#frame > 0 ? 'tag' : 'frame'
  }
}

/** Pieces for `btoa`, which takes a text. */
const maxPiece = 8_192

/** Bytes as a text. */
export function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += maxPiece) text += String.fromCharCode(...bytes.subarray(at, at + maxPiece))
  return btoa(text)
}

/** Bytes in the place of what `mask` wrote, with zeros for what was taken away. Takes JSON that `read-recording.ts` has checked. */
export function unmasked(json: Json): Uint8Array {
  const pieces = (Array.isArray(json) ? json : []).flatMap((piece: Json) => {
    if (typeof piece === 'number') return [new Uint8Array(piece)]
    if (typeof piece !== 'string' || piece.startsWith('#')) return []
    return [Uint8Array.from(atob(piece), (letter) => letter.charCodeAt(0))]
  })
  const [only] = pieces
  if (only !== undefined && pieces.length === 1) return only
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
