/**
 * What two pools say to each other: the fields of each message, with their numbers, types and caps. Mirrors `p2p-pool.proto`, which a test
 * compares with this; the types of messages are made of it, and `encode.ts` and `decode.ts` go by it. What a pool does on a message is the
 * matter of `flows/`. Points are texts here: a peer wrote them, and only `Network.parsePoint` makes a `Point` of one.
 */
import * as wireCaps from './caps.ts'
import { bytesType, numberType } from './field-reader.ts'

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

const point = { type: 'text', max: wireCaps.pointBytes } as const
const versions = { type: 'uint32', count: wireCaps.versions } as const
const transports = { type: 'text', max: wireCaps.transportBytes, count: wireCaps.transports } as const
const swap = { point: { id: 1, ...point }, peerId: { id: 2, type: 'text', max: wireCaps.peerIdBytes } } as const

/** In the order of writing: that of the numbers. */
export const schemas = {
  /** The first message of each side. */
  hello: {
    network: { id: 1, type: 'text', max: wireCaps.networkBytes },
    /** Versions of the pool protocol that the sender speaks. */
    protocolVersions: { id: 2, ...versions },
    /** Versions of the application's own protocol. */
    applicationVersions: { id: 3, ...versions },
    /** The sender must not be advertised to others. */
    isPrivate: { id: 4, type: 'bool' },
    /** False: the sender neither answers nor uses exchange messages. */
    discovery: { id: 5, type: 'bool' },
    /** Where the sender can be reached, the best first. */
    points: { id: 6, ...point, count: wireCaps.ownPoints },
    /** The libp2p signed peer record (an envelope), empty if it has none. */
    signedPeerRecord: { id: 7, type: 'bytes', max: wireCaps.signedPeerRecordBytes },
    /** Drawn anew each time the sender's pool is made: a second dial of the same run has the same one, a restarted peer another. */
    instance: { id: 8, type: 'bytes', max: wireCaps.instanceMaxBytes, min: wireCaps.instanceMinBytes },
    /** The application's connection metadata, empty if none. */
    metadata: { id: 9, type: 'bytes', max: wireCaps.metadataBytes },
    /** As in Bootstrap, for the points of a Nack; empty: not said. */
    transports: { id: 10, ...transports },
    /** The invitation of the receiver that the sender follows, empty if none. */
    invitation: { id: 11, type: 'text', max: wireCaps.invitationBytes }
  },
  ack: {},
  /** `motive`: a `nackMotive`, or a code that we do not know. `points`: to try instead. */
  nack: { motive: { id: 1, type: 'uint32' }, points: { id: 2, ...point, count: wireCaps.nackPoints } },
  /** Asks for points that the asker can dial: `transports` are names of `Transport`, others are ignored. */
  bootstrap: { transports: { id: 1, ...transports } },
  advertise: {
    points: { id: 1, ...point, count: wireCaps.advertisePoints },
    /** Replaces the points of the sender's Hello; `undefined`: they are as they were. */
    ownPoints: { id: 2, ...point, count: wireCaps.ownPoints, isWrapped: true }
  },
  'swap-request': swap,
  'swap-ack': swap,
  /** The last message of a side that leaves. */
  disconnect: {
    /** A `reasonCode`; unknown codes are kept. */
    code: { id: 1, type: 'uint32' },
    text: { id: 2, type: 'text', max: wireCaps.disconnectTextBytes, isCut: true },
    /** The sender asks not to be dialed before; 0: it does not ask. */
    comeBackAfterMs: { id: 3, type: 'uint32' }
  }
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>

type Schemas = typeof schemas
type ValueOf<F extends Field> = { uint32: number; bool: boolean; text: string; bytes: Uint8Array }[F['type']]
type PropertyOf<F> = F extends Field & { readonly isWrapped: true }
  ? readonly ValueOf<F>[] | undefined
  : F extends Field & { readonly count: number }
    ? readonly ValueOf<F>[]
    : F extends Field
      ? ValueOf<F>
      : never

/** A message of one of these kinds, decoded. */
export type MessageOf<Kind extends keyof Schemas> = Kind extends keyof Schemas
  ? { readonly kind: Kind } & { readonly [Name in keyof Schemas[Kind]]: PropertyOf<Schemas[Kind][Name]> }
  : never
export type HelloMessage = MessageOf<'hello'>
export type ExchangeMessage = MessageOf<'bootstrap' | 'advertise' | 'swap-request' | 'swap-ack'>
/** All kinds but `application`, whose payload stands in the frame itself. */
export type TableMessage = MessageOf<keyof Schemas>

/** Bytes of the application. */
export interface ApplicationMessage {
  readonly kind: 'application'
  readonly payload: Uint8Array
}

/** A message of a kind that only a later version of the protocol knows. */
export interface UnknownMessage {
  readonly kind: 'unknown'
}

export type PoolMessage = TableMessage | ApplicationMessage
export type ReceivedMessage = PoolMessage | UnknownMessage

const fields = new Map<string, readonly (readonly [key: string, field: Field])[]>(
  Object.entries(schemas).map(([kind, fields]) => [kind, Object.entries(fields)])
)

/** For a walk over the fields, which is untyped. */
export function fieldsOf(kind: TableMessage['kind']): readonly (readonly [key: string, field: Field])[] {
  return fields.get(kind) ?? []
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
