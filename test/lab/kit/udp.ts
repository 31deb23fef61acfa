/** Asks what a router does with UDP, as RFC 5780 does: a host behind it, and two public hosts that answer and write on demand. */
import { createSocket, type Socket } from 'node:dgram'
import { defineRole } from '../../laboratory/role.ts'

const waitMs = 500
export const mainPort = 3_000
export const otherPort = 3_001

interface Address {
  readonly host: string
  readonly port: number
}

/** Tells each who writes to it how it is seen. */
export const udpServer = defineRole(import.meta.url, 'udp-server', async ({ host }: { host: string }) => {
  const sockets = new Map<number, Socket>()
  for (const port of [mainPort, otherPort]) {
    const socket = await bind(host, port)
    socket.on('message', (_, from) => socket.send(`seen ${from.address} ${from.port}`, from.port, from.address))
    sockets.set(port, socket)
  }
  return {
    /** Writes to somebody who may not have asked. */
    write: (to: Address, from: { port: number; word: string }): Promise<void> =>
      new Promise((resolve, reject) => {
        sockets.get(from.port)?.send(from.word, to.port, to.host, (error) => (error === null ? resolve() : reject(error)))
      })
  }
})

/** Owns sockets behind the router. */
export const udpClient = defineRole(import.meta.url, 'udp-client', async (_: object) => {
  const sockets: Socket[] = []
  const heard = new Map<number, string[]>()
  return {
    /** A new socket, by its number. */
    open: async (): Promise<number> => {
      const socket = await bind('0.0.0.0', 0)
      const number = sockets.push(socket) - 1
      heard.set(number, [])
      socket.on('message', (bytes) => heard.get(number)?.push(bytes.toString()))
      return number
    },
    /** How a server sees the socket; `undefined` if it does not answer. */
    ask: async (number: number, server: Address): Promise<Address | undefined> => {
      heard.set(number, [])
      sockets[number]?.send('?', server.port, server.host)
      const answer = await waitFor(() => heard.get(number)?.find((text) => text.startsWith('seen ')))
      const [, host, port] = answer?.split(' ') ?? []
      return host === undefined ? undefined : { host, port: Number(port) }
    },
    hears: async (number: number, word: string): Promise<boolean> =>
      (await waitFor(() => heard.get(number)?.find((text) => text === word))) !== undefined
  }
})

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, () => resolve(socket))
  })
}

async function waitFor<T>(find: () => T | undefined): Promise<T | undefined> {
  const end = performance.now() + waitMs
  for (;;) {
    const found = find()
    if (found !== undefined || performance.now() > end) return found
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}
