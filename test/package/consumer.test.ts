import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { publint } from 'publint'
import { build, type Rollup } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../node/system-error.ts'
import { checkout, Image, readStages } from './dockerfile.ts'
import { type Consumer, examplesInDocuments, packAndInstall } from './packed.ts'
import { visitStaticPage } from './static-page.ts'

/** Fails to compile if a declaration behind a name could not be resolved, since the name is `any` then. */
const isAny = 'type IsAny<T> = 0 extends 1 & T ? true : false\n'

const pageSource = `${isAny}
import { memoryStorage, PeerPool, PoolError } from 'p2p-pool'
import { peerPool } from 'p2p-pool/libp2p'
import { createWebPeer, indexedDbStorage } from 'p2p-pool/web'
export const known: [IsAny<typeof PeerPool>, IsAny<typeof peerPool>, IsAny<Awaited<ReturnType<typeof createWebPeer>>>] = [false, false, false]
export const used = [memoryStorage, PoolError, createWebPeer, indexedDbStorage]
class Greeter { greet(): string { return 'hello' } }
export async function services(): Promise<string | undefined> {
  const shared = await createWebPeer({
    network: 'n',
    services: { greeter: () => new Greeter() },
    onOwner: ({ node }) => node.services.greeter.greet()
  })
  const known: [IsAny<typeof shared.owned>] = [false]
  // @ts-expect-error: there is no such service
  void shared.owned?.node.services.other
  return known[0] ? undefined : shared.owned?.node.services.greeter.greet()
}
`

const nodeSource = `${isAny}
import { memoryStorage, PeerPool, PoolError } from 'p2p-pool'
import { peerPool } from 'p2p-pool/libp2p'
import { createNodePeer, jsonFileStorage } from 'p2p-pool/node'
import { MemoryWorld } from 'p2p-pool/testing'
export const known: [IsAny<typeof PeerPool>, IsAny<typeof peerPool>, IsAny<Awaited<ReturnType<typeof createNodePeer>>>] = [false, false, false]
export const used = [memoryStorage, PoolError, createNodePeer, jsonFileStorage, MemoryWorld]
`

const resolutions: readonly { name: string; options: Readonly<Record<string, unknown>> }[] = [
  { name: 'nodenext', options: { module: 'nodenext', moduleResolution: 'nodenext' } },
  { name: 'bundler', options: { module: 'esnext', moduleResolution: 'bundler' } }
]

/** With these libp2p's own declarations are free of faults, so ours can be checked too. */
const libp2pNeeds = { lib: ['ES2024', 'DOM'], types: ['node'], skipLibCheck: false }

/** A Node peer with a relay, and what the options say whose packages are missing. */
const firstProgram = `
import { createNodePeer } from 'p2p-pool/node'
const init = { network: 'test', listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] }
const { node, stop } = await createNodePeer({ ...init, relay: true })
console.log(node.getMultiaddrs().length)
await stop()
for (const option of ['nat', 'mdns', 'webRtc', 'webRtcDirect', 'autoTls']) await createNodePeer({ ...init, [option]: true }).catch(({ code, message }) => console.log(code, message))
`

/** What a framework does that renders a page on its server. */
const serverRendering = `
import { createWebPeer, createTabPeer, indexedDbStorage } from 'p2p-pool/web'
import * as all from 'p2p-pool/web'
const storage = indexedDbStorage('kept-in-a-module')
const refusals = await Promise.all([createWebPeer, createTabPeer].map((make) => make({ network: 'n', storage }).catch(({ code, message }) => [code, message])))
console.log(JSON.stringify({ names: Object.keys(all).sort(), refusals }))
`

/** CommonJS, with and without types. */
const commonJs = `
const { createNodePeer } = require('p2p-pool/node')
const entries = ['p2p-pool', 'p2p-pool/libp2p', 'p2p-pool/recording', 'p2p-pool/testing', 'p2p-pool/web'].map((name) => require(name))
createNodePeer({ network: 'test', listen: ['/ip4/127.0.0.1/tcp/0'] }).then(async ({ pool, stop }) => {
  console.log(pool instanceof require('p2p-pool').PeerPool, entries.every((entry) => Object.keys(entry).length > 0))
  await stop()
})
`
const typedCommonJs = `${isAny}
import core = require('p2p-pool')
import node = require('p2p-pool/node')
const known: [IsAny<typeof core.PeerPool>, IsAny<Awaited<ReturnType<typeof node.createNodePeer>>>] = [false, false]
void known
`

let consumer: Consumer
let firstRun: string
let rendered: { names: string[]; refusals: [string, string][] }

