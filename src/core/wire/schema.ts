/**
 * The messages as data: which field of `values/message.ts` has which number, type and caps. Mirrors `p2p-pool.proto`, which
 * a test compares with this; `encode.ts` and `decode.ts` go by it.
 */
import type { ApplicationMessage, PoolMessage } from '../values/message.ts'
import { wireCaps } from './caps.ts'
import { bytesType, numberType } from './field-reader.ts'

/** All kinds but `application`, whose payload stands in the frame itself. */
export type TableMessage = Exclude<PoolMessage, ApplicationMessage>

/** One field of a message. */
export interface Field {
  /** Field number of the schema: 1 to 31, so that a set of them fits in a word. */
  readonly id: number
  readonly type: 'uint32' | 'bool' | 'text' | 'bytes'
  /** Of one value, in bytes. Absent for numbers. */
  readonly max?: number
  /** The same; the field must be there. Absent: it may be left out, which means zero, false or empty. */
  readonly min?: number
  /** The field is a list of so many values at most. */
  readonly count?: number | undefined
  /** A list in a message of its own, so that an empty list and none differ. */
  readonly isWrapped?: boolean
  /** A longer text is cut on writing. */
  readonly isCut?: boolean
}

type TypeOf<V> = V extends number ? 'uint32' : V extends boolean ? 'bool' : V extends string ? 'text' : 'bytes'
type FieldOf<V> = V extends readonly (infer Each)[] ? { readonly type: TypeOf<Each>; readonly count: number } : { readonly type: TypeOf<V> }

/** What each property of a message is on the wire, in the order of writing: that of the numbers. */
type Fields<M> = { readonly [K in Exclude<keyof M, 'kind'>]-?: Field & FieldOf<NonNullable<M[K]>> }

const point = { type: 'text', max: wireCaps.pointBytes } as const
const versions = { type: 'uint32', count: wireCaps.versions } as const
const transports = { type: 'text', max: wireCaps.transportBytes, count: wireCaps.transports } as const
const swap = { point: { id: 1, ...point }, peerId: { id: 2, type: 'text', max: wireCaps.peerIdBytes } } as const

export const schemas: { readonly [M in TableMessage as M['kind']]: Fields<M> } = {
  hello: {
    network: { id: 1, type: 'text', max: wireCaps.networkBytes },
    protocolVersions: { id: 2, ...versions },
    applicationVersions: { id: 3, ...versions },
    isPrivate: { id: 4, type: 'bool' },
    discovery: { id: 5, type: 'bool' },
    points: { id: 6, ...point, count: wireCaps.ownPoints },
    signedPeerRecord: { id: 7, type: 'bytes', max: wireCaps.signedPeerRecordBytes },
    instance: { id: 8, type: 'bytes', max: wireCaps.instanceMaxBytes, min: wireCaps.instanceMinBytes },
    metadata: { id: 9, type: 'bytes', max: wireCaps.metadataBytes },
    transports: { id: 10, ...transports }
  },
  ack: {},
  nack: { motive: { id: 1, type: 'uint32' }, points: { id: 2, ...point, count: wireCaps.nackPoints } },
  bootstrap: { transports: { id: 1, ...transports } },
  advertise: {
    points: { id: 1, ...point, count: wireCaps.advertisePoints },
    ownPoints: { id: 2, ...point, count: wireCaps.ownPoints, isWrapped: true }
  },
  'swap-request': swap,
  'swap-ack': swap,
  disconnect: {
    code: { id: 1, type: 'uint32' },
    text: { id: 2, type: 'text', max: wireCaps.disconnectTextBytes, isCut: true },
    comeBackAfterMs: { id: 3, type: 'uint32' }
  }
}

/** The type of `schemas` ties each property to a field of its own type; from here on the walk over them is untyped. */
export function fieldsOf(kind: TableMessage['kind']): [key: string, field: Field][] {
  return Object.entries(schemas[kind])
}

/** The one field of the message that a wrapped list stands in. */
export function unwrapped(field: Field): Field {
  return { ...field, id: 1, isWrapped: false }
}

export function wireTypeOf({ type }: Field): number {
  return type === 'uint32' || type === 'bool' ? numberType : bytesType
}

export function tag(id: number, wireType: number): number {
  return (id << 3) | wireType
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
