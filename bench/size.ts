/**
 * `npm run size`: what a page loads for the pool, on top of the libp2p that it would load anyway: two bundles, minified and
 * gzipped, and the difference. Fails above the ceiling; the bar is `targetBytes`. What `createWebPeer`
 * adds to share the pool between tabs is measured beside it, since pages that do not share load nothing of it; and what is only
 * loaded with the option that needs it. Before the sums stand our modules and areas, each by what it costs: so much smaller is the gzip
 * of all of ours without it. The costs of the modules are less than the whole together, since what two of them share counts for
 * neither.
 */

import { brotliCompressSync, gzipSync } from 'node:zlib'
import { bundle } from './bundle.ts'

/** What we want to reach. */
const targetBytes = 15_000
/** What must not be exceeded until then; docs/size.md says when it was last raised, and for what. */
const ceilingBytes = 57_200

/** The sharing between tabs, above that. */
const sharingCeilingBytes = 6_700

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
  ['bars: bans, ranges, greylists', /tables\/(bans|cidr|acl|.*greylist|fading-filter)/],
  ['tables: points, peers, attempts', /^src\/core\/tables\//],
  ['explaining: why a point is not connected, what maintenance does', /explain/],
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
console.log(
  pool <= targetBytes ? `the bar of ${targetBytes} is met` : `the bar of ${targetBytes} is not met; the ceiling is ${ceilingBytes}`
)
console.log(
  `as brotli: libp2p ${sum(alone.chunks, brotlied)}, the pool ${sum(withPool.chunks, brotlied) - sum(alone.chunks, brotlied)} more`
)
const later = sum(withPool.later, gzipped)
console.log(`only with options that need it: ${later} more, in chunks of their own; so ${pool + later} in all`)
console.log(`sharing it between tabs: ${sharing} more; the ceiling is ${sharingCeilingBytes}`)
const above = Math.max(pool - ceilingBytes, sharing - sharingCeilingBytes)
if (above > 0) {
  console.error(`above the ceiling by ${above} bytes`)
  process.exitCode = 1
}
