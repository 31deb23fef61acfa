/** The first bytes of each message about a document: its name, as `messages.ts` writes it. */
import * as encoding from 'lib0/encoding'

export function headerOf(room: string): Uint8Array {
  return encoding.encode((encoder) => encoding.writeVarString(encoder, `yjs:${room}`))
}

/** For programs that send other messages beside those of the provider. */
export function startsWith(bytes: Uint8Array, header: Uint8Array): boolean {
  return header.every((byte, index) => bytes[index] === byte)
}
