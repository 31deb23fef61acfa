/** What each bundler is given beside the README's page, and how it is run: as in its own introduction. */

export interface Bundler {
  /** What `npm run test:bundlers -- NAME` calls it. */
  readonly name: string
  /** Its package, whose version the table shows. */
  readonly package: string
  /** To install, with the versions that are meant. */
  readonly packages: readonly string[]
  /** The file of the README's page. */
  readonly page: string
  /** Other files of the project. */
  readonly files: Readonly<Record<string, string>>
  readonly build: readonly string[]
  /** The folder to serve, or a command that serves at the port. */
  readonly serve: { readonly folder: string } | { command(port: number): readonly string[] }
  /** Paths of the server that answer with a text in which the pattern is found. */
  readonly answers?: Readonly<Record<string, RegExp>>
}

const html = (script: string): string => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><link rel="icon" href="data:,"></head>
  <body><script type="module" src="${script}"></script></body>
</html>
`

/** The component is rendered on the server first, where it may import the pool; the page's program starts in the browser. */
const nextFiles = {
  'app/layout.jsx':
    'export default ({ children }) => <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>\n',
  'app/page.jsx': `import { createWebPeer } from 'p2p-pool/web'
import { Connections } from './connections.jsx'

export default async function Page() {
  const refusal = await createWebPeer({ network: 'example-net' }).catch((error) => error.code)
  return <main>on the server: {refusal}<Connections /></main>
}
`,
  'app/connections.jsx': `'use client'
import { PoolError } from 'p2p-pool'
import { createWebPeer } from 'p2p-pool/web'
import { useEffect } from 'react'

export function Connections() {
  useEffect(() => {
    import('./readme.js').catch((error) => console.error(error))
  }, [])
  return <p>rendered with {typeof createWebPeer}, {typeof PoolError}</p>
}
`,
  'app/peer/route.js': `import { createNodePeer } from 'p2p-pool/node'

export const dynamic = 'force-dynamic'

export async function GET() {
  const { node, stop } = await createNodePeer({ network: 'example-net', listen: ['/ip4/127.0.0.1/tcp/0'] })
  await stop()
  return new Response(node.peerId.toString())
}
`
}

const next = (name: string, ...options: readonly string[]): Bundler => ({
  name,
  package: 'next',
  packages: ['next@16', 'react@19', 'react-dom@19'],
  page: 'app/readme.js',
  files: nextFiles,
  build: ['npx', 'next', 'build', ...options],
  serve: { command: (port) => ['npx', 'next', 'start', '--hostname', '127.0.0.1', '--port', String(port)] },
  answers: { '': /no-page.*rendered with.*function/s, peer: /^12D3KooW/ }
})

export const bundlers: readonly Bundler[] = [
  {
    name: 'vite',
    package: 'vite',
    packages: ['vite@8'],
    page: 'page.ts',
    files: { 'index.html': html('/page.ts') },
    build: ['npx', 'vite', 'build'],
    serve: { folder: 'dist' }
  },
  {
    name: 'webpack',
    package: 'webpack',
    packages: ['webpack@5', 'webpack-cli@7'],
    page: 'src/index.js',
    files: { 'dist/index.html': html('/main.js') },
    build: ['npx', 'webpack', '--mode', 'production'],
    serve: { folder: 'dist' }
  },
  {
    name: 'esbuild',
    package: 'esbuild',
    packages: ['esbuild@0.28'],
    page: 'page.ts',
    files: { 'dist/index.html': html('/page.js') },
    build: ['npx', 'esbuild', 'page.ts', '--bundle', '--minify', '--format=esm', '--splitting', '--outdir=dist'],
    serve: { folder: 'dist' }
  },
  {
    name: 'rollup',
    package: 'rollup',
    packages: ['rollup@4', '@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29', '@rollup/plugin-terser'],
    page: 'page.js',
    files: {
      'rollup.config.js': `import commonjs from '@rollup/plugin-commonjs'
import resolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'

export default { input: 'page.js', output: { dir: 'dist' }, plugins: [resolve({ browser: true }), commonjs(), terser()] }
`,
      'dist/index.html': html('/page.js')
    },
    build: ['npx', 'rollup', '--config'],
    serve: { folder: 'dist' }
  },
  next('next'),
  next('next-webpack', '--webpack')
]
