/** A reverse proxy before a victim's WebSocket listener: plain TCP, or one that tells by `X-Forwarded-For` who came. */
import net from 'node:net'
import { forwardFor } from '../../laboratory/forwarded-for.ts'
import { defineRole } from '../../laboratory/role.ts'
import { attackerHost, honestHost } from './hosts.ts'
import { atHost } from './source-address.ts'

export interface ProxyArgs {
  readonly listen: { readonly host: string; readonly port: number }
  readonly target: { readonly host: string; readonly port: number }
  /** Where its own connections come from. */
  readonly from: string
  readonly addsHeader: boolean
}

export const proxy = defineRole(import.meta.url, 'proxy', async ({ listen, target, from, addsHeader }: ProxyArgs) => {
  const server = net.createServer((client) => {
    const upstream = atHost(from, () => net.connect(target))
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
    upstream.pipe(client)
    if (addsHeader) forwardFor(forwardedFor(client.remoteAddress ?? ''), { client, upstream })
    else client.pipe(upstream)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listen, resolve)
  })
  return { clients: (): Promise<number> => new Promise((resolve) => server.getConnections((_, count) => resolve(count))) }
})

/** Proxies add the client to what the request says of itself. The attacker's says that it comes for an honest page. */
function forwardedFor(client: string): string {
  return client === attackerHost(9) ? `${honestHost(1)}, ${client}` : client
}
