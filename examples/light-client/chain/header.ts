/**
 * One header of the chain: its record, its 80 bytes, its hash and its proof of work. Pure; the rules that tie a header to
 * the ones before it are in `rules.ts`. Used by everything in this example.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

declare const brand: unique symbol

/** SHA-256, 64 hexadecimal digits in lower case: what is counted as one number when work is checked. */
export type Hash = string & { readonly [brand]: 'Hash' }

export interface Header {
  /** Number of headers before it; 0 for the first one. */
  readonly height: number
  /** Hash of the header before it. */
  readonly previous: Hash
  /** Seconds since 1970. */
  readonly time: number
  /** Stands for what the header was made about; a light client does not look behind it. */
  readonly payloadRoot: Hash
  /** How many hashes one has to try, on the average, until one is small enough: the header's work. */
  readonly difficulty: number
  /** What was tried. */
  readonly nonce: number
}

/** Numbers are 32 bits, the highest byte first: height, previous, time, payload root, difficulty, nonce. */
export const headerBytes = 80

const hashBytes = 32
const nonceAt = 76
const max32 = 0xffffffff
const hashForm = /^[0-9a-f]{64}$/

export const noHash = '0'.repeat(64) as Hash

/** Throws `RangeError` if it is none. */
export function parseHash(text: string): Hash {
  if (!hashForm.test(text)) throw new RangeError(`a hash: expected 64 hexadecimal digits, got ${JSON.stringify(text.slice(0, 80))}`)
  return text as Hash
}

export function readHash(bytes: Uint8Array, at: number): Hash {
  return bytesToHex(bytes.subarray(at, at + hashBytes)) as Hash
}

export function writeHash(bytes: Uint8Array, at: number, hash: Hash): void {
  bytes.set(hexToBytes(hash), at)
}

/** Throws `RangeError` for a number that does not fit. */
export function writeHeader(bytes: Uint8Array, at: number, header: Header): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setUint32(at, whole('height', header.height))
  writeHash(bytes, at + 4, header.previous)
  view.setUint32(at + 36, whole('time', header.time))
  writeHash(bytes, at + 40, header.payloadRoot)
  view.setUint32(at + 72, whole('difficulty', header.difficulty))
  view.setUint32(at + nonceAt, whole('nonce', header.nonce))
}

/** Any 80 bytes are a header of some sort; whether it is one of ours is for `rules.ts` to say. */
export function readHeader(bytes: Uint8Array, at: number): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    height: view.getUint32(at),
    previous: readHash(bytes, at + 4),
    time: view.getUint32(at + 36),
    payloadRoot: readHash(bytes, at + 40),
    difficulty: view.getUint32(at + 72),
    nonce: view.getUint32(at + nonceAt)
  }
}

export function hashOf(header: Header): Hash {
  const bytes = new Uint8Array(headerBytes)
  writeHeader(bytes, 0, header)
  return bytesToHex(sha256(bytes)) as Hash
}

/** Is the hash, as a number, below 2^256 / difficulty? Nothing is below when the difficulty is 0. */
export function hasWork(hash: Hash, difficulty: number): boolean {
  return difficulty > 0 && BigInt(`0x${hash}`) * BigInt(difficulty) < 2n ** 256n
}

/** Tries `tries` nonces from the header's own on; the header with the first that has the work, or `undefined`. */
export function searchWork(header: Header, tries: number): Header | undefined {
  const bytes = new Uint8Array(headerBytes)
  writeHeader(bytes, 0, header)
  const view = new DataView(bytes.buffer)
  const end = Math.min(header.nonce + tries, max32)
  for (let nonce = header.nonce; nonce < end; nonce++) {
    view.setUint32(nonceAt, nonce)
    const hash = sha256(bytes)
    // Nearly all are too large by their first 32 bits already; the rest is worth the long multiplication.
    const first32 = new DataView(hash.buffer, hash.byteOffset).getUint32(0)
    if (first32 * header.difficulty <= max32 && hasWork(bytesToHex(hash) as Hash, header.difficulty)) return { ...header, nonce }
  }
}

function whole(name: string, value: number): number {
  if (value >>> 0 !== value) throw new RangeError(`${name}: expected a whole number from 0 to ${max32}, got ${value}`)
  return value
}
