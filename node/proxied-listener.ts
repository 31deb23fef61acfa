/**
 * Listeners that know of proxies: the address of an incoming connection becomes that of the peer behind the proxy before libp2p counts it
 * or asks the gater, so bans, shares, greylist and scopes all see the same host. And pages of websites that may not connect are
 * answered with 403. Used by `createNodePeer` for TCP and for WebSockets; `request-origin.ts` judges.
 */
import type { IncomingMessage } from 'node:http'
import type { ComponentLogger, CreateListenerOptions, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { hostOfIp } from '../src/core/values/address.ts'
import type { Host } from '../src/core/values/ids.ts'
import { hostOfAddress } from '../src/libp2p/gater.ts'
import { judgeRequest, type RequestRules } from './request-origin.ts'

/** The largest WebSocket frame, bytes: `ws` holds one whole, before anybody has proved an id. libp2p's own have 64 KiB at most. */
const maxFrameBytes = 1_048_576

/** A transport for `createLibp2p` whose listeners keep the rules. */
export function behindProxies<Components extends { readonly logger: ComponentLogger }>(
  make: (components: Components) => Transport,
  rules: RequestRules
): (components: Components) => Transport {
  return (components) => {
    const transport = make(components)
    const log = components.logger.forComponent('p2p-pool:listener')
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (options: CreateListenerOptions) => {
      // The request whose connection comes next: `ws` makes it in the same turn.
      let judged: { readonly socket: string; readonly host: Host | undefined } | undefined
      const place = (link: MultiaddrConnection): void => {
        const seen = hostOfAddress(link.remoteAddr)
        const isJudged = judged?.socket === socketOf(seen, portOf(link.remoteAddr))
        const host = isJudged ? judged?.host : seen !== undefined && rules.isTrustedProxy(seen) ? undefined : seen
        judged = undefined
        if (host !== seen) Reflect.set(link, 'remoteAddr', addressAt(host, link.remoteAddr))
      }
      const listener = createListener({ ...options, upgrader: placing(options.upgrader, place) })
      const webSockets: unknown = Reflect.get(listener, 'wsServer')
      if (hasOptions(webSockets)) {
        webSockets.options.maxPayload = maxFrameBytes
        webSockets.options.verifyClient = ({ req }, answer) => {
          const host = req.socket.remoteAddress === undefined ? undefined : hostOfIp(req.socket.remoteAddress)
          const judgement = judgeRequest({ host, headers: req.headers }, rules)
          if (judgement.kind === 'refuse') {
            log('refused %s: %s', req.socket.remoteAddress, judgement.why)
            answer(false, 403, judgement.why, { 'Content-Type': 'text/plain; charset=utf-8' })
            return
          }
          judged = { socket: socketOf(host, req.socket.remotePort), host: judgement.host }
          answer(true)
        }
      }
      return listener
    }
    return transport
  }
}

/** What we set of the options of `ws`, whose server libp2p's listener makes. */
interface WebSocketServer {
  readonly options: {
    maxPayload?: number
    verifyClient?: (
      info: { readonly req: IncomingMessage },
      answer: (isTaken: boolean, code?: number, message?: string, headers?: Record<string, string>) => void
    ) => void
  }
}

function hasOptions(server: unknown): server is WebSocketServer {
  return typeof server === 'object' && server !== null && typeof Reflect.get(server, 'options') === 'object'
}

function placing(upgrader: Upgrader, place: (link: MultiaddrConnection) => void): Upgrader {
  return {
    upgradeOutbound: (link: MultiaddrConnection, options: Parameters<Upgrader['upgradeOutbound']>[1]) =>
      upgrader.upgradeOutbound(link, options),
    upgradeInbound: (link: MultiaddrConnection, options: Parameters<Upgrader['upgradeInbound']>[1]) => {
      place(link)
      return upgrader.upgradeInbound(link, options)
    },
    createInboundAbortSignal: (signal) => upgrader.createInboundAbortSignal(signal),
    getStreamMuxers: () => upgrader.getStreamMuxers(),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters()
  }
}

function socketOf(host: Host | undefined, port: number | undefined): string {
  return `${host} ${port}`
}

function portOf(address: Multiaddr): number | undefined {
  const port = address.getComponents().find(({ name }) => name === 'tcp')?.value
  return port === undefined ? undefined : Number(port)
}

/** The address with another host; the port stays that of the proxy. No host: the unspecified address, which `hostOfAddress` knows. */
function addressAt(host: Host | undefined, address: Multiaddr): Multiaddr {
  const [, , , ...rest] = address.toString().split('/')
  const ip = host?.startsWith('::ffff:') && host.includes('.') ? `ip4/${host.slice(7)}` : host === undefined ? 'ip4/0.0.0.0' : `ip6/${host}`
  return multiaddr(['', ip, ...rest].join('/'))
}
