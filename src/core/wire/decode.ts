/**
 * Frames to messages, by the table of `schema.ts`. Called by `flows/` with what `frame.ts` cut out of the stream. Only form and size are
 * checked here: `flows/` decide which message may come when, and whether its points are points.
 */

import type { WireLimits } from './caps.ts'
import * as wireCaps from './caps.ts'
import { fault } from './fault.ts'
import { bytesType, FieldReader } from './field-reader.ts'
import type { PoolMessage } from './schema.ts'
import { type Field, fieldsOf, kinds, type TableMessage, unwrapped, wireTypeOf } from './schema.ts'

/** `ignoreBOM`: the mark stays in the text, so that what we read we would write again. */
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The message in a frame; `undefined` for a kind that only later versions know, to be ignored. Throws `WireFault` and
 * nothing else. The payload of an application message shares the memory of the frame; all else is copied.
 */
export function decodeMessage(frame: Uint8Array, limits: WireLimits): PoolMessage | undefined {
  if (frame.length === 0) fault('Frame', 'a message', 'nothing')
  const reader = new FieldReader(frame, 'Frame')
  let message: PoolMessage | undefined
  while (reader.next()) {
    const kind = kinds[reader.id]
    if (kind === undefined || kind === '') {
      reader.skip()
      continue
    }
    if (message !== undefined) fault('Frame', 'one message', 'two')
    message =
      kind === 'application'
        ? { kind, payload: reader.bytes(kind, limits.maxApplicationBytes) }
        : ({ kind, ...readFields(reader.bytes(kind, wireCaps.frameBytes), kind, fieldsOf(kind)) } as TableMessage)
  }
  return message
}

/** The fields of a message, or of a message in it, which holds one wrapped list. */
function readFields(bytes: Uint8Array, kind: string, fields: readonly (readonly [string, Field])[]): Record<string, unknown> {
  const values: Record<string, unknown> = Object.fromEntries(fields.map(([key, field]) => [key, absent(field)]))
  const reader = new FieldReader(bytes, kind)
  const seen = new Set<string>()
  while (reader.next()) {
    const [key, field] = fields.find(([, { id }]) => id === reader.id) ?? []
    if (key === undefined || field === undefined) {
      reader.skip()
      continue
    }
    const name = `${kind}.${key}`
    const isList = field.count !== undefined && field.isWrapped !== true
    if (!isList && seen.has(key)) fault(name, 'one value', 'two')
    seen.add(key)
    if (isList) readMore(reader, name, { field, values: values[key] as unknown[] })
    else if (field.isWrapped !== true) values[key] = readOne(reader, name, field)
    else values[key] = readFields(reader.bytes(name, wireCaps.frameBytes), kind, [[key, unwrapped(field)]])[key]
  }
  const [missing] = fields.find(([key, { min }]) => min !== undefined && !seen.has(key)) ?? []
  if (missing !== undefined) fault(`${kind}.${missing}`, 'a value', 'none')
  return values
}

/** What leaving a field out means. */
function absent({ type, count, isWrapped }: Field): unknown {
  if (count !== undefined) return isWrapped === true ? undefined : []
  return type === 'uint32' ? 0 : type === 'bool' ? false : type === 'text' ? '' : new Uint8Array(0)
}

function readOne(reader: FieldReader, name: string, field: Field): unknown {
  reader.expect(wireTypeOf(field), name)
  return readValue(reader, name, field)
}

/** Adds to a list. Numbers come packed or one by one, as protobuf demands. */
function readMore(reader: FieldReader, name: string, { field, values }: { field: Field; values: unknown[] }): void {
  const add = (value: () => unknown): void => {
    if (values.length === field.count) fault(name, `at most ${field.count}`, 'more')
    values.push(value())
  }
  if (wireTypeOf(field) === bytesType || reader.wireType !== bytesType) {
    add(() => readOne(reader, name, field))
    return
  }
  const packed = new FieldReader(reader.bytes(name, wireCaps.frameBytes), name)
  while (!packed.atEnd()) add(() => readValue(packed, name, field))
}

/** Bytes are copied: such values are kept longer than the frame. */
function readValue(reader: FieldReader, name: string, { type, max = 0, min = 0 }: Field): unknown {
  if (type === 'uint32') return reader.varint(name)
  if (type === 'bool') {
    const value = reader.varint(name)
    return value > 1 ? fault(name, '0 or 1', value) : value === 1
  }
  const bytes = reader.bytes(name, max)
  if (bytes.length < min) fault(name, `at least ${min} bytes`, bytes.length)
  if (type === 'bytes') return new Uint8Array(bytes)
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return fault(name, 'UTF-8', 'something else')
  }
}