beforeAll(async () => {
  consumer = await packAndInstall()
  await consumer.write('first.mjs', firstProgram)
  firstRun = await consumer.node('first.mjs')
  await consumer.write('rendering.mjs', serverRendering)
  rendered = JSON.parse(await consumer.node('rendering.mjs'))
  await consumer.installOptional()
  await consumer.write('page.ts', pageSource)
  await consumer.write('server.ts', nodeSource)
}, 120_000)

afterAll(() => consumer?.remove())

it('the first install runs a Node peer with a relay, and an option that needs more says what to install', () => {
  const missing = (option: string, packages: string) =>
    expect.stringMatching(new RegExp(`^invalid-config ${option} needs a package that is not installed .*; run: npm install ${packages}$`))
  expect(firstRun.trimEnd().split('\n')).toEqual([
    '2',
    missing('nat', '@libp2p/autonat-v2 @libp2p/dcutr @libp2p/upnp-nat'),
    missing('mdns', '@libp2p/mdns'),
    missing('webRtc', '@libp2p/webrtc'),
    missing('webRtcDirect', '@libp2p/webrtc'),
    missing('autoTls', '@ipshipyard/libp2p-auto-tls.*')
  ])
})

describe('a server that renders a page, without WebRTC', () => {
  it('imports it, and is told where to call createWebPeer when it calls it', () => {
    const refusal = (name: string) => ['no-page', expect.stringMatching(new RegExp(`^${name} runs in a page`))]
    expect(rendered.refusals).toEqual([refusal('createWebPeer'), refusal('createTabPeer')])
  })

  it('finds every name that a page finds', async () => {
    await consumer.write('all.ts', "export * from 'p2p-pool/web'\n")
    expect(rendered.names).toEqual((await bundle('all.ts')).exports.toSorted())
  })
})

describe('a CommonJS program', () => {
  it('requires every entry point and runs a Node peer', async () => {
    await consumer.write('program.cjs', commonJs)
    expect(await consumer.node('program.cjs')).toBe('true true\n')
  })

  it('knows the types', async () => {
    await consumer.write('program.cts', typedCommonJs)
    const options = { ...resolutions[0]?.options, ...libp2pNeeds }
    await consumer.typeCheck('tsconfig.commonjs.json', ['program.cts'], options)
  })
})

describe('what is in the package', () => {
  it('texts, sources and what was built from them, and nothing else', () => {
    for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'src/core/index.ts']) {
      expect(consumer.files).toContain(file)
    }
    const expected =
      /^(package\.json|README\.md|(CHANGELOG|CONTRIBUTING|SECURITY)\.md|docs\/.+\.md|docs\/storage\.schema\.json|docs\/grafana\/p2p-pool\.json|docs\/(demo|demo-without-servers|shared-text|react-page)\.png|docs\/playground\.jpg|docs\/simulation\/.+\.svg|LICENSE-(APACHE|MIT)|(src|node|web)\/.+\.(ts|proto)|dist\/(src|node|web)\/.+\.(js|d\.ts)(\.map)?|dist\/web\.bundle\.(js|licenses\.txt))$/
    expect(consumer.files.filter((file) => !expected.test(file))).toEqual([])
    expect(consumer.files.filter((file) => /(^|\/)(web\/demo|node\/cli)\//.test(file))).toEqual([])
  })

  it('publint finds nothing, suggestions included', async () => {
    const { messages } = await publint({ pkgDir: consumer.installed, pack: false, strict: true })
    expect(messages).toEqual([])
  })

  it('every entry point names files that are there', async () => {
    const targets = Object.values(consumer.manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target)
    )
    expect(targets.map((target) => normalize(target)).filter((target) => !consumer.files.includes(target))).toEqual([])
  })

  it('every source map points to a source that is there', async () => {
    const maps = consumer.files.filter((file) => file.endsWith('.map'))
    expect(maps.length).toBeGreaterThan(0)
    for (const map of maps) {
      const { sources }: { sources: string[] } = JSON.parse(await readFile(join(consumer.installed, map), 'utf8'))
      for (const source of sources) await access(join(consumer.installed, dirname(map), source))
    }
  })

  it('every link in a document leads to a file that is there', async () => {
    const dead: string[] = []
    for (const file of consumer.files.filter((name) => name.endsWith('.md'))) {
      const text = await readFile(join(consumer.installed, file), 'utf8')
      for (const [, link = ''] of text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        if (!/^https?:/.test(link) && !consumer.files.includes(join(dirname(file), link))) dead.push(`${file}: ${link}`)
      }
    }
    expect(dead).toEqual([])
  })

  it('every dependency is imported by what is published', async () => {
    const code = await Promise.all(
      consumer.files.filter((file) => /^dist\/.*\.(js|d\.ts)$/.test(file)).map((file) => readFile(join(consumer.installed, file), 'utf8'))
    )
    const { dependencies, peerDependencies } = consumer.manifest
    const unused = [...Object.keys(dependencies), ...Object.keys(peerDependencies)].filter(
      (name) => !code.some((text) => new RegExp(`['"]${name}(/[^'"]*)?['"]`).test(text))
    )
    expect(unused).toEqual([])
  })
})

