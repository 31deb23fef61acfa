/**
 * Takes bytes out of what came on a link that are the application's: payloads of messages, the metadata in a Hello, the text of a Disconnect,
 * which may quote a message. Takes out fields that the pool does not know, too: it passes over them. The pool protocol's own bytes stay, since
 * a replay needs them. Reads the stream byte by byte as `wire/frame.ts` and `wire/decode.ts` do, in chunks of any size, and
 * keeps nothing of it. After bytes that are no frame it takes all away: the pool ends such a connection and reads no more of it.
 */
import { fieldsOf, kinds, type TableMessage } from '../core/wire/schema.ts'
import { type HashKey, KeyedHash } from './keyed-hash.ts'
import type { Json } from './tape.ts'

/** Of a longer message the hash is of its length and its first bytes. */
const maxHashed = 64

const application = kinds.indexOf('application')
/** Fields of these messages that are kept, by the number of the message. */
const keptFields: readonly (ReadonlySet<number> | undefined)[] = kinds.map((kind) => {
  if (kind === '' || kind === 'application') return undefined
  const applications = ['hello.metadata', 'disconnect.text']
  const kept = fieldsOf(kind satisfies TableMessage['kind']).filter(([name]) => !applications.includes(`${kind}.${name}`))
  return new Set(kept.map(([, { id }]) => id))
})
/** The numbers of `text` in a Disconnect and `metadata` in a Hello. Unknown fields have no hash: they may be many, and nobody asks. */
const hashedFields: ReadonlySet<number> = new Set([2, 9])
/** What a field costs beside its bytes. */
const fieldBytes = 8

type Step = 'frame' | 'tag' | 'number' | 'length' | 'fixed' | 'kept' | 'taken' | 'lost'

export class PayloadMask {
  readonly #key: HashKey
  readonly #link: number
  #step: Step = 'frame'
  #value = 0
  #shift = 0
  /** Bytes left of the frame, of the message in it, and of the field. */
  #frame = 0
  #inner = -1
  #field = 0
  #tag = 0
  /** The message that is read: its fields that are kept. */
  #kept: ReadonlySet<number> | undefined
  #hash: KeyedHash | undefined
  #hashed = 0
  #protocolBytes = 0

  /** `key`: random, never written. `link`: a number; equal messages on two links have two hashes, so that no peer can try messages of its own. */
  constructor(key: HashKey, link: number) {
    this.#key = key
    this.#link = link
  }

  /** Bytes that were kept until now, but for those of application messages, about. */
  get protocolBytes(): number {
    return this.#protocolBytes
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
          if (this.#hash !== undefined) pieces.push(`#${this.#hash.end()}`)
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
    if (this.#hash !== undefined) for (let i = 0; i < some; i++) this.#hash.byte(bytes[i] ?? 0)
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
    if (this.#inner >= 0 || tag >>> 3 !== application) this.#protocolBytes += fieldBytes
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
    const isInner = this.#inner >= 0
    const fields = isInner ? undefined : keptFields[id]
    if (fields !== undefined) {
      this.#kept = fields
      this.#inner = length
      this.#step = 'tag'
      if (length === 0) this.#fieldDone()
      return
    }
    const isHashed = isInner ? hashedFields.has(id) : id === application
    const isKept = isInner && this.#kept?.has(id) === true
    this.#step = isKept || length === 0 ? 'kept' : 'taken'
    if (isKept) this.#protocolBytes += length
    this.#begin(length, isHashed)
    if (length === 0) this.#fieldDone()
  }

  #begin(length: number, isHashed: boolean): void {
    this.#hashed = 0
    this.#hash = isHashed && this.#step === 'taken' ? new KeyedHash(this.#key) : undefined
    this.#hash?.word(this.#link)
    this.#hash?.word(length)
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
