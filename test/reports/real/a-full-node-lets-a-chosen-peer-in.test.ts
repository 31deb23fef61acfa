import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { atHost } from '../../attacks/kit/source-address.ts'
import { atEnd, pointOf, portOf, startPeer, stopAll } from './peers.ts'

afterEach(stopAll)

/** Opens sockets that say nothing, six each second and another for each one that is closed. */
function pressOn(port: number, host: string): void {
  const sockets = new Set<net.Socket>()
  const open = (): void => {
    if (sockets.size >= 100) return
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: host })
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  for (let i = 0; i < 60; i++) open()
  const timer = setInterval(open, 1_000 / 6)
  atEnd(() => {
    clearInterval(timer)
    for (const socket of sockets) socket.destroy()
  })
}

test.each([
  { where: 'another host', host: '127.0.0.2' },
  { where: 'the host of the silent sockets', host: '127.0.0.9' }
])(
  'a peer of $where that the operator trusts is in within ten seconds, though the band is full and silent sockets press on',
  async ({ host }) => {
    const full = await startPeer({ expectedConnections: 4, maxConnections: 5 })
    for (let i = 0; i < 6; i++) {
      const stranger = await startPeer()
      await stranger.pool.connect(pointOf(full)).catch(() => undefined)
    }
    pressOn(portOf(full), '127.0.0.9')
    const friend = await atHost(host, () => startPeer())
    full.pool.peers.trust(friend.pool.peerId)
    const began = performance.now()
    let isIn = false
    while (!isIn && performance.now() - began < 10_000) {
      await atHost(host, () => friend.pool.connect(pointOf(full))).then(
        () => {
          isIn = true
        },
        () => new Promise((resolve) => setTimeout(resolve, 200))
      )
    }
    await expect.poll(() => full.pool.connections.findByPeerId(friend.pool.peerId)).toBeDefined()
    expect(full.pool.activeConnections).toBeLessThanOrEqual(5)
  }
)
