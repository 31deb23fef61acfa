/**
 * `npm run size`: what a page loads for the pool, on top of the libp2p that it would load anyway: two bundles, minified and gzipped, and
 * the difference. It counts what is loaded at once, and fails above the ceiling. It prints the chunks that are loaded later, and what
 * `createWebPeer` adds to share the pool between tabs. Pages that do not share load nothing of that.
 *
 * The tables of modules and areas give the cost of each: how much smaller the gzip of all our code is without it. The costs add up to
 * less than the whole, since text that two modules have in common counts for neither.
 */

import { brotliCompressSync, gzipSync } from 'node:zlib'
import { bundle } from './bundle.ts'

/** The targets: loaded at once; everything; everything with sharing between tabs. */
const targets = { first: 38_000, all: 47_000, shared: 52_000 }
/** What is loaded at once must not exceed this. It only goes down. */
const ceilingBytes = 46_850

/** The sharing between tabs, above that. */
const sharingCeilingBytes = 6_330

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
  ['bars: bans, ranges, greylists', /(tables\/(bans|access|greylist|fading-filter))/],
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

console.log(`\nlibp2p alone ${sum(alone.chunks, gzipped)} bytes gzipped; the pool is ${pool} more`)
console.log(`the ceiling is ${ceilingBytes}, the target ${targets.first}`)
console.log(
  `as brotli: libp2p ${sum(alone.chunks, brotlied)}, the pool ${sum(withPool.chunks, brotlied) - sum(alone.chunks, brotlied)} more`
)
console.log('loaded later, in chunks of their own:')
for (const [name, code] of withPool.later) console.log(row(code.length, gzipped(code), name))
const all = pool + sum([...withPool.later.values()], gzipped)
console.log(`everything: ${all}; the target is ${targets.all}`)
console.log(`sharing it between tabs: ${sharing} more; the ceiling is ${sharingCeilingBytes}`)
console.log(`everything with sharing: ${all + sharing}; the target is ${targets.shared}`)
const above = Math.max(pool - ceilingBytes, sharing - sharingCeilingBytes)
if (above > 0) {
  console.error(`above the ceiling by ${above} bytes`)
  process.exitCode = 1
}
