/**
 * One configuration for Vite and Vitest. Vite: the demo page, root web/demo, built or served by node/cli/demo.ts.
 * Vitest (mode "test"): five projects, run one after the other, so that real sockets do not wait for busy cores.
 * One of them measures time and is run by `npm run turns` alone.
 */
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { chromiumFlags, findChromium } from './node/cli/chromium.ts'

const checkout = fileURLToPath(new URL('.', import.meta.url))

/** Whatever is not here is a unit test, so that no test file is forgotten. */
const integrationTests = [
  'test/libp2p/**/*.test.ts',
  'test/node/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/attacks/**/*.test.ts',
  'test/examples/*/real/**/*.test.ts'
]
const simulatedTests = ['test/sim/**/*.test.ts']
/** What pages load of others, made ready before the first test: Vite would find it in the middle of one and load that again. */
const pageDependencies = [
  ...['@chainsafe/libp2p-noise', '@chainsafe/libp2p-yamux', '@libp2p/circuit-relay-v2', '@libp2p/identify', '@libp2p/interface'],
  ...['@libp2p/peer-id', '@libp2p/peer-record', '@libp2p/webrtc', '@libp2p/websockets', '@multiformats/multiaddr', 'libp2p', 'uplot'],
  ...['@noble/hashes/sha2.js', '@noble/hashes/utils.js', 'idb-keyval', 'protons-runtime', '@libp2p/crypto/keys']
]
const browserTests = ['test/browser/**/*.test.ts', 'test/web/**/*.test.ts']
const timedTests = ['test/browser/turns.test.ts']

export default defineConfig(async ({ mode }) =>
  mode === 'test'
    ? { root: checkout, test: { projects: await projects() } }
    : { root: `${checkout}web/demo`, build: { target: 'es2023', outDir: `${checkout}.cache/demo`, emptyOutDir: true } }
)

async function projects(): Promise<TestProjectConfiguration[]> {
  const { path: executablePath } = await findChromium()
  const inChromium = (name: string, { include, exclude }: { include: string[]; exclude: string[] }): TestProjectConfiguration => ({
    extends: true,
    optimizeDeps: { include: pageDependencies },
    test: {
      name,
      include,
      exclude,
      testTimeout: 30_000,
      hookTimeout: 60_000,
      sequence: { groupOrder: 3 },
      globalSetup: ['test/browser/setup/chromium.ts'],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({
          launchOptions: { ...(executablePath === undefined ? {} : { executablePath }), args: [...chromiumFlags] }
        }),
        instances: [{ browser: 'chromium' }]
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
        sequence: { groupOrder: 0 }
      }
    },
    {
      extends: true,
      test: {
        name: 'simulation',
        include: simulatedTests,
        testTimeout: 120_000,
        sequence: { groupOrder: 1 }
      }
    },
    {
      extends: true,
      test: {
        name: 'integration',
        include: integrationTests,
        testTimeout: 30_000,
        hookTimeout: 60_000,
        sequence: { groupOrder: 2 }
      }
    },
    inChromium('browser', { include: browserTests, exclude: timedTests }),
    inChromium('turns', { include: timedTests, exclude: [] })
  ]
}
