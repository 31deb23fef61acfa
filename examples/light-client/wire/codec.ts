/**
 * Bytes of `message.ts` and back: the `messageCodec` of the pool. Each message has exactly one form, and its size follows
 * from its first bytes, so that what is not ours is refused before memory is given to it. What `decode` throws makes the
 * pool end the connection as a fault and greylist the peer.
 */
import { type Hash, headerBytes, readHash, readHeader, writeHash, writeHeader } from '../chain/header.ts'
import { type ChainMessage, maxHeaders, maxLocator } from './message.ts'

/** The first byte of each message; 0 is none, so that zeroed memory is no message. */
const kindByte = { status: 1, 'get-headers': 2, headers: 3 } as const

const hashBytes = 32
const statusBytes = 45
const getHeadersBytes = 8
const headersBytes = 7
const max64 = 2n ** 64n - 1n

/** For `maxMessageBytes`: the longest message is a full answer. */
export const maxMessageBytes = headersBytes + maxHeaders * headerBytes

/** Bytes that are no message of ours. The text names what was expected and what came, never the bytes themselves. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/** In the form of the pool's `Codec`. */
export const chainCodec = {
  /** Throws `RangeError` for a message that breaks its own caps. */
  encode(message: ChainMessage): Uint8Array {
    switch (message.kind) {
      case 'status': {
        const { bytes, view } = room(message.kind, statusBytes)
        inRange('total work', message.totalWork, max64)
        view.setUint32(1, message.height)
        writeHash(bytes, 5, message.head)
        view.setBigUint64(37, message.totalWork)
        return bytes
      }
      case 'get-headers': {
        const { id, max, locator } = message
        inRange('max', max, maxHeaders, 1)
        inRange('hashes of a locator', locator.length, maxLocator, 1)
        const { bytes, view } = room(message.kind, getHeadersBytes + locator.length * hashBytes)
        view.setUint32(1, id)
        view.setUint16(5, max)
        view.setUint8(7, locator.length)
        for (const [index, hash] of locator.entries()) writeHash(bytes, getHeadersBytes + index * hashBytes, hash)
        return bytes
      }
      case 'headers': {
        const { id, headers } = message
        inRange('headers', headers.length, maxHeaders)
        const { bytes, view } = room(message.kind, headersBytes + headers.length * headerBytes)
        view.setUint32(1, id)
        view.setUint16(5, headers.length)
        for (const [index, header] of headers.entries()) writeHeader(bytes, headersBytes + index * headerBytes, header)
        return bytes
      }
    }
  },

  /** Throws `MalformedMessage`, and nothing else, for any bytes that a peer may send. */
  decode(bytes: Uint8Array): ChainMessage {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    switch (bytes[0]) {
      case kindByte.status:
        sized('status', bytes, statusBytes)
        return { kind: 'status', height: view.getUint32(1), head: readHash(bytes, 5), totalWork: view.getBigUint64(37) }
      case kindByte['get-headers']: {
        atLeast('get-headers', bytes, getHeadersBytes)
        const max = counted('get-headers: max', view.getUint16(5), { from: 1, to: maxHeaders })
        const count = counted('get-headers: hashes', view.getUint8(7), { from: 1, to: maxLocator })
        sized('get-headers', bytes, getHeadersBytes + count * hashBytes)
        const locator = Array.from({ length: count }, (_, index): Hash => readHash(bytes, getHeadersBytes + index * hashBytes))
        return { kind: 'get-headers', id: view.getUint32(1), max, locator }
      }
      case kindByte.headers: {
        atLeast('headers', bytes, headersBytes)
        const count = counted('headers: count', view.getUint16(5), { from: 0, to: maxHeaders })
        sized('headers', bytes, headersBytes + count * headerBytes)
        const headers = Array.from({ length: count }, (_, index) => readHeader(bytes, headersBytes + index * headerBytes))
        return { kind: 'headers', id: view.getUint32(1), headers }
      }
      default:
        throw new MalformedMessage(`kind: 1, 2 or 3 expected, ${bytes[0] ?? 'nothing'} came`)
    }
  }
}

function room(kind: ChainMessage['kind'], size: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(size)
  bytes[0] = kindByte[kind]
  return { bytes, view: new DataView(bytes.buffer) }
}

function inRange(what: string, value: number | bigint, to: number | bigint, from = 0): void {
  if (value < from || value > to) throw new RangeError(`${what}: expected ${from} to ${to}, got ${value}`)
}

function counted(what: string, value: number, { from, to }: { from: number; to: number }): number {
  if (value < from || value > to) throw new MalformedMessage(`${what}: ${from} to ${to} expected, ${value} came`)
  return value
}

function atLeast(what: string, bytes: Uint8Array, size: number): void {
  if (bytes.length < size) throw new MalformedMessage(`${what}: at least ${size} bytes expected, ${bytes.length} came`)
}

function sized(what: string, bytes: Uint8Array, size: number): void {
  if (bytes.length !== size) throw new MalformedMessage(`${what}: ${size} bytes expected, ${bytes.length} came`)
}
