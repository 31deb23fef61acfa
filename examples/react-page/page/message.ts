/** What peers say to each other: a text. Bytes that are none make the pool end the connection. */

import type { SharedPool } from 'p2p-pool/web'

export type ChatPool = SharedPool<string>

/** Longer messages are refused, here and by the pool. */
export const maxMessageBytes = 2_000

export const codec = {
  encode: (text: string): Uint8Array => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}
