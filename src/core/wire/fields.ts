/**
 * The kinds of fields that our messages have: how each is read, written and checked, both directions with the same caps.
 * `schema.ts` puts messages together from them. Written with protons-runtime, whose writer puts lengths before contents
 * that it has not written yet, so that a whole frame comes in one allocation; a page has it already, as libp2p uses it.
 */
import type { Writer } from 'protons-runtime'
import { wireCaps } from './caps.ts'
import { fault, mistake, type Refuse } from './fault.ts'
import { bytesType, FieldReader, numberType } from './field-reader.ts'

/** A value without its tag. Names in its calls are for errors. */
export interface Value<T> {
  readonly wireType: number
  /** What leaving it out means. Never changed in place. */
  readonly absent: T
  /** Throws `WireFault`; the wire type has been checked. */
  read(reader: FieldReader, name: string): T
  /** Throws `RangeError`. */
  write(writer: Writer, name: string, value: T): void
}

/** A value with its place in a message. */
export interface Field<T> {
  /** Field number of the schema: 1 to 31, so that a set of them fits in a word. */
  readonly id: number
  readonly absent: T
  /** May come several times; `read` gets what came before. */
  readonly repeated: boolean
  /** A message without it is a fault. */
  readonly required: boolean
  read(reader: FieldReader, name: string, before: T): T
  /** With the tag; nothing for what `absent` says. */
  write(writer: Writer, name: string, value: T): void
}

const encoder = new TextEncoder()

/** `ignoreBOM`: the mark stays in the text, so that what we read we would write again. */
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const uint32: Value<number> = {
  wireType: numberType,
  absent: 0,
  read: (reader, name) => reader.varint(name),
  write(writer, name, value) {
    if (value >>> 0 !== value) mistake(name, 'an integer from 0 to 4294967295', value)
    writer.uint32(value)
  }
}

export const bool: Value<boolean> = {
  wireType: numberType,
  absent: false,
  read(reader, name) {
    const value = reader.varint(name)
    return value > 1 ? fault(name, '0 or 1', value) : value === 1
  },
  write: (writer, _name, value) => void writer.bool(value)
}

/** Copied on reading: such values are kept longer than the frame. With a minimum, the field must be there. */
export function bytes(maxBytes: number, minBytes = 0): Value<Uint8Array> & { readonly minBytes: number } {
  function checkMin(refuse: Refuse, name: string, { length }: Uint8Array): void {
    if (length < minBytes) refuse(name, `at least ${minBytes} bytes`, length)
  }
  return {
    minBytes,
    wireType: bytesType,
    absent: new Uint8Array(0),
    read(reader, name) {
      const value = reader.bytes(name, maxBytes)
      checkMin(fault, name, value)
      return new Uint8Array(value)
    },
    write(writer, name, value) {
      checkMin(mistake, name, value)
      writeBytes(writer, name, { value, maxBytes })
    }
  }
}

export function text(maxBytes: number, whenLonger?: 'cut'): Value<string> {
  return {
    wireType: bytesType,
    absent: '',
    read(reader, name) {
      const value = reader.bytes(name, maxBytes)
      try {
        return strictDecoder.decode(value)
      } catch {
        return fault(name, 'UTF-8', 'something else')
      }
    },
    write(writer, name, value) {
      if (whenLonger === undefined) {
        if (!value.isWellFormed()) mistake(name, 'well-formed text', 'a lone surrogate')
        writeBytes(writer, name, { value: encoder.encode(value), maxBytes })
      } else {
        // `encodeInto` writes whole characters only, as many as there is room for.
        const room = new Uint8Array(maxBytes)
        writer.bytes(room.subarray(0, encoder.encodeInto(value, room).written))
      }
    }
  }
}

/** A message with one field, so that an empty list and none differ. */
export function wrapped<T>(inner: Field<T>): Value<T | undefined> {
  return {
    wireType: bytesType,
    absent: undefined,
    read(reader, name) {
      const message = new FieldReader(reader.bytes(name, wireCaps.frameBytes), name)
      let value = inner.absent
      while (message.next()) {
        if (message.id === inner.id) value = inner.read(message, name, value)
        else message.skip()
      }
      return value
    },
    write(writer, name, value) {
      writer.fork()
      if (value !== undefined) inner.write(writer, name, value)
      writer.ldelim()
    }
  }
}

export function one<T>(id: number, value: Value<T> & { readonly minBytes?: number }): Field<T> {
  const required = (value.minBytes ?? 0) > 0
  return {
    id,
    absent: value.absent,
    repeated: false,
    required,
    read(reader, name) {
      reader.expect(value.wireType, name)
      return value.read(reader, name)
    },
    write(writer, name, content) {
      if (!required && (content === value.absent || (content instanceof Uint8Array && content.length === 0))) return
      value.write(writer.uint32(tag(id, value.wireType)), name, content)
    }
  }
}

/** Numbers are packed on writing, and read packed or one by one, as protobuf demands. */
export function many<T>(id: number, value: Value<T>, maxCount: number): Field<readonly T[]> {
  const packed = value.wireType === numberType
  return {
    id,
    absent: [],
    repeated: true,
    required: false,
    read(reader, name, before) {
      const values = [...before]
      let source = reader
      if (packed && reader.wireType === bytesType) source = new FieldReader(reader.bytes(name, wireCaps.frameBytes), name)
      else reader.expect(value.wireType, name)
      while (source === reader || !source.atEnd()) {
        if (values.length === maxCount) fault(name, `at most ${maxCount}`, 'more')
        values.push(value.read(source, name))
        if (source === reader) break
      }
      return values
    },
    write(writer, name, values) {
      if (values.length > maxCount) mistake(name, `at most ${maxCount}`, values.length)
      if (packed && values.length > 0) writer.uint32(tag(id, bytesType)).fork()
      for (const each of values) value.write(packed ? writer : writer.uint32(tag(id, value.wireType)), name, each)
      if (packed && values.length > 0) writer.ldelim()
    }
  }
}

export function tag(id: number, wireType: number): number {
  return (id << 3) | wireType
}

function writeBytes(writer: Writer, name: string, { value, maxBytes }: { value: Uint8Array; maxBytes: number }): void {
  if (value.length > maxBytes) mistake(name, `at most ${maxBytes} bytes`, value.length)
  writer.bytes(value)
}
