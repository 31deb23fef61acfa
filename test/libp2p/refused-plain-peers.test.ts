/** A plain peer that dialed us and that the pool refuses: how long its connection lasts, with the clock in the test's hands. */
import type { Connection, Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Link } from '../../src/core/values/ports.ts'
import { relayGuestTag } from '../../src/libp2p/connection-keeper.ts'
import { Arrivals } from '../contract/network.ts'
import { HandClock } from './hand-clock.ts'
import { startNode, type TestNode } from './nodes.ts'
import { plainNode, until } from './plain-nodes.ts'

let clock: HandClock
let ours: TestNode
let stranger: Libp2p
let arrivals: Arrivals
let denied: string[]

beforeEach(async () => {
  clock = new HandClock()
  denied = []
  arrivals = new Arrivals()
  ours = await startNode('tcp', { clock, denies: (peerId) => denied.includes(peerId) })
  stranger = await plainNode()
  await ours.network.start({ ...arrivals.handlers, plainProtocols: [] })
})

afterEach(async () => {
  await ours.network.stop()
  await Promise.all([ours.node.stop(), stranger.stop()])
})

async function arrive(): Promise<{ connection: Connection; link: Link }> {
  const [connection, link] = await Promise.all([stranger.dial(ours.node.getMultiaddrs()), arrivals.next()])
  return { connection, link }
}

/** Whoever it is, it could be talked with after all that was to happen now. */
async function isAlive(connection: Connection): Promise<boolean> {
  return connection
    .newStream('/ipfs/id/1.0.0')
    .then((stream) => stream.close())
    .then(
      () => connection.status === 'open',
      () => false
    )
}

test('it stays for a while, since a peer that keeps us alive would dial again at once', async () => {
  const { connection, link } = await arrive()
  await link.close()
  expect(await isAlive(connection)).toBe(true)
  clock.run()
  await until(() => ours.node.getConnections().length + stranger.getConnections().length === 0)
})

test('it is not offered again meanwhile', async () => {
  const { connection, link } = await arrive()
  let offered = false
  void arrivals.next().then(() => {
    offered = true
  })
  await link.close()
  await stranger.handle('/late/1.0.0', () => undefined)
  expect(await isAlive(connection)).toBe(true)
  expect(offered).toBe(false)
})

test('it stays on with a reservation on our relay', async () => {
  const { connection, link } = await arrive()
  await link.close()
  await ours.node.peerStore.merge(stranger.peerId, { tags: { [relayGuestTag]: { value: 1 } } })
  clock.run()
  expect(await isAlive(connection)).toBe(true)
})

test('it goes at once when the pool had taken it before', async () => {
  const { link } = await arrive()
  const reading = link.chunks[Symbol.asyncIterator]().next()
  await link.close()
  expect(await reading).toMatchObject({ done: true })
  await until(() => ours.node.getConnections().length + stranger.getConnections().length === 0)
})

test('it goes at once when it is banned', async () => {
  const { link } = await arrive()
  denied.push(stranger.peerId.toString())
  await link.close()
  await until(() => ours.node.getConnections().length + stranger.getConnections().length === 0)
})

test('a network that stops waits for none of them', async () => {
  const { link } = await arrive()
  await link.close()
  await ours.network.stop()
  expect(clock.pending).toBe(0)
})
