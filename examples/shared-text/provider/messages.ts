/** The bytes of the provider's messages: the name of the document, the sender's client id, and what it says. Long ones go in pieces. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { headerOf, startsWith } from './room.ts'

/** A sync message or an awareness update of y-protocols, or a piece of a long sync message. */
export type Message =
  | { readonly kind: 'sync' | 'awareness'; readonly from: number; readonly body: Uint8Array }
  | { readonly kind: 'piece'; readonly from: number; readonly body: Uint8Array; readonly total: number; readonly offset: number }

const kinds = ['sync', 'awareness', 'piece'] as const
/** Well below the pool's `maxMessageBytes`, and small enough that other messages get through between two pieces. */
const pieceBytes = 65_536

/** Writes and reads the messages of one document. Bytes of other documents and of other programs are left alone. */
export class Messages {
  readonly #header: Uint8Array
  readonly #clientId: number

  constructor(room: string, clientId: number) {
    this.#header = headerOf(room)
    this.#clientId = clientId
  }

  awareness(update: Uint8Array): Uint8Array {
    return this.#write('awareness', (encoder) => encoding.writeVarUint8Array(encoder, update))
  }

  /** One message, or the pieces of a long one, in order. */
  sync(message: Uint8Array): Uint8Array[] {
    if (message.byteLength <= pieceBytes) return [this.#write('sync', (encoder) => encoding.writeVarUint8Array(encoder, message))]
    const pieces: Uint8Array[] = []
    for (let offset = 0; offset < message.byteLength; offset += pieceBytes) {
      const write = (encoder: encoding.Encoder): void => {
        encoding.writeVarUint8Array(encoder, message.subarray(offset, offset + pieceBytes))
        encoding.writeVarUint(encoder, message.byteLength)
        encoding.writeVarUint(encoder, offset)
      }
      pieces.push(this.#write('piece', write))
    }
    return pieces
  }

  /** `undefined`: not about this document, or of a later version. Throws if it is broken. */
  read(bytes: Uint8Array): Message | undefined {
    if (!startsWith(bytes, this.#header)) return undefined
    const decoder = decoding.createDecoder(bytes.subarray(this.#header.byteLength))
    const from = decoding.readVarUint(decoder)
    const kind = kinds[decoding.readVarUint(decoder)]
    if (kind === undefined) return undefined
    const body = decoding.readVarUint8Array(decoder)
    if (kind !== 'piece') return { kind, from, body }
    return { kind, from, body, total: decoding.readVarUint(decoder), offset: decoding.readVarUint(decoder) }
  }

  #write(kind: Message['kind'], write: (encoder: encoding.Encoder) => void): Uint8Array {
    return encoding.encode((encoder) => {
      encoding.writeUint8Array(encoder, this.#header)
      encoding.writeVarUint(encoder, this.#clientId)
      encoding.writeVarUint(encoder, kinds.indexOf(kind))
      write(encoder)
    })
  }
}
