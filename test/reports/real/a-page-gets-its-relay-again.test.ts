import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterAll, test } from 'vitest'
import type { NodePeer } from '../../../node/index.ts'
import { until } from '../../libp2p/plain-nodes.ts'
import { addressOf, pointOf, startPage, startPeer, stopAll } from './peers.ts'

// At the end of all: the tests run side by side, since they wait most of the time.
afterAll(stopAll)

const anywhere = '/ip4/127.0.0.1/tcp/0/ws'

async function startRelay(listen = anywhere, maxReservations = 4): Promise<NodePeer> {
  return startPeer({ listen: [listen], relay: { maxReservations }, privateKey: await key })
}
const key = generateKeyPair('Ed25519')

type Page = Awaited<ReturnType<typeof startPage>>
const becomes = ({ relays }: Page, held: number, deadlineMs = 10_000): Promise<void> => until(() => relays.status.held === held, deadlineMs)

test.concurrent('a page that a full relay refused is reachable soon after a place is free, though it was connected all the time', async ({
  expect
}) => {
  const relay = await startRelay(anywhere, 1)
  const first = await startPage(['/p2p-circuit'], [addressOf(relay)])
  await becomes(first, 1)
  const second = await startPage(['/p2p-circuit'], [addressOf(relay)])
  await until(() => second.pool.activeConnections === 1)
  expect(second.relays.status).toEqual({ held: 0, wanted: 1 })
  await first.stop()
  await becomes(second, 1, 12_000)
})

test.concurrent('a page starts while the relay that it names is down, and is reachable within ten seconds of each of its starts', async ({
  expect
}) => {
  const away = await startRelay()
  const [point, address] = [pointOf(away), addressOf(away)]
  await away.stop()
  const [named, found] = await Promise.all([startPage([`${address}/p2p-circuit`]), startPage(['/p2p-circuit'], [address])])
  expect([named, found].map(({ relays }) => relays.status.held)).toEqual([0, 0])
  const relay = await startRelay(point)
  await Promise.all([named, found].map((page) => becomes(page, 1)))
  await relay.stop()
  await Promise.all([named, found].map((page) => becomes(page, 0)))
  await startRelay(point)
  await Promise.all([named, found].map((page) => becomes(page, 1)))
})