describe.each(resolutions)("a consumer's TypeScript with module resolution $name", ({ name, options }) => {
  it('knows the types of every entry point for Node, and finds no fault in any declaration', async () => {
    await consumer.typeCheck(`tsconfig.${name}.node.json`, ['server.ts'], { ...options, ...libp2pNeeds })
  })

  it('knows the types of every entry point for pages, without those of Node', async () => {
    await consumer.typeCheck(`tsconfig.${name}.page.json`, ['page.ts'], {
      ...options,
      lib: ['ES2024', 'DOM'],
      types: [],
      skipLibCheck: true
    })
  })

  it('compiles the examples of the README and the guide', async () => {
    const examples = await examplesInDocuments(consumer)
    expect(examples.length).toBeGreaterThanOrEqual(9)
    const files = examples.map((_, index) => `example-${index + 1}.ts`)
    for (const [index, file] of files.entries()) await consumer.write(file, `${examples[index]}\nexport {}\n`)
    // A page imports WebRTC, whose declarations do not agree with those of yamux.
    await consumer.typeCheck(`tsconfig.${name}.examples.json`, files, { ...options, ...libp2pNeeds, skipLibCheck: true })
  })
})

it('the command runs from the packed package', async () => {
  const bin = join(consumer.installed, consumer.manifest.bin['p2p-pool'] ?? '')
  expect(await consumer.node(bin, '--version')).toBe(`${consumer.manifest.version}\n`)
  expect(await readFile(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  // It loads libp2p before it finds that it cannot listen there.
  const args = ['node', '--network', 'test', '--listen', '/ip4/192.0.2.1/tcp/4001', '--data', join(consumer.folder, 'data')]
  await expect(consumer.node(bin, ...args)).rejects.toThrow(
    'cannot listen at /ip4/192.0.2.1/tcp/4001: this machine does not have that address'
  )
}, 30_000)

describe('the files in deploy/', () => {
  it('the image starts the packed command, is healthy, and ends with 0 by SIGTERM: with the words of the compose file', async () => {
    const instructions = (await readStages()).at(-1) ?? []
    const image = new Image(consumer.folder, instructions)
    expect(image.valuesOf('USER')).toEqual(['node'])
    expect(image.valuesOf('VOLUME')).toEqual(['/data'])
    const bin = join(consumer.folder, 'app/node_modules/.bin')
    await mkdir(bin, { recursive: true })
    await mkdir(join(consumer.folder, 'data'), { recursive: true, mode: 0o700 })
    const program = join(consumer.installed, consumer.manifest.bin['p2p-pool'] ?? '')
    await chmod(program, 0o755)
    await symlink(program, join(bin, 'p2p-pool'))
    const compose = await readFile(join(checkout, 'deploy/compose.yaml'), 'utf8')
    const words: string[] = JSON.parse(/^ +command: (\["node".*\])$/m.exec(compose)?.[1]?.replace(/\$\{NETWORK:-(\w+)\}/, '$1') ?? '[]')
    expect(words).toContain('0.0.0.0:8700')
    const loopback = ['--listen', '/ip4/127.0.0.1/tcp/0', '--listen', '/ip4/127.0.0.1/tcp/0/ws', '--http', '127.0.0.1:0', '--json']
    const child = image.start(...words, ...loopback)
    const ended = once(child, 'close')
    if (child.stdout === null) throw new Error('expected a pipe')
    const [line] = (await once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(20_000) })) as [string]
    expect(JSON.parse(line)).toMatchObject({ folder: join(consumer.folder, 'data'), pool: { network: 'demo' }, relay: { used: 0 } })
    expect((await fetch(`${JSON.parse(line).http}/metrics`)).status).toBe(200)
    expect(await image.checkHealth()).toEqual({ status: 0, text: expect.stringMatching(/^in the band|^filling the band/) })
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(await image.checkHealth()).toMatchObject({ status: 1 })
  }, 60_000)

  it('name files that are there, and the same ports', async () => {
    const compose = await readFile(join(checkout, 'deploy/compose.yaml'), 'utf8')
    const mounts = [...compose.matchAll(/^ +- (\.{1,2}\/[^:]+):/gm)].map(([, path]) => path ?? '')
    expect(mounts).toHaveLength(3)
    for (const path of mounts) await access(join(checkout, 'deploy', path))
    await access(join(checkout, 'deploy', 'Dockerfile'))
    const prometheus = await readFile(join(checkout, 'deploy/prometheus.yml'), 'utf8')
    expect(prometheus).toContain('targets: ["peer:8700"]')
    const datasource = await readFile(join(checkout, 'deploy/grafana/provisioning/datasources/prometheus.yaml'), 'utf8')
    expect(datasource).toContain('url: http://prometheus:9090')
  })

  it('the systemd unit runs the command on settings in /etc, and systemd finds no fault where there is one', async () => {
    const unit = await readFile(join(checkout, 'deploy/p2p-pool.service'), 'utf8')
    expect(unit).toMatch(/^ExecStart=\/usr\/local\/bin\/p2p-pool node --config \/etc\/p2p-pool\/settings\.json$/m)
    expect(unit).toMatch(`RestartPreventExitStatus=64`)
    // It looks whether the command is there.
    await consumer.write('p2p-pool.service', unit.replaceAll('/usr/local/bin/p2p-pool', process.execPath))
    const found = await verified(join(consumer.folder, 'p2p-pool.service'))
    expect(found.split('\n').filter((text) => text.includes('p2p-pool.service'))).toEqual([])
  })
})

