import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as wireCaps from '../../../src/core/wire/caps.ts'
import { decodeMessage } from '../../../src/core/wire/decode.ts'
import { encodeMessage, encodeMessages } from '../../../src/core/wire/encode.ts'
import { WireFault } from '../../../src/core/wire/fault.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'
import {
  anyMessage,
  anyMessageOf,
  body,
  field,
  fromHex,
  fullMessages,
  join,
  limits,
  longTexts,
  type MessageOf,
  varint
} from './messages.ts'

function roundTrip(message: PoolMessage): PoolMessage | undefined {
  return decodeMessage(body(encodeMessage(message)), limits)
}

function decodes(hex: string): PoolMessage | undefined {
  return decodeMessage(fromHex(hex), limits)
}

const hello: MessageOf<'hello'> = {
  kind: 'hello',
  network: 'n',
  protocolVersions: [1],
  applicationVersions: [],
  isPrivate: false,
  discovery: true,
  points: [],
  signedPeerRecord: new Uint8Array(0),
  instance: new Uint8Array(8),
  metadata: new Uint8Array(0),
  transports: [],
  invitation: ''
}
const advertise: MessageOf<'advertise'> = { kind: 'advertise', points: [], ownPoints: undefined }

describe('round trip', () => {
  it.each(Object.entries(anyMessageOf))('%s comes back as it was', (_kind, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (message) => {
        expect(roundTrip(message)).toEqual(message)
      }),
      { numRuns: 200 }
    )
  })

  it.each(fullMessages.map((message) => [message.kind, message] as const))(
    '%s with every cap used to the full comes back',
    (_kind, message) => {
      const frame = body(encodeMessage(message))
      const decoded = decodeMessage(frame, limits)
      if (message.kind === 'application' && decoded?.kind === 'application') {
        expect(Buffer.compare(message.payload, decoded.payload)).toBe(0)
      } else {
        expect(decoded).toEqual(message)
        expect(frame.length).toBeLessThanOrEqual(wireCaps.frameBytes)
      }
    }
  )

  it('several messages in one write are the same bytes as one by one', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 4 }), (messages) => {
        expect([...encodeMessages(messages)]).toEqual([...join(...messages.map(encodeMessage))])
      }),
      { numRuns: 100 }
    )
  })

  it('the payload of an application message is not copied, what is kept longer is', () => {
    const application = body(encodeMessage({ kind: 'application', payload: new Uint8Array(9) }))
    expect((decodeMessage(application, limits) as MessageOf<'application'>).payload.buffer).toBe(application.buffer)
    const frame = body(encodeMessage(hello))
    expect((decodeMessage(frame, limits) as MessageOf<'hello'>).instance.buffer).not.toBe(frame.buffer)
  })
})

describe('caps on reading', () => {
  const text = (length: number): string => 'x'.repeat(length)
  const many = (id: number, count: number): Uint8Array => join(...Array.from({ length: count }, () => field(id, 'x')))
  const instance = field(8, new Uint8Array(8))
  const cases: [name: string, cap: number, frame: (size: number) => Uint8Array][] = [
    ['network', wireCaps.networkBytes, (n) => field(1, join(field(1, text(n)), instance))],
    ['protocolVersions, packed', wireCaps.versions, (n) => field(1, join(field(2, new Uint8Array(n)), instance))],
    ['applicationVersions, one by one', wireCaps.versions, (n) => field(1, join(...Array.from({ length: n }, () => [0x18, 1]), instance))],
    ['Hello points', wireCaps.ownPoints, (n) => field(1, join(many(6, n), instance))],
    ['a point', wireCaps.pointBytes, (n) => field(1, join(field(6, text(n)), instance))],
    ['signedPeerRecord', wireCaps.signedPeerRecordBytes, (n) => field(1, join(field(7, text(n)), instance))],
    ['instance', wireCaps.instanceMaxBytes, (n) => field(1, field(8, text(n)))],
    ['metadata', wireCaps.metadataBytes, (n) => field(1, join(instance, field(9, text(n))))],
    ['Hello transports', wireCaps.transports, (n) => field(1, join(instance, many(10, n)))],
    ['a transport of a Hello', wireCaps.transportBytes, (n) => field(1, join(instance, field(10, text(n))))],
    ['Nack points', wireCaps.nackPoints, (n) => field(3, many(2, n))],
    ['Bootstrap transports', wireCaps.transports, (n) => field(4, many(1, n))],
    ['a transport', wireCaps.transportBytes, (n) => field(4, field(1, text(n)))],
    ['Advertise points', wireCaps.advertisePoints, (n) => field(5, many(1, n))],
    ['own points', wireCaps.ownPoints, (n) => field(5, field(2, many(1, n)))],
    ['an own point', wireCaps.pointBytes, (n) => field(5, field(2, field(1, text(n))))],
    ['a swap point', wireCaps.pointBytes, (n) => field(6, field(1, text(n)))],
    ['a swap peer id', wireCaps.peerIdBytes, (n) => field(7, field(2, text(n)))],
    ['the payload', 1_000, (n) => field(8, new Uint8Array(n))],
    ['the text of a Disconnect', wireCaps.disconnectTextBytes, (n) => field(9, field(2, text(n)))]
  ]

  it.each(cases)('%s: %d pass, one more is a fault', (_name, cap, frame) => {
    const caps = { maxApplicationBytes: 1_000 }
    expect(decodeMessage(frame(cap - 1), caps)).toBeDefined()
    expect(decodeMessage(frame(cap), caps)).toBeDefined()
    expect(() => decodeMessage(frame(cap + 1), caps)).toThrow(WireFault)
  })

  it('refuses an over-long field on its length, before its bytes came', () => {
    const announced = [0x0a, ...varint(2 ** 31 - 1)]
    expect(() => decodeMessage(Uint8Array.from([0x0a, announced.length, ...announced]), limits)).toThrow(
      `hello.network: expected at most ${wireCaps.networkBytes} bytes, got ${2 ** 31 - 1}`
    )
  })

  it('refuses a Hello without instance, and one whose instance is too short', () => {
    expect(() => decodes('0a00')).toThrow('hello.instance')
    expect(() => decodeMessage(field(1, field(8, new Uint8Array(7))), limits)).toThrow('expected at least 8 bytes, got 7')
  })
})

