/**
 * `npm run size`: what a page loads for the pool, on top of the libp2p that it would load anyway: two bundles, minified and
 * gzipped, and the difference. Fails above the ceiling, which only ever goes down; the bar is `targetBytes`. What `createWebPeer`
 * adds to share the pool between tabs is measured beside it, since pages that do not share load nothing of it.
 */

import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What we want to reach. */
const targetBytes = 15_000
/** What must not be exceeded until then. */
const ceilingBytes = 59_200

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
  /** Bytes of each of our own modules, before minification. */
  readonly ours: readonly [string, number][]
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
  const { output } = await build.generate({ minify: true, format: 'es' })
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])))
  // What an option needs is in chunks that are loaded with it: only those count that the first one imports outright.
  const loaded = new Set([output[0]])
  for (const chunk of loaded) for (const name of chunk.imports) if (chunks.has(name)) loaded.add(chunks.get(name) ?? chunk)
  const modules = [...loaded]
    .flatMap((chunk) => Object.entries(chunk.modules))
    .filter(([path]) => path.startsWith(checkout) && !path.includes('node_modules') && path !== entry)
  return {
    gzipped: [...loaded].reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0),
    ours: modules
      .map(([path, { renderedLength }]): [string, number] => [path.slice(checkout.length), renderedLength])
      .sort((a, b) => b[1] - a[1])
  }
}

const alone = await bundle(libp2p)
const withPool = await bundle(`${libp2p}export { createTabPeer } from './index.ts'\n`)
const shared = await bundle(`${libp2p}export { createTabPeer, createWebPeer } from './index.ts'\n`)
const pool = withPool.gzipped - alone.gzipped
const sharing = shared.gzipped - withPool.gzipped
for (const [path, bytes] of shared.ours) console.log(`${String(bytes).padStart(7)}  ${path}`)
console.log(`\nlibp2p alone ${alone.gzipped} bytes gzipped, with the pool ${withPool.gzipped}: the pool is ${pool}`)
console.log(
  pool <= targetBytes ? `the bar of ${targetBytes} is met` : `the bar of ${targetBytes} is not met; the ceiling is ${ceilingBytes}`
)
console.log(`sharing it between tabs: ${sharing} more; the ceiling is ${sharingCeilingBytes}`)
const above = Math.max(pool - ceilingBytes, sharing - sharingCeilingBytes)
if (above > 0) {
  console.error(`above the ceiling by ${above} bytes`)
  process.exitCode = 1
}
