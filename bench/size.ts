/**
 * `npm run size`: what a page loads for the pool, on top of the libp2p that it would load anyway: two bundles, minified and
 * gzipped, and the difference. Fails above the ceiling, which only ever goes down; the bar is `targetBytes`. What `createWebPeer`
 * adds to share the pool between tabs is measured beside it, since pages that do not share load nothing of it; and what is only
 * loaded with the option that needs it. Before the sums stands each of our modules, by its minified bytes and what these are gzipped
 * alone: together they take less, since gzip finds in one what another has.
 */

import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What we want to reach. */
const targetBytes = 15_000
/** What must not be exceeded until then. */
const ceilingBytes = 57_000

/** The sharing between tabs, above that. */
const sharingCeilingBytes = 7_500

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

interface Bundle {
  readonly gzipped: number
  /** Chunks that an option brings, gzipped. */
  readonly laterGzipped: number
  /** The minified text of each of our own modules that is loaded at once. */
  readonly ours: ReadonlyMap<string, string>
}

const checkout = fileURLToPath(new URL('..', import.meta.url))

async function bundle(source: string): Promise<Bundle> {
  const entry = `${checkout}web/size-entry.ts`
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    // As of a page's own entry: chunks that are loaded later may take from it.
    preserveEntrySignatures: 'allow-extension',
    logLevel: 'silent',
    plugins: [{ name: 'entry', resolveId: (id) => (id === entry ? entry : null), load: (id) => (id === entry ? source : null) }]
  })
  const { output } = await build.generate({ minify: true, format: 'es', sourcemap: true })
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])))
  // What an option needs is in chunks that are loaded with it: only those count that the first one imports outright.
  const loaded = new Set([output[0]])
  for (const chunk of loaded) for (const name of chunk.imports) if (chunks.has(name)) loaded.add(chunks.get(name) ?? chunk)
  const gzippedOf = (parts: Iterable<{ readonly code: string }>): number =>
    [...parts].reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
  const ours = new Map<string, string>()
  for (const { code, map } of loaded) {
    for (const [path, text] of map === null ? [] : textBySource(code, map)) {
      if (!path.includes('node_modules') && /^(src|web)\//.test(path)) ours.set(path, (ours.get(path) ?? '') + text)
    }
  }
  return { gzipped: gzippedOf(loaded), laterGzipped: gzippedOf([...chunks.values()].filter((chunk) => !loaded.has(chunk))), ours }
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** Which part of a bundle comes from which source, by its source map: each segment reaches to the next one. */
function textBySource(code: string, { mappings, sources }: { mappings: string; sources: readonly string[] }): Map<string, string> {
  const found = new Map<string, string>()
  const lines = code.split('\n')
  let source = 0
  for (const [number, segments] of mappings.split(';').entries()) {
    const line = lines[number] ?? ''
    let column = 0
    let path = ''
    const take = (until: number): void => {
      found.set(path, (found.get(path) ?? '') + line.slice(column, until))
      column = until
    }
    for (const segment of segments.split(',')) {
      const [columns = 0, sourceChange] = numbersOf(segment)
      take(column + columns)
      if (sourceChange === undefined) continue
      source += sourceChange
      path = (sources[source] ?? '').replace(/^(\.\.\/)+/, '')
    }
    take(line.length)
  }
  return found
}

/** Base64 VLQ: five bits a digit, the sixth says that more follow, the lowest of the number is its sign. */
function numbersOf(segment: string): number[] {
  const numbers: number[] = []
  let value = 0
  let shift = 0
  for (const character of segment) {
    const digit = digits.indexOf(character)
    value |= (digit & 31) << shift
    shift += 5
    if ((digit & 32) !== 0) continue
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1)
    value = shift = 0
  }
  return numbers
}

const alone = await bundle(libp2p)
const withPool = await bundle(`${libp2p}export { createTabPeer } from './index.ts'\n`)
const shared = await bundle(`${libp2p}export { createTabPeer, createWebPeer } from './index.ts'\n`)
const pool = withPool.gzipped - alone.gzipped
const sharing = shared.gzipped - withPool.gzipped
const rows = [...shared.ours].sort(([, a], [, b]) => b.length - a.length)
console.log('minified  gzipped  module')
for (const [path, text] of rows)
  console.log(`${String(text.length).padStart(8)} ${String(gzipSync(text, { level: 9 }).length).padStart(8)}  ${path}`)
console.log(`\nlibp2p alone ${alone.gzipped} bytes gzipped, with the pool ${withPool.gzipped}: the pool is ${pool}`)
console.log(
  pool <= targetBytes ? `the bar of ${targetBytes} is met` : `the bar of ${targetBytes} is not met; the ceiling is ${ceilingBytes}`
)
console.log(
  `only with options that need it: ${withPool.laterGzipped} more, in chunks of their own; so ${pool + withPool.laterGzipped} in all`
)
console.log(`sharing it between tabs: ${sharing} more; the ceiling is ${sharingCeilingBytes}`)
const above = Math.max(pool - ceilingBytes, sharing - sharingCeilingBytes)
if (above > 0) {
  console.error(`above the ceiling by ${above} bytes`)
  process.exitCode = 1
}
