/** Random messages within the caps, for the tests beside it; and one of each kind that uses every cap to the full. */
import fc from 'fast-check'
import * as wireCaps from '../../../src/core/wire/caps.ts'
import type { PoolMessage } from '../../../src/core/wire/schema.ts'

export type MessageOf<K extends PoolMessage['kind']> = Extract<PoolMessage, { kind: K }>

export const limits = { maxApplicationBytes: 1_048_576 }

const encoder = new TextEncoder()

/** Any well-formed text (also with byte order marks and characters of four bytes) of so many bytes of UTF-8. */
function text(maxBytes: number): fc.Arbitrary<string> {
  return fc
    .string({
      unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constant('\ufeff')),
      maxLength: Math.min(maxBytes, 60)
    })
    .filter((value) => encoder.encode(value).length <= maxBytes)
}

function bytes(maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength })
}

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const point = text(wireCaps.pointBytes)
const versions = fc.array(uint32, { maxLength: wireCaps.versions })
const ownPoints = fc.array(point, { maxLength: wireCaps.ownPoints })
const transports = fc.array(text(wireCaps.transportBytes), { maxLength: wireCaps.transports })
const swap = { point, peerId: text(wireCaps.peerIdBytes) }

export const anyMessageOf: { readonly [K in PoolMessage['kind']]: fc.Arbitrary<MessageOf<K>> } = {
  hello: fc.record({
    kind: fc.constant('hello'),
    network: text(wireCaps.networkBytes),
    protocolVersions: versions,
    applicationVersions: versions,
    isPrivate: fc.boolean(),
    discovery: fc.boolean(),
    points: ownPoints,
    signedPeerRecord: bytes(wireCaps.signedPeerRecordBytes),
    instance: bytes(wireCaps.instanceMaxBytes, wireCaps.instanceMinBytes),
    metadata: bytes(wireCaps.metadataBytes),
    transports,
    invitation: text(wireCaps.invitationBytes)
  }),
  ack: fc.record({ kind: fc.constant('ack') }),
  nack: fc.record({ kind: fc.constant('nack'), motive: uint32, points: fc.array(point, { maxLength: wireCaps.nackPoints }) }),
  bootstrap: fc.record({ kind: fc.constant('bootstrap'), transports }),
  advertise: fc.record({
    kind: fc.constant('advertise'),
    points: fc.array(point, { maxLength: wireCaps.advertisePoints }),
    ownPoints: fc.option(ownPoints, { nil: undefined })
  }),
  'swap-request': fc.record({ kind: fc.constant('swap-request'), ...swap }),
  'swap-ack': fc.record({ kind: fc.constant('swap-ack'), ...swap }),
  application: fc.record({ kind: fc.constant('application'), payload: bytes(3_000) }),
  disconnect: fc.record({
    kind: fc.constant('disconnect'),
    code: uint32,
    text: text(wireCaps.disconnectTextBytes),
    comeBackAfterMs: uint32
  })
}

export const anyMessage: fc.Arbitrary<PoolMessage> = fc.oneof(...Object.values<fc.Arbitrary<PoolMessage>>(anyMessageOf))

/** `count` texts of exactly so many bytes. */
export function longTexts(count: number, length: number): string[] {
  return Array.from({ length: count }, () => 'x'.repeat(length))
}

const fullVersions = Array.from({ length: wireCaps.versions }, () => 2 ** 32 - 1)
const fullSwap = { point: 'x'.repeat(wireCaps.pointBytes), peerId: 'x'.repeat(wireCaps.peerIdBytes) }

export const fullMessages: readonly PoolMessage[] = [
  {
    kind: 'hello',
    network: 'x'.repeat(wireCaps.networkBytes),
    protocolVersions: fullVersions,
    applicationVersions: fullVersions,
    isPrivate: true,
    discovery: true,
    points: longTexts(wireCaps.ownPoints, wireCaps.pointBytes),
    signedPeerRecord: new Uint8Array(wireCaps.signedPeerRecordBytes).fill(1),
    instance: new Uint8Array(wireCaps.instanceMaxBytes).fill(2),
    metadata: new Uint8Array(wireCaps.metadataBytes).fill(3),
    transports: longTexts(wireCaps.transports, wireCaps.transportBytes),
    invitation: 'x'.repeat(wireCaps.invitationBytes)
  },
  { kind: 'ack' },
  { kind: 'nack', motive: 2 ** 32 - 1, points: longTexts(wireCaps.nackPoints, wireCaps.pointBytes) },
  { kind: 'bootstrap', transports: longTexts(wireCaps.transports, wireCaps.transportBytes) },
  { kind: 'advertise', points: longTexts(wireCaps.advertisePoints, 500), ownPoints: longTexts(wireCaps.ownPoints, wireCaps.pointBytes) },
  { kind: 'swap-request', ...fullSwap },
  { kind: 'swap-ack', ...fullSwap },
  { kind: 'application', payload: new Uint8Array(limits.maxApplicationBytes).fill(4) },
  { kind: 'disconnect', code: 2 ** 32 - 1, text: 'x'.repeat(wireCaps.disconnectTextBytes), comeBackAfterMs: 2 ** 32 - 1 }
]

/** A frame's content, without the prefix that `encodeMessage` puts before it. */
export function body(framed: Uint8Array): Uint8Array {
  return framed.subarray(framed.findIndex((byte) => byte < 0x80) + 1)
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
}

/** One length-delimited field by hand, to write what our encoder refuses to. */
export function field(id: number, content: Uint8Array | readonly number[] | string): Uint8Array {
  const bytesOf = typeof content === 'string' ? encoder.encode(content) : Uint8Array.from(content)
  return Uint8Array.from([...varint((id << 3) | 2), ...varint(bytesOf.length), ...bytesOf])
}

export function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return [...bytes, rest]
}

export function join(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
