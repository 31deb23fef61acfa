/**
 * For a page that came over plain http from another machine: browsers take `crypto.subtle` from it. libp2p has its own signatures and ciphers
 * then; only the hash is missing, which is given here. Loaded by such pages alone, before libp2p starts.
 */
import { sha256, sha512 } from '@noble/hashes/sha2.js'

const hashes: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = { 'SHA-256': sha256, 'SHA-512': sha512 }

/** Does nothing where the browser has it. */
export function giveHashes(): void {
  if (globalThis.crypto.subtle !== undefined) return
  const digest = async (algorithm: string | { readonly name: string }, data: BufferSource): Promise<ArrayBuffer> => {
    const name = typeof algorithm === 'string' ? algorithm : algorithm.name
    const hash = hashes[name.toUpperCase()]
    if (hash === undefined) throw new DOMException(`${name} is not available without https`, 'NotSupportedError')
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
    return new Uint8Array(hash(bytes)).buffer
  }
  Object.defineProperty(globalThis.crypto, 'subtle', { configurable: true, value: { digest } })
}
