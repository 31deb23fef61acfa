import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../node/cli/demo-facts.ts'
import { type DemoNetwork, startDemoNetwork } from '../../../node/cli/demo-network.ts'
import { command } from '../command/running.ts'

/** Rejects with what the system says of a port where nobody listens. */
function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', reject)
  })
}

const freePorts = { tcp: 0, webSocket: 0 }

describe('the Node peers of the demo', () => {
  let network: DemoNetwork

  beforeAll(async () => {
    network = await startDemoNetwork({ ports: freePorts })
  })
  afterAll(() => network.stop())

  const lonely = () => network.peers.filter(({ pool }) => pool.activeConnections < network.peers.length - 1).map(({ name }) => name)
  const allHoldAll = () => eventually(() => lonely().length === 0 || undefined, { expected: 'each to hold all others', seen: lonely })

  test('four that know only the relay find each other, and all hold all', async () => {
    await allHoldAll()
  })

  test('one that is stopped and started again is who it was, where it was, and is held again', async () => {
    await allHoldAll()
    const peer = network.peers[3]
    if (peer === undefined) throw new Error('there is no fourth one')
    const before = { peerId: peer.peerId, tcp: peer.multiaddr('tcp'), ws: peer.multiaddr('ws') }
    await peer.stop()
    await peer.start()
    expect({ peerId: peer.pool.peerId, tcp: peer.multiaddr('tcp'), ws: peer.multiaddr('ws') }).toEqual(before)
    await allHoldAll()
  })

  test('one that is killed says no goodbye, takes nobody from that moment on, and can be started again', async () => {
    await allHoldAll()
    const [relay, peer] = network.peers
    if (relay === undefined || peer === undefined) throw new Error('there are not two')
    const ended = relay.pool.next('connection-lost', { signal: AbortSignal.timeout(5_000) })
    const port = Number(/\/tcp\/(\d+)\/ws/.exec(peer.multiaddr('ws'))?.[1])
    const killed = peer.kill()
    await expect(reach(port)).rejects.toThrow('ECONNREFUSED')
    expect((await ended).detail).toMatchObject({ peerId: peer.peerId, ending: { reason: expect.anything() } })
    await killed
    expect(peer.isRunning).toBe(false)
    await peer.start()
    await allHoldAll()
  })

  test('each is a peer of the command, which works on its data folder', async () => {
    await allHoldAll()
    const relay = network.peers[0]
    if (relay === undefined) throw new Error('there is no relay')
    const { status, text } = await command(['status', '--json', '--data', relay.folder])
    expect(status).toBe(0)
    expect(JSON.parse(text)).toMatchObject({ folder: relay.folder, pool: { peerId: relay.peerId, network: 'p2p-pool-demo' } })
  })

  test('pages get the address of the relay alone', () => {
    expect(network.pageSettings.trustedPoints).toEqual([network.peers[0]?.multiaddr('ws')])
  })

  test('a peer that writes to one gets an answer, unless it is one of them', async () => {
    await allHoldAll()
    const heard: string[] = []
    const own = await startDemoNetwork({ ports: freePorts, onMessage: (to, _, text) => heard.push(`${to.name}: ${text}`) })
    try {
      const [one, two] = own.peers
      if (one === undefined || two === undefined) throw new Error('there are not two')
      await eventually(() => one.pool.connections.findByPeerId(two.peerId), { expected: 'the two to be connected' })
      await one.send(two.peerId, 'hello')
      await eventually(() => heard.includes('Node peer 2: hello') || undefined, { expected: 'the message to arrive', seen: () => heard })
      await one.send(two.peerId, 'bye')
      await eventually(() => heard.includes('Node peer 2: bye') || undefined, { expected: 'the next one too', seen: () => heard })
      expect(heard).toEqual(['Node peer 2: hello', 'Node peer 2: bye'])
    } finally {
      await own.stop()
    }
  })
})

test('the network leaves no file when it stops', async () => {
  const network = await startDemoNetwork({ ports: freePorts })
  expect(existsSync(network.folder)).toBe(true)
  await network.stop()
  expect(existsSync(network.folder)).toBe(false)
})

test.each(['tcp', 'webSocket'] as const)('a relay whose %s port is taken says which one', async (which) => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  try {
    await expect(startDemoNetwork({ ports: { ...freePorts, [which]: port } })).rejects.toThrow(
      `Node peer 1, the relay: cannot listen at /ip4/127.0.0.1/tcp/${port}: another program listens there`
    )
  } finally {
    taken.close()
  }
})
