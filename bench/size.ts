/**
 * `npm run size`: what a page loads for the pool, on top of the libp2p that it would load anyway: two bundles, minified and gzipped, and
 * the difference. It prints what is loaded before the first dial, the chunks that are loaded later, and what `createWebPeer` adds to share
 * the pool between tabs. It fails above one of the ceilings.
 *
 * No dial waits for a chunk (`test/core/flows/first-dial.test.ts`), so what is loaded before the first dial is what the entry imports.
 *
 * The tables of modules and areas give the cost of each: how much smaller the gzip of all our code is without it. The costs add up to
 * less than the whole, since text that two modules have in common counts for neither.
 */

import { brotliCompressSync, gzipSync } from 'node:zlib'
import { bundle } from './bundle.ts'

/** Before the first dial; everything; everything with the sharing between tabs. */
const targets = { first: 38_000, all: 47_000, shared: 52_000 }
/** None may be exceeded. They only go down. */
const ceilings = { first: 50_170, all: 74_320, shared: 80_520 }

/** Chunks that a page does not load unless it has the option, or calls what they are for: they count for nothing. */
const onlyWithOption: ReadonlySet<string> = new Set([
  'src/libp2p/pool-metrics.ts',
  'src/core/flows/application-check.ts',
  'src/libp2p/plain-peers.ts',
  'src/libp2p/introductions.ts',
  'src/core/flows/introductions.ts',
  'src/core/flows/invitations.ts',
  'src/libp2p/copied-signalling.ts',
  'web/tab-invitations.ts'
])

/** All that `createTabPeer` uses of libp2p. */
const libp2p = `
export { noise } from '@chainsafe/libp2p-noise'
export { yamux } from '@chainsafe/libp2p-yamux'
export { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
export { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
export { identify } from '@libp2p/identify'
export { peerIdFromCID, peerIdFromString } from '@libp2p/peer-id'
export { webRTC } from '@libp2p/webrtc'
export { webSockets } from '@libp2p/websockets'
export { multiaddr } from '@multiformats/multiaddr'
export { createLibp2p } from 'libp2p'
`

/** A module belongs to the first area whose pattern its path matches. */
const areas: readonly (readonly [string, RegExp])[] = [
  ['storage: the saved text, its checks, IndexedDB', /saved-|persist|(database|indexed-db|identity)\.ts$/],
  ['wire: frames, fields, caps', /^src\/core\/wire\//],
  ['bars: bans, ranges, greylists', /(tables\/(bans|access|greylist))/],
  ['tables: points, peers, attempts', /^src\/core\/tables\//],
  ['decisions: admission, plan, score', /^src\/core\/decisions\//],
  ['flows: handshake, connections, exchange, maintenance', /^src\/core\/flows\//],
  ['values: addresses, options, reasons', /^src\/core\/values\//],
  ['API: the verbs, snapshot, events', /^src\/core\//],
  ['libp2p adapter: points, dials, links, gater', /^src\/libp2p\//],
  ['page: its life, its locks, its budget, the preset', /^web\//]
]

const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length
const brotlied = (text: string): number => brotliCompressSync(text).length
const sum = (texts: readonly string[], size: (text: string) => number): number => texts.reduce((all, text) => all + size(text), 0)

/** By how much the gzip of all shrinks without some of the modules. */
function costOf(modules: ReadonlyMap<string, string>, isOne: (path: string) => boolean): number {
  const without = [...modules].filter(([path]) => !isOne(path)).map(([, text]) => text)
  return gzipped([...modules.values()].join('')) - gzipped(without.join(''))
}

const areaOf = (path: string): string => areas.find(([, pattern]) => pattern.test(path))?.[0] ?? ''

const alone = await bundle(libp2p)
const withPool = await bundle(`${libp2p}export { createTabPeer } from './index.ts'\n`)
const shared = await bundle(`${libp2p}export { createTabPeer, createWebPeer } from './index.ts'\n`)
const pool = sum(withPool.chunks, gzipped) - sum(alone.chunks, gzipped)
const sharing = sum(shared.chunks, gzipped) - sum(withPool.chunks, gzipped)

const verdict = (name: keyof typeof targets, bytes: number): string =>
  `${bytes} bytes; the ceiling is ${ceilings[name]}, the target ${targets[name]}`
const row = (bytes: number, cost: number, name: string): string => `${String(bytes).padStart(8)} ${String(cost).padStart(6)}  ${name}`
console.log('minified   cost  module')
for (const [path, text] of [...shared.ours].sort(([, a], [, b]) => b.length - a.length))
  console.log(
    row(
      text.length,
      costOf(shared.ours, (other) => other === path),
      path
    )
  )

console.log('\nminified   cost  area, without the sharing')
for (const [area] of areas) {
  const bytes = [...withPool.ours].reduce((all, [path, text]) => all + (areaOf(path) === area ? text.length : 0), 0)
  console.log(
    row(
      bytes,
      costOf(withPool.ours, (path) => areaOf(path) === area),
      area
    )
  )
}

console.log(`\nlibp2p alone ${sum(alone.chunks, gzipped)} bytes gzipped`)
console.log(`the pool before the first dial: ${verdict('first', pool)}`)
console.log(
  `as brotli: libp2p ${sum(alone.chunks, brotlied)}, the pool ${sum(withPool.chunks, brotlied) - sum(alone.chunks, brotlied)} more`
)
console.log('loaded later, in chunks of their own:')
for (const [name, code] of withPool.later)
  console.log(row(code.length, gzipped(code), onlyWithOption.has(name) ? `${name}, only with its option` : name))
const ordinary = [...withPool.later].filter(([name]) => !onlyWithOption.has(name)).map(([, code]) => code)
const all = pool + sum(ordinary, gzipped)
console.log(`everything: ${verdict('all', all)}`)
console.log(`everything with the sharing between tabs: ${verdict('shared', all + sharing)}`)
const above = Math.max(pool - ceilings.first, all - ceilings.all, all + sharing - ceilings.shared)
if (above > 0) {
  console.error(`above the ceiling by ${above} bytes`)
  process.exitCode = 1
}
