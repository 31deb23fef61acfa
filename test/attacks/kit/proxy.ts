/** A reverse proxy before a victim's WebSocket listener: plain TCP, or one that tells by `X-Forwarded-For` who came. */
import net from 'node:net'
import { attackerHost, honestHost } from './hosts.ts'
import { defineRole } from './role.ts'
import { atHost } from './source-address.ts'

export interface ProxyArgs {
  readonly listen: { readonly host: string; readonly port: number }
  readonly target: { readonly host: string; readonly port: number }
  /** Where its own connections come from. */
  readonly from: string
  readonly addsHeader: boolean
}

/** No request for a WebSocket is longer. */
const maxHeadBytes = 16_384
const endOfHead = '\r\n\r\n'

export const proxy = defineRole(import.meta.url, 'proxy', async ({ listen, target, from, addsHeader }: ProxyArgs) => {
  const server = net.createServer((client) => {
    const upstream = atHost(from, () => net.connect(target))
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
    upstream.pipe(client)
    if (addsHeader) forward(client, upstream)
    else client.pipe(upstream)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen, resolve)
  })
  return { clients: (): Promise<number> => new Promise((resolve) => server.getConnections((_, count) => resolve(count))) }
})

/** The request with one line more, then everything as it comes. */
function forward(client: net.Socket, upstream: net.Socket): void {
  let head = ''
  const read = (chunk: Buffer): void => {
    head += chunk.toString('latin1')
    const end = head.indexOf(endOfHead)
    if (end < 0) {
      if (head.length > maxHeadBytes) client.destroy()
      return
    }
    client.off('data', read)
    const header = `\r\nX-Forwarded-For: ${forwardedFor(client.remoteAddress ?? '')}`
    upstream.write(Buffer.from(head.slice(0, end) + header + head.slice(end), 'latin1'))
    client.pipe(upstream)
  }
  client.on('data', read)
}

/** Proxies add the client to what the request says of itself. The attacker's says that it comes for an honest page. */
function forwardedFor(client: string): string {
  return client === attackerHost(9) ? `${honestHost(1)}, ${client}` : client
}
