/** A TCP server on a loopback address that counts who comes and hangs up at once. */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

export interface CountingServer {
  readonly port: number
  /** Sockets accepted so far. */
  readonly accepted: number
  close(): Promise<void>
}

export async function countingServer(host: string, port = 0): Promise<CountingServer> {
  let accepted = 0
  const server = createServer((socket) => {
    accepted++
    socket.on('error', () => undefined)
    socket.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted
    },
    close: () => new Promise((resolve) => server.close(() => resolve()))
  }
}
