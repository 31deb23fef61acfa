/**
 * What the rows about tables work with: a pool on the real clock and the real dice whose network reaches nobody, and texts of peers and
 * points. Deterministic but for the clock.
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import {
  DialError,
  memoryStorage,
  type Network,
  nodePreset,
  type PeerId,
  PeerPool,
  type PeerStorage,
  type Point,
  resolveConfig
} from '../src/core/index.ts'
import type { PoolState } from '../src/core/tables/pool-state.ts'
import type { PoolOptions } from '../src/core/values/settings.ts'
import { parsePeerId, parsePoint, tryParsePeerId, tryParsePoint } from '../src/libp2p/point.ts'
import { systemClock, systemRandom } from '../src/libp2p/system.ts'

/** Parses like libp2p's, and every dial fails at once. */
export const quietNetwork: Network = {
  peerId: peerTexts(1, 0xfff)[0] as PeerId,
  transports: ['tcp'],
  ownPoints: () => [],
  parsePoint: (text) => parsePoint(text),
  tryParsePoint: (text) => tryParsePoint(text),
  parsePeerId: (text) => parsePeerId(text),
  tryParsePeerId: (text) => tryParsePeerId(text),
  canDial: () => true,
  dial: () => Promise.reject(new DialError('refused', 'nobody is there')),
  start: () => Promise.resolve(),
  stop: () => Promise.resolve()
}

/** `state`: what decisions read, for those that no verb asks by itself. */
export function quietPool(
  options: Partial<PoolOptions> = {},
  network = quietNetwork
): { readonly pool: PeerPool; readonly state: PoolState<unknown> } {
  const config = resolveConfig(quietOptions(options), { preset: nodePreset, storage: memoryStorage() })
  let state: PoolState<unknown> | undefined
  const pool = new PeerPool(config, {
    network,
    clock: systemClock,
    random: systemRandom,
    log: { error: console.error },
    inspect: (made) => {
      state = made
    }
  })
  if (state === undefined) throw new Error('the pool did not give its state')
  return { pool, state }
}

/** Takes what is saved as a file does: none of it stays in the heap. It gives `text` at the start. */
export function farStorage(text?: string): PeerStorage {
  return {
    name: 'nowhere',
    open: () => Promise.resolve(),
    load: () => Promise.resolve(text),
    save: async (lines) => {
      for (const _ of lines);
    },
    quarantine: () => Promise.resolve('nowhere'),
    close: () => Promise.resolve()
  }
}

export function quietOptions(options: Partial<PoolOptions> = {}): PoolOptions {
  return { network: 'bench', minConnections: 0, expectedConnections: 0, maintenanceIdleMs: null, ...options }
}

/** Ed25519 peer ids, each of a key made of its number; nobody holds the other half. */
export function peerTexts(count: number, seed = 1): PeerId[] {
  const random = chance(seed)
  return Array.from({ length: count }, () => {
    const key = publicKeyFromRaw(Uint8Array.from({ length: 32 }, () => random() & 0xff))
    return flat(peerIdFromPublicKey(key).toString()) as PeerId
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
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** So many of them, in random order, as fresh strings. */
export function sampleOf<T extends string>(all: readonly T[], count: number, seed = 7): T[] {
  const random = chance(seed)
  return Array.from({ length: count }, () => flat(all[random() % all.length] as T) as T)
}

/** 32 random bits a call (mulberry32). */
function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}