/** What `systemd-analyze verify` says; nothing where there is no systemd. */
async function verified(path: string): Promise<string> {
  try {
    return (await promisify(execFile)('systemd-analyze', ['verify', path])).stderr
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? '' : String(Reflect.get(Object(error), 'stderr'))
  }
}

it('Node runs the packed code', async () => {
  const code =
    "import('p2p-pool'), import('p2p-pool/libp2p'), import('p2p-pool/node').then((all) => console.log(typeof all.createNodePeer))"
  expect(await consumer.node('--input-type=module', '--eval', code)).toBe('function\n')
})

it('the tests in the guide pass', async () => {
  const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(await readFile(join(consumer.installed, 'docs/guide/testing.md'), 'utf8')) ?? []
  await consumer.write('chat.test.ts', example)
  expect(await consumer.node('--test', '--test-reporter=tap', 'chat.test.ts')).toContain('# pass 3')
})

describe('web.bundle.js', () => {
  it('connects a page of a plain web server, under a strict content security policy', async () => {
    const { connected, expected, faults } = await visitStaticPage({
      folder: join(consumer.folder, 'static'),
      bundle: join(consumer.installed, 'dist/web.bundle.js'),
      guide: await readFile(join(consumer.installed, 'docs/guide/page.md'), 'utf8')
    })
    expect({ connected, faults }).toEqual({ connected: [expected], faults: [] })
  })

  it('is 245 kB at most, gzipped', async () => {
    expect(gzipSync(await readFile(join(consumer.installed, 'dist/web.bundle.js')), { level: 9 }).length).toBeLessThanOrEqual(245_000)
  })
})

describe('a bundler', () => {
  it('makes a page of it that needs no module of Node', async () => {
    const { modules, imports } = await bundle('page.ts')
    expect(modules).toContainEqual(expect.stringContaining('/p2p-pool/dist/web/index.js'))
    expect(modules.filter((id) => /browser-external|node_modules\/(node-datachannel|react-native-webrtc)\//.test(id))).toEqual([])
    expect(imports).toEqual([])
  })

  it('leaves libp2p out where only the core is used', async () => {
    await consumer.write('core.ts', "import { PeerPool } from 'p2p-pool'\nexport const used = PeerPool\n")
    const { modules } = await bundle('core.ts')
    expect(modules).toContainEqual(expect.stringContaining('/p2p-pool/dist/src/core/'))
    expect(modules.filter((id) => /node_modules\/@?libp2p\//.test(id))).toEqual([])
  })
})

/** The ids of the modules in the bundle, what it would still have to import, and what it exports. */
async function bundle(entry: string): Promise<{ modules: string[]; imports: string[]; exports: string[] }> {
  const result = await build({
    root: consumer.folder,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, target: 'es2023', lib: { entry, formats: ['es'] } }
  })
  const outputs = (Array.isArray(result) ? result : [result]) as Rollup.RollupOutput[]
  const chunks = outputs.flatMap(({ output }) => output.filter((part) => part.type === 'chunk'))
  const own = new Set(chunks.map(({ fileName }) => fileName))
  return {
    exports: chunks.find((chunk) => chunk.isEntry)?.exports ?? [],
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)),
    imports: chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]).filter((name) => !own.has(name))
  }
}
