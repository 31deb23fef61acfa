/**
 * Starts the demo, all in this process: the Node peers, and the server of the page. Called by demo.ts, which says what
 * happens, and by the check and the pictures through it. Each part is owned by the given `Shutdown`.
 */
import type { BreaksOptions, DemoBreaks } from './demo-breaks.ts'
import { controlEndpoint } from './demo-control.ts'
import type { DemoNetwork, DemoNetworkOptions } from './demo-network.ts'
import { buildPage, type PageFiles, servePage } from './demo-server.ts'
import type { Shutdown } from './demo-shutdown.ts'

export interface Demo {
  readonly network: DemoNetwork
  /** What the page can break of it. */
  readonly breaks: DemoBreaks
  /** Of the page, which can be used. */
  readonly url: string
  /** Of the page, for other machines; none without `host`. */
  readonly address: string | undefined
  /** What is served there. */
  readonly files: PageFiles
}

export interface DemoOptions extends Pick<DemoNetworkOptions, 'onMessage' | 'onStart' | 'onWarning'> {
  /** Of the page; the relay is at the next two. 0: free ones. */
  readonly port: number
  /** An address of this machine that others reach. @default none */
  readonly host?: string | undefined
  readonly shutdown: Shutdown
  /** What is broken, and mended again. */
  readonly onBroken?: BreaksOptions['note']
  /** @default built now */
  readonly files?: PageFiles
}

/** Rejects with a sentence for people if a port is taken, or with whatever kept a part from starting. */
export async function startDemo({ files: built, ...options }: DemoOptions): Promise<Demo> {
  const { port, host, shutdown } = options
  const [network, files] = await Promise.all([startNetwork(options), built ?? buildPage()])
  const breaks = await startBreaks(network, options)
  const control = controlEndpoint({ breakNow: breaks.breakNow, broken: () => breaks.broken, host })
  const server = await shutdown.own('The server of the page', {
    start: () => servePage(files, { settings: network.pageSettings, reservations: network.reservations, control, port, host }),
    stop: (started) => started.close()
  })
  server.broken.catch((error: unknown) => shutdown.crashed('The server of the page', error))
  return { network, breaks, url: server.url, address: server.address, files }
}

async function startNetwork({ port, host, shutdown, onMessage, onStart, onWarning }: DemoOptions): Promise<DemoNetwork> {
  // libp2p takes a second to load; Vite builds meanwhile on another core.
  const { startDemoNetwork } = await import('./demo-network.ts')
  return shutdown.own('The network of Node peers', {
    start: () =>
      startDemoNetwork({
        host,
        ports: port === 0 ? { tcp: 0, webSocket: 0 } : { tcp: port + 1, webSocket: port + 2 },
        onMessage,
        onStart,
        onWarning,
        onBreak: (peer) => shutdown.crashed(peer.name, 'its libp2p node stopped by itself')
      }),
    stop: (network) => network.stop()
  })
}

async function startBreaks(network: DemoNetwork, { shutdown, onBroken }: DemoOptions): Promise<DemoBreaks> {
  const { DemoBreaks } = await import('./demo-breaks.ts')
  return shutdown.own('What is broken', {
    start: async () => new DemoBreaks({ network, ...(onBroken === undefined ? {} : { note: onBroken }) }),
    stop: (breaks) => breaks.stop()
  })
}
