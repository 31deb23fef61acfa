import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Header, noHash } from '../../../examples/light-client/chain/header.ts'
import { chainCodec, MalformedMessage, maxMessageBytes } from '../../../examples/light-client/wire/codec.ts'
import { type ChainMessage, maxHeaders, maxLocator } from '../../../examples/light-client/wire/message.ts'
import { anyMessage } from './arbitraries.ts'
import { testRules } from './chains.ts'

const headers = (count: number): Header[] => Array.from({ length: count }, () => testRules.genesis)
const locator = (count: number) => Array.from({ length: count }, () => noHash)

describe('the codec of the chain', () => {
  it('gives every message back as it was', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(chainCodec.decode(chainCodec.encode(message))).toEqual(message)
      })
    )
  })

  it('has the longest message at its cap', () => {
    expect(chainCodec.encode({ kind: 'headers', id: 1, headers: headers(maxHeaders) }).length).toBe(maxMessageBytes)
  })

  it('writes the bytes that its documentation names', () => {
    const bytes = chainCodec.encode({ kind: 'get-headers', id: 0x01020304, max: 100, locator: locator(1) })
    expect([...bytes.subarray(0, 8)]).toEqual([2, 1, 2, 3, 4, 0, 100, 1])
    expect(bytes.length).toBe(40)
  })

  it('refuses any change of length, by any number of bytes', () => {
    fc.assert(
      fc.property(anyMessage, fc.integer({ min: 1, max: 40 }), fc.boolean(), (message, by, longer) => {
        const bytes = chainCodec.encode(message)
        const changed = longer ? Uint8Array.from([...bytes, ...new Uint8Array(by)]) : bytes.subarray(0, Math.max(0, bytes.length - by))
        expect(() => chainCodec.decode(changed)).toThrow(MalformedMessage)
      })
    )
  })

  it('reads of random bytes either exactly one message or none', () => {
    const started = fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 255), fc.uint8Array({ maxLength: 200 })).map(([kind, rest]) => [kind, ...rest])
    fc.assert(
      fc.property(started, (bytes) => {
        const given = Uint8Array.from(bytes)
        let message: ChainMessage | undefined
        try {
          message = chainCodec.decode(given)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage)
        }
        if (message !== undefined) expect(chainCodec.encode(message)).toEqual(given)
      }),
      { numRuns: 500 }
    )
  })

  it('reads where the pool left the bytes: in the middle of a larger buffer', () => {
    const bytes = chainCodec.encode({ kind: 'status', height: 7, head: noHash, totalWork: 9n })
    const frame = new Uint8Array(bytes.length + 20)
    frame.set(bytes, 11)
    expect(chainCodec.decode(frame.subarray(11, 11 + bytes.length))).toMatchObject({ height: 7, totalWork: 9n })
  })

  it.each<[string, number[], string]>([
    ['nothing', [], 'kind: 1, 2 or 3 expected, nothing came'],
    ['an unknown kind', [9, 1], 'kind: 1, 2 or 3 expected, 9 came'],
    ['a short status', [1, 0], 'status: 45 bytes expected, 2 came'],
    ['a request for nothing', [2, 0, 0, 0, 1, 0, 0, 1], 'get-headers: max: 1 to 200 expected, 0 came'],
    ['a request for too many', [2, 0, 0, 0, 1, 0, 201, 1], 'get-headers: max: 1 to 200 expected, 201 came'],
    ['a request without a locator', [2, 0, 0, 0, 1, 0, 9, 0], 'get-headers: hashes: 1 to 48 expected, 0 came'],
    ['a count without its headers', [3, 0, 0, 0, 1, 0, 200], 'headers: 16007 bytes expected, 7 came'],
    ['a count above the cap', [3, 0, 0, 0, 1, 255, 255], 'headers: count: 0 to 200 expected, 65535 came']
  ])('names what was wrong with %s', (_name, bytes, message) => {
    expect(() => chainCodec.decode(Uint8Array.from(bytes))).toThrow(message)
  })

  it.each<[string, ChainMessage]>([
    ['too many headers', { kind: 'headers', id: 1, headers: headers(maxHeaders + 1) }],
    ['too long a locator', { kind: 'get-headers', id: 1, max: 1, locator: locator(maxLocator + 1) }],
    ['a request for nothing', { kind: 'get-headers', id: 1, max: 0, locator: locator(1) }],
    ['more work than 64 bits hold', { kind: 'status', height: 1, head: noHash, totalWork: 2n ** 64n }]
  ])('does not write %s', (_name, message) => {
    expect(() => chainCodec.encode(message)).toThrow(RangeError)
  })
})