describe('caps on writing', () => {
  const wrong: [name: string, message: PoolMessage][] = [
    ['a long network', { ...hello, network: 'é'.repeat(33) }],
    ['17 versions', { ...hello, protocolVersions: Array.from({ length: 17 }, () => 1) }],
    ['a negative version', { ...hello, applicationVersions: [-1] }],
    ['a fractional version', { ...hello, applicationVersions: [1.5] }],
    ['a version of 2^32', { ...hello, applicationVersions: [2 ** 32] }],
    ['9 points in Hello', { ...hello, points: longTexts(9, 1) }],
    ['a point of 1,025 bytes', { ...hello, points: longTexts(1, 1_025) }],
    ['a large peer record', { ...hello, signedPeerRecord: new Uint8Array(8_193) }],
    ['a short instance', { ...hello, instance: new Uint8Array(7) }],
    ['no instance', { ...hello, instance: new Uint8Array(0) }],
    ['a long instance', { ...hello, instance: new Uint8Array(17) }],
    ['large metadata', { ...hello, metadata: new Uint8Array(4_097) }],
    ['17 transports in Hello', { ...hello, transports: longTexts(17, 1) }],
    ['a long transport in Hello', { ...hello, transports: longTexts(1, 33) }],
    ['51 points in Nack', { kind: 'nack', motive: 0, points: longTexts(51, 1) }],
    ['motive NaN', { kind: 'nack', motive: Number.NaN, points: [] }],
    ['17 transports in Bootstrap', { kind: 'bootstrap', transports: longTexts(17, 1) }],
    ['101 points in Advertise', { ...advertise, points: longTexts(101, 1) }],
    ['9 own points', { ...advertise, ownPoints: longTexts(9, 1) }],
    ['a long peer id', { kind: 'swap-ack', point: '', peerId: 'x'.repeat(129) }],
    ['half a character', { kind: 'swap-request', point: '\ud800', peerId: '' }]
  ]

  it.each(wrong)('%s is a RangeError of the caller', (_name, message) => {
    expect(() => encodeMessage(message)).toThrow(RangeError)
  })

  it('names the value', () => {
    expect(() => encodeMessage({ ...hello, network: 'x'.repeat(70) })).toThrow('hello.network: expected at most 64 bytes, got 70')
  })

  it('shortens the text of a Disconnect, never amid a character', () => {
    for (const character of ['x', 'é', '€', '😀', '\ud83d']) {
      const message = roundTrip({
        kind: 'disconnect',
        code: 1,
        text: `a${character.repeat(300)}`,
        comeBackAfterMs: 0
      }) as MessageOf<'disconnect'>
      const bytes = Buffer.byteLength(message.text)
      expect(bytes).toBeLessThanOrEqual(256)
      expect(bytes).toBeGreaterThan(252)
      expect(`a${character.repeat(300)}`.toWellFormed().startsWith(message.text)).toBe(true)
    }
  })

  it('leaves out the last points of an Advertise that does not fit in a frame', () => {
    const points = Array.from({ length: 100 }, (_, index) => `${index}-`.padEnd(1_024, 'x'))
    const ownPoints = longTexts(8, 1_024)
    const frame = body(encodeMessage({ kind: 'advertise', points, ownPoints }))
    expect(frame.length).toBeLessThanOrEqual(wireCaps.frameBytes)
    const decoded = decodeMessage(frame, limits) as MessageOf<'advertise'>
    expect(decoded.ownPoints).toEqual(ownPoints)
    expect(decoded.points).toEqual(points.slice(0, decoded.points.length))
    expect(decoded.points.length).toBeGreaterThan(45)
  })
})

