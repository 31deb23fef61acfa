/**
 * The messages as data: which field of `values/message.ts` has which number, kind and caps. Mirrors `p2p-pool.proto`, which
 * a test compares with this; `encode.ts` and `decode.ts` go by it.
 */
import type { ApplicationMessage, PoolMessage } from '../values/message.ts'
import { wireCaps } from './caps.ts'
import { bytesType } from './field-reader.ts'
import { bool, bytes, type Field, many, one, tag, text, uint32, wrapped } from './fields.ts'

/** All kinds but `application`, whose payload stands in the frame itself. */
export type TableMessage = Exclude<PoolMessage, ApplicationMessage>

/** What each property of a message is on the wire, in the order of writing: that of the numbers. */
type Fields<M> = { readonly [K in Exclude<keyof M, 'kind'>]-?: Field<M[K]> }

const point = text(wireCaps.pointBytes)
const transports = (id: number): Field<readonly string[]> => many(id, text(wireCaps.transportBytes), wireCaps.transports)
const swap = { point: one(1, point), peerId: one(2, text(wireCaps.peerIdBytes)) }

export const schemas: { readonly [M in TableMessage as M['kind']]: Fields<M> } = {
  hello: {
    network: one(1, text(wireCaps.networkBytes)),
    protocolVersions: many(2, uint32, wireCaps.versions),
    applicationVersions: many(3, uint32, wireCaps.versions),
    isPrivate: one(4, bool),
    discovery: one(5, bool),
    points: many(6, point, wireCaps.ownPoints),
    signedPeerRecord: one(7, bytes(wireCaps.signedPeerRecordBytes)),
    instance: one(8, bytes(wireCaps.instanceMaxBytes, wireCaps.instanceMinBytes)),
    metadata: one(9, bytes(wireCaps.metadataBytes)),
    transports: transports(10)
  },
  ack: {},
  nack: { motive: one(1, uint32), points: many(2, point, wireCaps.nackPoints) },
  bootstrap: { transports: transports(1) },
  advertise: {
    points: many(1, point, wireCaps.advertisePoints),
    ownPoints: one(2, wrapped(many(1, point, wireCaps.ownPoints)))
  },
  'swap-request': swap,
  'swap-ack': swap,
  disconnect: { code: one(1, uint32), text: one(2, text(wireCaps.disconnectTextBytes, 'cut')), comeBackAfterMs: one(3, uint32) }
}

/** The type of `schemas` ties each property to a field of its own type; from here on the walk over them is untyped. */
export function fieldsOf(kind: TableMessage['kind']): [key: string, field: Field<unknown>][] {
  return Object.entries(schemas[kind])
}

/** The number of each kind in `Frame` is its place here; a later kind goes to the end. */
export const kinds = [
  '',
  'hello',
  'ack',
  'nack',
  'bootstrap',
  'advertise',
  'swap-request',
  'swap-ack',
  'application',
  'disconnect'
] as const

/** The first byte of an application frame. */
export const applicationTag = tag(kinds.indexOf('application'), bytesType)
