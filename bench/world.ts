/**
 * What the rows about tables work with: a pool on the real clock and the real dice whose network reaches nobody, libp2p's
 * peer store on its memory datastore, and texts of peers and points. Deterministic but for the clock.
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PeerId as Libp2pPeerId, PeerStore } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { createLibp2p } from 'libp2p'
import {
  memoryStorage,
  type Network,
  nodePreset,
  type PeerId,
  PeerPool,
  type PeerStorage,
  type Point,
  resolveConfig
} from '../src/core/index.ts'
import type { PoolOptions } from '../src/core/values/config.ts'
import { parsePeerId, parsePoint, tryParsePeerId, tryParsePoint } from '../src/libp2p/point.ts'
import { systemClock, systemRandom } from '../src/libp2p/system.ts'

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Parses like libp2p's, and dials nobody. */
export const quietNetwork: Network = {
  peerId: peerTexts(1, 0xfff)[0] as PeerId,
  transports: ['tcp'],
  ownPoints: () => [],
  parsePoint: (text) => parsePoint(text),
  tryParsePoint: (text) => tryParsePoint(text),
  parsePeerId: (text) => parsePeerId(text),
  tryParsePeerId: (text) => tryParsePeerId(text),
  canDial: () => false,
  dial: () => Promise.reject(new Error('the network of a benchmark of tables dials nobody')),
  start: () => Promise.resolve(),
  stop: () => Promise.resolve()
}

export function quietPool(options: Partial<PoolOptions> = {}): PeerPool {
  const config = resolveConfig(quietOptions(options), { preset: nodePreset, storage: memoryStorage() })
  return new PeerPool(config, { network: quietNetwork, clock: systemClock, random: systemRandom, log: { error: console.error } })
}

/** Takes what is saved as a file does: none of it stays in the heap. */
export const farStorage: PeerStorage = {
  name: 'nowhere',
  open: () => Promise.resolve(),
  load: () => Promise.resolve(undefined),
  save: async (parts) => {
    for (const _ of parts);
  },
  quarantine: () => Promise.resolve('nowhere'),
  close: () => Promise.resolve()
}

export function quietOptions(options: Partial<PoolOptions> = {}): PoolOptions {
  return { network: 'bench', minConnections: 0, expectedConnections: 0, maintenanceIdleMs: null, ...options }
}

/** Tables that hold `size` of each and are full then: the bounded tables, as users have them. */
export function tablesOf(size: number): Pick<PoolOptions, 'maxKnownPoints' | 'maxKnownPeers'> {
  const bounds = { max: size, target: size }
  return { maxKnownPoints: bounds, maxKnownPeers: bounds }
}

/** libp2p's own, of a node that was made and not started: a memory datastore behind it. */
export async function peerStore(): Promise<PeerStore> {
  return (await createLibp2p({ start: false })).peerStore
}

/** Ed25519 peer ids, each of a key made of its number; nobody holds the other half. */
export function libp2pPeers(count: number, seed = 1): Libp2pPeerId[] {
  const random = chance(seed)
  return Array.from({ length: count }, () => {
    const key = publicKeyFromRaw(Uint8Array.from({ length: 32 }, () => random() & 0xff))
    return peerIdFromPublicKey(key)
  })
}

/** Texts of the length and look of peer ids, much faster to make; the tables never parse them. */
export function peerTexts(count: number, seed = 1): PeerId[] {
  const random = chance(seed)
  const tail = new Array<string>(44)
  return Array.from({ length: count }, () => {
    for (let i = 0; i < tail.length; i++) tail[i] = base58[random() % 58] as string
    return flat(`12D3KooW${tail.join('')}`) as PeerId
  })
}

/** Public IPv4 addresses, all different, over all groups. `from`: the number of the first, so that a later call makes others. */
export function pointTexts(count: number, from = 0): Point[] {
  return Array.from({ length: count }, (_, i) => {
    // Odd multiplier modulo 2^24: a walk through all addresses of 11.0.0.0/8 to 98.0.0.0/8 that never meets itself.
    const place = Math.imul(from + i, 0x9e3779b1) & 0xffffff
    const first = 11 + ((from + i) % 88)
    return flat(`/ip4/${first}.${place >>> 16}.${(place >>> 8) & 255}.${place & 255}/tcp/${4_001 + (i % 7)}`) as Point
  })
}

/** A string in one piece that nobody hashed yet, as it comes from a parser: a concatenated one would be put together in the measured part. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** So many of them, spread over all in random order, as fresh strings where they are strings. */
export function sampleOf<T>(all: readonly T[], count: number, seed = 7): T[] {
  const random = chance(seed)
  return Array.from({ length: count }, () => {
    const item = all[random() % all.length] as T
    return typeof item === 'string' ? (flat(item) as T) : item
  })
}

/** 32 random bits a call (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}
