/** `p2p-pool/react` as a consumer has it: rendered on a server, bundled for a page, with its types. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Rollup } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Consumer, packAndInstall } from './packed.ts'

/** Says which files it took of libp2p: none. */
const rendering = `
import { registerHooks } from 'node:module'
const taken = []
registerHooks({
  load(url, context, next) {
    taken.push(url)
    return next(url, context)
  }
})
const { createElement } = await import('react')
const { renderToString } = await import('react-dom/server')
const { usePool, usePoolEvent, usePoolSnapshot } = await import('p2p-pool/react')
function Page() {
  const { pool, error } = usePool({ network: 'n' })
  usePoolEvent(pool, 'message', () => undefined)
  const active = usePoolSnapshot(pool, (snapshot) => snapshot?.active)
  return createElement('p', null, [pool, error, active].map(String).join())
}
console.log(JSON.stringify({ html: renderToString(createElement(Page)), taken: taken.filter((url) => /libp2p|webrtc|web\\/index/.test(url)) }))
`

/** Fails to compile if a name is \`any\`, or if the types of messages and services get lost on the way. */
const typed = `
import { usePool, usePoolEvent, usePoolSnapshot, type OpenedPool } from 'p2p-pool/react'
type IsAny<T> = 0 extends 1 & T ? true : false
const messageCodec = { encode: (text: string) => new TextEncoder().encode(text), decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes) }
export function Page({ network }: { network: string | undefined }): string {
  const opened = usePool(network === undefined ? undefined : { network, messageCodec, services: { one: () => ({ two: 2 }) } })
  const known: [IsAny<typeof opened>, IsAny<typeof opened.pool>] = [false, false]
  const { pool, error, retry } = opened
  const said: string[] = []
  usePoolEvent(pool, 'message', ({ detail }) => said.push(detail.message.toUpperCase()))
  usePoolEvent(pool, 'connection-opened', ({ detail }) => said.push(detail.peerId))
  // @ts-expect-error: there is no such event
  usePoolEvent(pool, 'conection-opened', () => undefined)
  const active: number | undefined = usePoolSnapshot(pool, (snapshot) => snapshot?.connections.length)
  const status = usePoolSnapshot(pool)?.status
  if (error !== undefined) retry()
  return [known, active, status, pool?.owned?.node.services.one.two.toFixed()].join()
}
export const plain: OpenedPool['pool'] = undefined
`

let consumer: Consumer

beforeAll(async () => {
  consumer = await packAndInstall()
  await consumer.install(['react', 'react-dom'])
}, 120_000)

afterAll(() => consumer?.remove())

describe('p2p-pool/react', () => {
  it('renders on a server, and loads no libp2p and no WebRTC there', async () => {
    await consumer.write('rendering.mjs', rendering)
    expect(JSON.parse(await consumer.node('rendering.mjs'))).toEqual({ html: '<p>undefined,undefined,undefined</p>', taken: [] })
  })

  it('is a client component by its first statement', async () => {
    for (const name of ['react', 'react-server']) {
      const text = await readFile(join(consumer.installed, 'dist/web', `${name}.js`), 'utf8')
      expect(text).toMatch(/^(\/\*\*.*?\*\/\n)?'use client'/s)
    }
  })

  it('is small in a page until a pool is opened: libp2p is in a chunk of its own', async () => {
    await consumer.write('page.js', "export { usePool } from 'p2p-pool/react'\n")
    const built = await build({
      root: consumer.folder,
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        target: 'es2023',
        lib: { entry: 'page.js', formats: ['es'] },
        rolldownOptions: { external: [/^react/, /^@?libp2p/] }
      }
    })
    const { output } = (Array.isArray(built) ? built[0] : built) as Rollup.RollupOutput
    const chunks = output.filter((part) => part.type === 'chunk')
    const modules = (name: string): string[] => {
      const chunk = chunks.find(({ fileName }) => fileName === name)
      return chunk === undefined ? [] : [...Object.keys(chunk.modules), ...chunk.imports, ...chunk.imports.flatMap(modules)]
    }
    const [entry] = chunks.filter(({ isEntry }) => isEntry)
    const atOnce = modules(entry?.fileName ?? '').filter((name) => !name.startsWith('\0'))
    expect(atOnce.map((name) => name.replace(/^.*\/web\//, '')).sort()).toEqual(
      expect.arrayContaining(['opened-pools.js', 'react', 'react-hooks.js', 'react.js'])
    )
    expect(atOnce.filter((name) => /libp2p|tab-session|web\/index/.test(name.replace(/^.*p2p-pool\//, '')))).toEqual([])
    expect(entry?.code.length).toBeLessThan(5_000)
  })

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler']
  ])('has types that keep those of messages and services (module %s)', async (module, moduleResolution) => {
    await consumer.installOptional()
    await consumer.write('typed.ts', typed)
    const options = { module, moduleResolution, lib: ['ES2024', 'DOM'], types: ['node'], skipLibCheck: true }
    await consumer.typeCheck(`tsconfig.${module}.json`, ['typed.ts'], options)
  })
})
