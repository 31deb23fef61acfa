/**
 * Starts the example, all in this process: the Node peers and the server of the page. Called by `cli.ts`, and by the test of
 * the whole.
 */
import { fileURLToPath } from 'node:url'
import type { ChainNetwork, ChainNetworkOptions } from '../../../../examples/light-client/node/chain-network.ts'
import { linkCheckout } from '../../../../examples/link-checkout.ts'
import { buildPage, jsonFile, serveFiles } from '../../../../node/cli/demo-server.ts'
import type { Shutdown } from '../../../../node/cli/demo-shutdown.ts'

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
  linkCheckout()
  const [network, files] = await Promise.all([
    startNetwork(shutdown, honestForMs),
    buildPage(fileURLToPath(new URL('../../../../examples/light-client/page', import.meta.url)))
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
  const { startChainNetwork } = await import('../../../../examples/light-client/node/chain-network.ts')
  return shutdown.own('The network of Node peers', {
    start: () => startChainNetwork({ honestForMs, onBreak: (peer) => shutdown.crashed(peer.name, 'its libp2p node stopped by itself') }),
    stop: (network) => network.stop()
  })
}
