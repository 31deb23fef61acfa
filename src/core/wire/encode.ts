/**
 * Messages to frames, by the table of `schema.ts`. Called by `flows/`, which hand the bytes to a `Link`.
 */
import { writer as createWriter, type Writer } from 'protons-runtime'
import type { PoolMessage } from '../values/message.ts'
import { wireCaps } from './caps.ts'
import { mistake } from './fault.ts'
import { bytesType } from './field-reader.ts'
import { tag } from './fields.ts'
import { applicationTag, fieldsOf, kinds } from './schema.ts'

/**
 * One frame with its length prefix, in one piece of memory that holds nothing of the message. Throws `RangeError` if the
 * message breaks a cap, which is a mistake of the caller, with two exceptions: the text of a Disconnect is shortened, and
 * an Advertise whose points do not fit in a frame loses the last of them, since strangers chose their length.
 */
export function encodeMessage(message: PoolMessage): Uint8Array {
  return message.kind === 'application' ? encodeApplication(message.payload) : encodeMessages([message])
}

/** Several frames for one write: the listener sends its Hello and its Ack so. */
export function encodeMessages(messages: readonly PoolMessage[]): Uint8Array {
  const writer = createWriter()
  for (const message of messages) writeFrame(writer, message)
  return writer.finish()
}

function writeFrame(writer: Writer, message: PoolMessage): void {
  writer.fork()
  if (message.kind === 'application') {
    checkPayload(message.payload)
    writer.uint32(applicationTag).bytes(message.payload)
  } else {
    writer.uint32(tag(kinds.indexOf(message.kind), bytesType)).fork()
    const values = new Map<string, unknown>(Object.entries(message))
    for (const [key, field] of fieldsOf(message.kind)) field.write(writer, `${message.kind}.${key}`, values.get(key))
    writer.ldelim()
    if (message.kind === 'advertise' && writer.len > wireCaps.frameBytes) {
      writer.reset()
      writeFrame(writer, { ...message, points: message.points.slice(0, message.points.length * 0.9) })
      return
    }
  }
  writer.ldelim()
}

function checkPayload({ length }: Uint8Array): void {
  if (length > wireCaps.applicationBytes) mistake('application', `at most ${wireCaps.applicationBytes} bytes`, length)
}

/** The way of most bytes, so without a writer between: prefix, tag, length, payload. */
function encodeApplication(payload: Uint8Array): Uint8Array {
  checkPayload(payload)
  const bodyBytes = 1 + varintBytes(payload.length) + payload.length
  const prefixBytes = varintBytes(bodyBytes)
  const frame = new Uint8Array(prefixBytes + bodyBytes)
  writeVarint(frame, 0, bodyBytes)
  frame[prefixBytes] = applicationTag
  writeVarint(frame, prefixBytes + 1, payload.length)
  frame.set(payload, frame.length - payload.length)
  return frame
}

/** For numbers below 2^28. */
function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4
}

function writeVarint(frame: Uint8Array, at: number, value: number): void {
  let end = at
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) frame[end++] = (rest & 0x7f) | 0x80
  frame[end] = rest
}
