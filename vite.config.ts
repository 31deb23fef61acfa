/**
 * One configuration for Vite and Vitest. Vite: the demo page, root web/demo, built or served by node/cli/demo.ts.
 * Vitest (mode "test"): what mostly waits (real sockets, browsers) runs beside what only computes (test/setup/mixed-order.ts); simulations
 * step back for it (test/setup/step-back.ts). Then tests that measure times run alone, one file at a time.
 */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import type { BrowserConfigOptions } from 'vitest/node'
import { chromiumFlags, findChromium } from './node/cli/chromium.ts'
import { findFirefox, firefoxLaunch } from './node/cli/firefox.ts'
import { MixedOrder } from './test/setup/mixed-order.ts'

const checkout = fileURLToPath(new URL('.', import.meta.url))

/** Whatever is not here is a unit test, so that no test file is forgotten. */
const integrationTests = [
  'test/libp2p/**/*.test.ts',
  'test/node/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/attacks/**/*.test.ts',
  'test/reports/real/**/*.test.ts',
  'test/lab/**/*.test.ts',
  'test/interop/**/*.test.ts',
  'test/apps/**/*.test.ts',
  'test/examples/*/real/**/*.test.ts',
  // No sockets, but a process of its own: files of a unit worker share what they load, and this one is about what is not loaded yet.
  'test/core/flows/first-dial.test.ts'
]
/** They compare times with bounds that a second file beside them could break. */
const measuredTests = ['test/node/silent-flood.test.ts', 'test/node/page-life.test.ts']
const simulatedTests = ['test/sim/**/*.test.ts']
/** What pages load of others, made ready before the first test: Vite would find it in the middle of one and load that again. */
const pageDependencies = [
  ...['@chainsafe/libp2p-noise', '@chainsafe/libp2p-yamux', '@libp2p/circuit-relay-v2', '@libp2p/identify', '@libp2p/interface'],
  ...['@libp2p/peer-id', '@libp2p/peer-record', '@libp2p/webrtc', '@libp2p/websockets', '@multiformats/multiaddr', 'libp2p', 'uplot'],
  ...['idb-keyval', '@libp2p/crypto/keys', 'react', 'react/jsx-dev-runtime', 'react-dom/client', 'react-dom/server']
]
const browserTests = ['test/browser/**/*.test.ts', 'test/web/**/*.test.{ts,tsx}']
const timedTests = ['test/browser/turns.test.ts']
/** Firefox lets all databases of one site have 10 MB together, a fifth of this limit in kB, so that a test can fill them. */
const smallStorage = { 'dom.quotaManager.temporaryStorage.fixedLimit': 51_200 }
/** Examples import the package by its name, as programs do. In tests that is the source that the tests import too. */
const ownSources = [
  ['', 'src/core/index.ts'],
  ['/libp2p', 'src/libp2p/index.ts'],
  ['/recording', 'src/recording/index.ts'],
  ['/testing', 'src/testing/index.ts'],
  ['/node', 'node/index.ts'],
  ['/web', 'web/index.ts'],
  ['/react', 'web/react.ts']
].map(([entry, source]) => ({ find: new RegExp(`^p2p-pool${entry}$`), replacement: `${checkout}${source}` }))
/** Each file has its own ports and folders, and most wait. Of a few processors, two for each; more than a few files would wait for each other. */
const maxWorkers = Math.max(availableParallelism(), Math.min(4, 2 * availableParallelism()))
/** Compiled code, for each test file and each process that a test starts: without it all of them compile libp2p anew. */
const env = { NODE_COMPILE_CACHE: `${checkout}node_modules/.cache/compiled` }
const setupFiles = ['test/setup/compile-cache.ts']

export default defineConfig(async ({ mode }) =>
  mode === 'test'
    ? { root: checkout, resolve: { alias: ownSources }, test: { sequence: { sequencer: MixedOrder }, projects: await projects() } }
    : { root: `${checkout}web/demo`, build: { target: 'es2023', outDir: `${checkout}.cache/demo`, emptyOutDir: true } }
)

type Instances = NonNullable<BrowserConfigOptions['instances']>

async function projects(): Promise<TestProjectConfiguration[]> {
  const { path: executablePath } = await findChromium()
  // New objects each time: Vitest writes into them.
  const chromium = (): Instances => [
    {
      browser: 'chromium',
      provider: playwright({ launchOptions: { ...(executablePath === undefined ? {} : { executablePath }), args: [...chromiumFlags] } })
    }
  ]
  const { path: firefoxPath } = await findFirefox()
  // Without one the global setup fails, and says why.
  const firefox = (): Instances =>
    firefoxPath === undefined
      ? []
      : [{ browser: 'firefox', provider: playwright({ launchOptions: firefoxLaunch(firefoxPath, smallStorage) }) }]
  const inBrowsers = (name: string, { include, exclude, instances }: BrowserTests): TestProjectConfiguration => ({
    extends: true,
    optimizeDeps: { include: pageDependencies },
    test: {
      name,
      include,
      exclude,
      testTimeout: 30_000,
      hookTimeout: 60_000,
      // Vitest wants one number for a group; each browser takes one file at a time.
      maxWorkers,
      sequence: { groupOrder: 0 },
      globalSetup: ['test/browser/setup/browsers.ts'],
      browser: {
        enabled: true,
        headless: true,
        fileParallelism: false,
        screenshotFailures: false,
        instances
      }
    }
  })
  return [
    {
      extends: true,
      test: {
        name: 'unit',
        // A bound for what hangs: a busy machine is slower than the default of five seconds allows.
        testTimeout: 30_000,
        include: ['test/**/*.test.ts'],
        exclude: [...simulatedTests, ...integrationTests, ...browserTests],
        env,
        setupFiles: [...setupFiles, 'test/support/preload.ts'],
        // Their modules keep nothing between two files, so that each worker loads them once.
        isolate: false,
        maxWorkers,
        sequence: { groupOrder: 0 }
      }
    },
    {
      extends: true,
      test: {
        name: 'simulation',
        include: simulatedTests,
        // A bound for what hangs: it gets what the others of its group leave.
        testTimeout: 600_000,
        setupFiles: ['test/setup/step-back.ts'],
        maxWorkers,
        sequence: { groupOrder: 0 }
      }
    },
    withSockets('integration', { include: integrationTests, exclude: measuredTests, maxWorkers, groupOrder: 0 }),
    withSockets('measured', { include: measuredTests, exclude: [], maxWorkers: 1, groupOrder: 1 }),
    // Both browsers at once: they mostly wait. `npm run test:firefox` asks for one of them.
    inBrowsers('browser', {
      include: browserTests,
      exclude: timedTests,
      instances: process.env.TEST_BROWSER === 'firefox' ? firefox() : [...chromium(), ...firefox()]
    }),
    inBrowsers('turns', { include: timedTests, exclude: [], instances: chromium() })
  ]
}

interface BrowserTests {
  readonly include: string[]
  readonly exclude: string[]
  readonly instances: Instances
}

interface SocketTests {
  readonly include: string[]
  readonly exclude: string[]
  readonly maxWorkers: number
  readonly groupOrder: number
}

function withSockets(name: string, { groupOrder, ...files }: SocketTests): TestProjectConfiguration {
  return { extends: true, test: { name, ...files, env, setupFiles, testTimeout: 30_000, hookTimeout: 60_000, sequence: { groupOrder } } }
}