describe('faults', () => {
  it.each([
    ['an empty frame', ''],
    ['two kinds', '12004200'],
    ['the same kind twice', '12001200'],
    ['field number 0', '0200'],
    ['a kind with the wrong wire type', '1000'],
    ['a network that is a number', '0a0408010801'],
    ['a bool that is bytes', '0a02220101'],
    ['a bool of 2', '1a022002'],
    ['a motive that is bytes', '1a020a00'],
    ['a motive of 2^32', '1a06088080808010'],
    ['a motive in 6 bytes', '1a0708818080808000'],
    ['a duplicate motive', '1a0408010802'],
    ['own points twice', '2a0412001200'],
    ['invalid UTF-8', '3204 0a02c328'],
    ['an overlong slash in UTF-8', '3204 0a02c0af'],
    ['a surrogate in UTF-8', '3205 0a03eda080'],
    ['trailing garbage in the frame', '1200ff'],
    ['trailing garbage in a message', '1a03 0801 ff'],
    ['a group', '120013'],
    ['sixty thousand nested groups', `1200${'7b'.repeat(60_000)}`],
    ['an unknown number of 11 bytes', `1200 78${'80'.repeat(10)}01`],
    ['wire type 6', '12007e'],
    ['a packed number that ends early', '0a04 1202 0180'],
    ['points that are numbers', '1a021001']
  ])('%s', (name, hex) => {
    // 0x20 is field 4 of Hello but no field of Nack: the bool of 2 stands in a Hello.
    const frame = name === 'a bool of 2' ? field(1, join([0x20, 2], field(8, new Uint8Array(8)))) : fromHex(hex)
    expect(() => decodeMessage(frame, limits)).toThrow(WireFault)
  })

  it('every frame of every kind is a fault when it ends early', () => {
    const messages = fc.sample(anyMessage, { numRuns: 60, seed: 7 }).concat([hello])
    for (const message of messages) {
      const frame = body(encodeMessage(message))
      if (frame.length > 3_000) continue
      for (let end = 0; end < frame.length; end += 1) {
        expect(() => decodeMessage(frame.subarray(0, end), limits), `${message.kind} cut to ${end} of ${frame.length}`).toThrow(WireFault)
      }
    }
  })

  it('no bytes make it throw anything else', () => {
    const check = (frame: Uint8Array): void => {
      try {
        decodeMessage(frame, limits)
      } catch (error) {
        if (!(error instanceof WireFault)) throw error
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), check), { numRuns: 20_000 })
    const framed = fc.tuple(fc.integer({ min: 1, max: 10 }), fc.uint8Array({ maxLength: 30 })).map(([id, inner]) => field(id, inner))
    fc.assert(fc.property(framed, check), { numRuns: 20_000 })
    const damaged = fc.tuple(anyMessage, fc.nat(), fc.nat(255)).map(([message, at, value]) => {
      const frame = body(encodeMessage(message)).slice()
      frame[at % frame.length] = value
      return frame
    })
    fc.assert(fc.property(damaged, check), { numRuns: 3_000 })
    // Cheap bytes by the hundred thousand; a simple generator with a fixed seed, since fast-check would take a minute.
    let state = 12_345
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }
    for (let run = 0; run < 100_000; run += 1) {
      const frame = Uint8Array.from({ length: 1 + (next() % 24) }, next)
      frame[0] = (((next() % 10) + 1) << 3) | 2
      if (frame.length > 1) frame[1] = frame.length - 2
      check(frame)
    }
  })
})

describe('what later versions may send', () => {
  it('an unknown kind gives nothing, and is no fault', () => {
    expect(decodeMessage(field(10, 'whatever'), limits)).toBeUndefined()
    expect(decodeMessage(field(2_000, ''), limits)).toBeUndefined()
  })

  it('unknown fields of any type are skipped, in the frame, in a message and in a list', () => {
    const unknown = join(field(29, 'x'), [0xf0, 1, ...varint(2 ** 40)], [0xf1, 1, 1, 2, 3, 4, 5, 6, 7, 8], [0xf5, 1, 1, 2, 3, 4])
    expect(decodeMessage(join(unknown, field(2, unknown), unknown), limits)).toEqual({ kind: 'ack' })
    expect(decodeMessage(field(5, join(unknown, field(2, join(unknown, field(1, 'p'))))), limits)).toEqual({
      kind: 'advertise',
      points: [],
      ownPoints: ['p']
    })
    expect(decodeMessage(join(unknown, field(8, 'x')), limits)).toMatchObject({ kind: 'application' })
  })

  it('unknown motives and codes survive', () => {
    expect(roundTrip({ kind: 'nack', motive: 32_767, points: [] })).toMatchObject({ motive: 32_767 })
    expect(roundTrip({ kind: 'disconnect', code: 4_000_000_000, text: 't', comeBackAfterMs: 1 })).toMatchObject({ code: 4_000_000_000 })
  })

  it('fields may come in any order, and numbers packed, one by one or mixed', () => {
    const mixed = join([0x10, 5], field(2, [6, 7]), [0x10, 8])
    expect(decodeMessage(field(1, join(field(8, new Uint8Array(8)), mixed, field(1, 'n'))), limits)).toMatchObject({
      network: 'n',
      protocolVersions: [5, 6, 7, 8]
    })
  })
})
