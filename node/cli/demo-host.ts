/**
 * Under which names the demo's server answers. A web page of an attacker can point a name of its own at this machine (DNS rebinding): the
 * browser then lets that page read what the server answers. Such a request names the attacker's host, so requests for other hosts get no answer.
 */
import type { IncomingMessage } from 'node:http'
import { hostname as nameOfMachine } from 'node:os'
import { hostOfIp } from '../../src/core/values/address.ts'

/** The server's end of a socket. */
export interface LocalEnd {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
}

const loopbacks = ['127.0.0.1', '::1'].map(hostOfIp)
/** What a local network calls this machine. */
const localNames = [nameOfMachine(), `${nameOfMachine().split('.')[0]}.local`].map((name) => name.toLowerCase())

/**
 * Does a request name this server in its Host header: by the address at which it came in, by `localhost` at the loopback, or by the name of
 * this machine? Pure.
 */
export function isForUs({ headers: { host: header }, socket }: Pick<IncomingMessage, 'headers'> & { readonly socket: LocalEnd }): boolean {
  const { localAddress, localPort } = socket
  if (header === undefined || localAddress === undefined || !URL.canParse(`http://${header}`)) return false
  const { hostname, port, host } = new URL(`http://${header}`)
  const written = header.toLowerCase()
  if ((written !== host && written !== `${host}:80`) || Number(port || 80) !== localPort) return false
  const local = hostOfIp(localAddress)
  if (hostname === 'localhost') return loopbacks.includes(local)
  const named = hostOfIp(hostname.replace(/^\[|\]$/g, ''))
  return named === undefined ? localNames.includes(hostname) : named === local
}
