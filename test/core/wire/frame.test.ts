import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as wireCaps from '../../../src/core/wire/caps.ts'
import { encodeMessage } from '../../../src/core/wire/encode.ts'
import { WireFault } from '../../../src/core/wire/fault.ts'
import { FrameReader, handshakeLimits } from '../../../src/core/wire/frame.ts'
import { anyMessage, body, join, limits, varint } from './messages.ts'

/** An application message of so many bytes, framed. */
function application(length: number): Uint8Array {
  return encodeMessage({ kind: 'application', payload: new Uint8Array(length).fill(7) })
}

function readAll(chunks: Iterable<Uint8Array>, withLimits = limits): { frames: Uint8Array[]; reader: FrameReader } {
  const reader = new FrameReader()
  const frames: Uint8Array[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let frame = reader.next(withLimits); frame !== undefined; frame = reader.next(withLimits)) frames.push(frame)
  }
  return { frames, reader }
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('FrameReader', () => {
  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 6 }), fc.array(fc.nat(400), { maxLength: 60 }), (messages, cuts) => {
        const framed = messages.map(encodeMessage)
        const stream = join(...framed)
        const chunks: Uint8Array[] = []
        let at = 0
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut))
          at += cut
        }
        chunks.push(stream.subarray(at))
        const { frames, reader } = readAll(chunks)
        expect(frames.map((frame) => [...frame])).toEqual(framed.map((frame) => [...body(frame)]))
        expect(reader.heldBytes).toBe(0)
      }),
      { numRuns: 300 }
    )
  })

  it('does not copy a frame that lies in one chunk', () => {
    const chunk = join(application(5), application(6))
    const { frames } = readAll([chunk])
    expect(frames.map((frame) => frame.buffer === chunk.buffer)).toEqual([true, true])
  })

  it('gives plain arrays also when the chunks are Buffers', () => {
    const { frames } = readAll([Buffer.from(application(5))])
    expect(frames[0]?.constructor).toBe(Uint8Array)
  })

  it('stops where its caller stops and goes on from there', () => {
    const reader = new FrameReader()
    reader.push(join(application(1), application(2)))
    expect(reader.next(limits)).toHaveLength(3)
    expect(reader.heldBytes).toBe(5)
    expect(() => reader.push(application(3))).toThrow('5 bytes are left')
    expect(reader.next(limits)).toHaveLength(4)
    expect(reader.next(limits)).toBeUndefined()
  })

  it('gives an empty frame as such', () => {
    expect(readAll([Uint8Array.of(0, 0)]).frames.map((frame) => frame.length)).toEqual([0, 0])
  })

  it.each([
    ['2^31', [0x80, 0x80, 0x80, 0x80, 0x08]],
    ['10 MiB', varint(10 * 2 ** 20)],
    ['one byte too many', varint(limits.maxApplicationBytes + 65)]
  ])('refuses an announced length of %s on the prefix alone', (_name, prefix) => {
    expect(() => readAll([Uint8Array.from(prefix)])).toThrow(WireFault)
  })

  it('refuses a Hello of 10 MiB in the handshake on the prefix, naming both sizes', () => {
    expect(() => readAll([Uint8Array.from(varint(10 * 2 ** 20))], handshakeLimits)).toThrow(
      'frame: expected at most 65536 bytes, got 10485760'
    )
  })

  it('refuses a long frame that is no application message on its first byte', () => {
    const prefix = varint(wireCaps.frameBytes + 1)
    expect(readAll([Uint8Array.from(prefix)]).frames).toEqual([])
    expect(() => readAll([Uint8Array.from(prefix), Uint8Array.of(0x2a)])).toThrow(WireFault)
    expect(() => readAll([Uint8Array.from(prefix), Uint8Array.of(0x42)])).not.toThrow()
    expect(() => readAll([Uint8Array.from([...varint(wireCaps.frameBytes), 0x2a])])).not.toThrow()
  })

  it('obeys the limits of each call, so that the handshake can have its own', () => {
    const reader = new FrameReader()
    reader.push(join(Uint8Array.of(2, 0x12, 0), application(wireCaps.frameBytes)))
    expect(reader.next(handshakeLimits)).toHaveLength(2)
    expect(() => reader.next(handshakeLimits)).toThrow(WireFault)
    expect(() => reader.next(handshakeLimits), 'a fault is not forgotten').toThrow(WireFault)
    expect(reader.next(limits)).toHaveLength(wireCaps.frameBytes + 4)
  })

  it.each([
    ['a padded zero', [0x80, 0x00]],
    ['a padded one', [0x81, 0x80, 0x00]],
    ['a prefix of five bytes', [0xff, 0xff, 0xff, 0xff]]
  ])('refuses %s', (_name, prefix) => {
    const reader = new FrameReader()
    reader.push(Uint8Array.from(prefix))
    expect(() => reader.next(limits)).toThrow(WireFault)
    expect(() => reader.next(limits)).toThrow(WireFault)
  })

  it('takes a frame of the application cap and refuses a larger one', () => {
    expect(readAll([application(limits.maxApplicationBytes)]).frames).toHaveLength(1)
    expect(() => readAll([application(limits.maxApplicationBytes + 100)])).toThrow(WireFault)
  })

  it('gives memory to what came, not to what was announced', () => {
    const { reader } = readAll([Uint8Array.from([...varint(1_000_000), 0x42, 1, 2])])
    expect(reader.heldBytes).toBe(6)
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 200 }, () => readAll([Uint8Array.from([...varint(1_000_000), 0x42, 1, 2])]).reader)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(readers.length * 2_000)
  })

  it('copies the bytes of a frame that comes byte by byte three times at most', () => {
    const length = 2 ** 17
    let copied = 0
    const { set } = Uint8Array.prototype
    Uint8Array.prototype.set = function (this: Uint8Array, from: ArrayLike<number>, at?: number): void {
      copied += from.length
      set.call(this, from, at)
    }
    try {
      expect(readAll(pieces(application(length), 1)).frames).toHaveLength(1)
    } finally {
      Uint8Array.prototype.set = set
    }
    // Each byte once, and twice again at most when the room grows.
    expect(copied).toBeGreaterThanOrEqual(length)
    expect(copied).toBeLessThan(3 * length)
  })
})
