/**
 * One configuration for Vite and Vitest. Vite: the demo page, root web/demo, built or served by node/cli/demo.ts.
 * Vitest (mode "test"): the projects run in groups, one group after the other, so that real sockets do not wait for simulations.
 * Each processor has a worker. Tests that measure rates, processor time or memory run one file at a time.
 */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import type { BrowserConfigOptions } from 'vitest/node'
import { chromiumFlags, findChromium } from './node/cli/chromium.ts'
import { findFirefox, firefoxLaunch } from './node/cli/firefox.ts'

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
  'test/examples/*/real/**/*.test.ts'
]
/** They compare figures with bounds that a second file beside them could break. */
const measuredTests = ['test/node/cost.test.ts', 'test/node/silent-flood.test.ts', 'test/node/page-life.test.ts']
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
  ['/testing', 'src/testing/index.ts'],
  ['/node', 'node/index.ts'],
  ['/web', 'web/index.ts'],
  ['/react', 'web/react.ts']
].map(([entry, source]) => ({ find: new RegExp(`^p2p-pool${entry}$`), replacement: `${checkout}${source}` }))
/** By default vitest leaves one processor idle, which of two is half of the time. */
const maxWorkers = availableParallelism()
/** Each file has its own ports and folders, and mostly waits. More than a few at once would wait for each other. */
const maxSocketWorkers = Math.min(4, maxWorkers + 1)

export default defineConfig(async ({ mode }) =>
  mode === 'test'
    ? { root: checkout, resolve: { alias: ownSources }, test: { projects: await projects() } }
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
      maxWorkers: 1,
      sequence: { groupOrder: 3 },
      globalSetup: ['test/browser/setup/browsers.ts'],
      browser: {
        enabled: true,
        headless: true,
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
        maxWorkers,
        sequence: { groupOrder: 0 }
      }
    },
    {
      extends: true,
      test: {
        name: 'simulation',
        include: simulatedTests,
        testTimeout: 120_000,
        maxWorkers,
        sequence: { groupOrder: 0 }
      }
    },
    withSockets('integration', { include: integrationTests, exclude: measuredTests, maxWorkers: maxSocketWorkers, groupOrder: 1 }),
    withSockets('measured', { include: measuredTests, exclude: [], maxWorkers: 1, groupOrder: 2 }),
    // Both at once: they mostly wait. `npm run test:firefox` asks for one of them.
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
  return { extends: true, test: { name, ...files, testTimeout: 30_000, hookTimeout: 60_000, sequence: { groupOrder } } }
}
