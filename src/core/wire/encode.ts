/** Messages to frames, by the table of `schema.ts`. Called by `flows/`, which hand the bytes to a `Link`. */

import * as wireCaps from './caps.ts'
import { mistake } from './fault.ts'
import { bytesType, numberType } from './field-reader.ts'
import type { PoolMessage } from './schema.ts'
import { applicationTag, type Field, fieldsOf, kinds, tag, unwrapped, wireTypeOf } from './schema.ts'

const encoder = new TextEncoder()

/**
 * One frame with its length prefix, in memory of its own. Throws `RangeError` if the message breaks a cap, which is a mistake of the
 * caller, with two exceptions: the text of a Disconnect is shortened, and an Advertise that does not fit in a frame loses its last
 * points, since other peers chose their length.
 */
export function encodeMessage(message: PoolMessage): Uint8Array {
  return message.kind === 'application' ? encodeApplication(message.payload) : encodeMessages([message])
}

/** Several frames for one write: the listener sends its Hello and its Ack so. */
export function encodeMessages(messages: readonly PoolMessage[]): Uint8Array {
  const writer = new Writer()
  for (const message of messages) {
    if (message.kind === 'application') writer.bytes(encodeApplication(message.payload))
    else writeFrame(writer, message)
  }
  return writer.finish()
}

function writeFrame(writer: Writer, message: Exclude<PoolMessage, { kind: 'application' }>): void {
  const start = writer.length
  const bytes = writer.sized(() => {
    writer.varint(tag(kinds.indexOf(message.kind), bytesType))
    writer.sized(() => {
      const values: Readonly<Record<string, unknown>> = message
      for (const [key, field] of fieldsOf(message.kind)) writeField(writer, field, { name: `${message.kind}.${key}`, value: values[key] })
    })
  })
  if (message.kind !== 'advertise' || bytes <= wireCaps.frameBytes) return
  writer.length = start
  writeFrame(writer, { ...message, points: message.points.slice(0, message.points.length * 0.9) })
}

/** A value, and what to call it in errors. */
interface Named {
  readonly name: string
  readonly value: unknown
}

/** With the tag; nothing for what leaving it out means. Numbers of a list are packed. */
function writeField(writer: Writer, field: Field, { name, value }: Named): void {
  const { id, count, min, isWrapped } = field
  const wireType = wireTypeOf(field)
  if (isWrapped === true) {
    if (value === undefined) return
    writer.varint(tag(id, bytesType))
    writer.sized(() => writeField(writer, unwrapped(field), { name, value }))
  } else if (count === undefined) {
    if (min === undefined && (value === 0 || value === false || Object(value).length === 0)) return
    writer.varint(tag(id, wireType))
    writeValue(writer, field, { name, value })
  } else {
    const values = value as readonly unknown[]
    if (values.length > count) mistake(name, `at most ${count}`, values.length)
    if (wireType === bytesType || values.length === 0) {
      const one = { ...field, count: undefined, min: 0 }
      for (const each of values) writeField(writer, one, { name, value: each })
    } else {
      writer.varint(tag(id, bytesType))
      writer.sized(() => {
        for (const each of values) writeValue(writer, field, { name, value: each })
      })
    }
  }
}

function writeValue(writer: Writer, field: Field, { name, value }: Named): void {
  if (wireTypeOf(field) === numberType) {
    const number = Number(value)
    if (number >>> 0 !== number) mistake(name, 'an integer from 0 to 4294967295', number)
    writer.varint(number)
    return
  }
  const { max = 0, min = 0 } = field
  const bytes = field.type === 'text' ? textBytes(String(value), field, name) : (value as Uint8Array)
  if (bytes.length < min) mistake(name, `at least ${min} bytes`, bytes.length)
  if (bytes.length > max) mistake(name, `at most ${max} bytes`, bytes.length)
  writer.varint(bytes.length)
  writer.bytes(bytes)
}

/** For one text at a time: memory of its own for each costs more than all else. */
const room = new Uint8Array(wireCaps.frameBytes)

function textBytes(text: string, { isCut, max }: Field, name: string): Uint8Array {
  if (isCut !== true && !text.isWellFormed()) mistake(name, 'well-formed text', 'a lone surrogate')
  // `encodeInto` writes whole characters only, as many as there is room for.
  const { written } = encoder.encodeInto(text, isCut === true ? room.subarray(0, max) : room)
  return room.subarray(0, written)
}

/** The bytes of a frame, in one piece; or its first bytes, and the payload of the caller. */
export type Frame = readonly [bytes: Uint8Array, ...payload: Uint8Array[]]

export function bytesIn([bytes, payload]: Frame): number {
  return bytes.length + (payload?.length ?? 0)
}

/** Larger payloads are not copied: the memory of a copy costs more than all else that a message takes. */
const maxCopiedBytes = 4_096

/** The frame of an application message, for one connection. Throws as `encodeMessage`. */
export function applicationFrame(payload: Uint8Array): Frame {
  return payload.length > maxCopiedBytes ? [encodeApplication(payload, 0), payload] : [encodeApplication(payload)]
}

/** The way of most bytes, so without a writer between: prefix, tag, length, and as much of the payload as is wanted. */
function encodeApplication(payload: Uint8Array, copiedBytes = payload.length): Uint8Array {
  const { length } = payload
  if (length > wireCaps.applicationBytes) mistake('application', `at most ${wireCaps.applicationBytes} bytes`, length)
  const headBytes = 1 + varintBytes(length)
  const prefixBytes = varintBytes(headBytes + length)
  const frame = new Uint8Array(prefixBytes + headBytes + copiedBytes)
  writeVarint(frame, 0, headBytes + length)
  frame[prefixBytes] = applicationTag
  writeVarint(frame, prefixBytes + 1, length)
  if (copiedBytes > 0) frame.set(payload, prefixBytes + headBytes)
  return frame
}

/** Room for most messages. */
const firstBytes = 256

/** Bytes that grow: varints, and parts with their length before them. */
class Writer {
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
function varintBytes(value: number): number {
  return value < 0x80 ? 1 : 1 + varintBytes(value / 0x80)
}

/** Returns where the next byte goes. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80
  bytes[end] = rest
  return end + 1
}
