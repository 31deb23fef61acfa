/**
 * `npm run example:light-client`: starts the network and the server of the page in this process, says where the page is and what the
 * liars come to, and stops everything at Ctrl-C. How it ends is the demo's `Shutdown`.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildPage, jsonFile, serveFiles } from '../../node/cli/demo-server.ts'
import { listenForEnds, Shutdown } from '../../node/cli/demo-shutdown.ts'
import type { ChainNetwork, ChainNetworkOptions } from './node/chain-network.ts'
import type { HeaderPeer } from './node/header-peer.ts'

const usage = `npm run example:light-client [-- options]

Starts five honest Node peers that make a chain of headers, two liars, and a page that follows the chain and finds the
liars out; stop it with Ctrl-C.

  --port N   the page at port N; default: a free one
  --help     this text

Everything listens on 127.0.0.1 only and writes no file.`

/** What the page and a test of it need. */
export interface Example {
  readonly network: ChainNetwork
  readonly url: string
}

export interface ExampleOptions extends Pick<ChainNetworkOptions, 'honestForMs'> {
  /** Of the page; 0: any free one. */
  readonly port: number
  readonly shutdown: Shutdown
}

/** Each part is owned by the given `Shutdown`. Rejects with a sentence for people if the port is taken. */
export async function startExample({ port, shutdown, honestForMs }: ExampleOptions): Promise<Example> {
  const [network, files] = await Promise.all([
    startNetwork(shutdown, honestForMs),
    buildPage(fileURLToPath(new URL('./page', import.meta.url)))
  ])
  const server = await shutdown.own('The server of the page', {
    start: () => serveFiles(new Map(files).set('/settings.json', jsonFile(network.pageSettings)), port),
    stop: (started) => started.close()
  })
  server.broken.catch((error: unknown) => shutdown.crashed('The server of the page', error))
  return { network, url: server.url }
}

async function startNetwork(shutdown: Shutdown, honestForMs: number | undefined): Promise<ChainNetwork> {
  // libp2p takes a second to load; Vite builds meanwhile on another core.
  const { startChainNetwork } = await import('./node/chain-network.ts')
  return shutdown.own('The network of Node peers', {
    start: () => startChainNetwork({ honestForMs, onBreak: (peer) => shutdown.crashed(peer.name, 'its libp2p node stopped by itself') }),
    stop: (network) => network.stop()
  })
}

/** Resolves with the exit status once everything has stopped. Never rejects. */
async function main(args: readonly string[]): Promise<number> {
  let port: number
  try {
    const { values } = parseArgs({ args: [...args], options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
    if (values.help === true) {
      write(usage)
      return 0
    }
    port = readPort(values.port)
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  const shutdown = new Shutdown()
  listenForEnds(shutdown)
  const working = run(port, shutdown).catch((error: unknown) => {
    if (!shutdown.signal.aborted) complain(error instanceof Error ? error.message : String(error))
    return 1
  })
  const asked = shutdown.requested.then(({ status, message }) => {
    if (message !== undefined) complain(message)
    return status
  })
  const status = await Promise.race([working, asked])
  const problems = await shutdown.stopAll()
  for (const problem of problems) complain(problem)
  if (problems.length === 0 && status === 0) write('Stopped; nothing is left.')
  return problems.length > 0 && status === 0 ? 1 : status
}

/** Until somebody stops it. */
async function run(port: number, shutdown: Shutdown): Promise<number> {
  write('Starting five honest Node peers and two liars, making a chain of 600 headers, building the page …')
  const { network, url } = await startExample({ port, shutdown })
  for (const liar of network.liars) follow(liar)
  write(`\nThe page: ${url}`)
  write('It verifies every header itself. After some seconds the liars begin to lie to it. Ctrl-C stops everything.\n')
  shutdown.expectEnd()
  return (await shutdown.requested).status
}

function follow(liar: HeaderPeer): void {
  liar.pool.addEventListener('external-disconnection', ({ detail: { peerId, ending }, at }) => {
    const lied = liar.firstLies.get(peerId)
    if (lied === undefined || ending.reason.kind !== 'fault') return
    liar.firstLies.delete(peerId)
    write(`${liar.name} lied to …${peerId.slice(-8)} and was cut off ${((at - lied) / 1_000).toFixed(1)} s later: ${ending.reason.detail}`)
  })
}

/** 0: any free one. */
function readPort(text: string | undefined): number {
  if (text === undefined) return 0
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < 1 || port > 65_535) throw new Error(`--port: expected a whole number from 1 to 65535, got ${JSON.stringify(text)}`)
  return port
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) {
  const status = await main(process.argv.slice(2))
  // What was written must be out; and a handle that some library forgot must not keep the process.
  process.stdout.write('', () => process.exit(status))
}
