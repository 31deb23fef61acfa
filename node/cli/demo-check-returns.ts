/** The facts about coming back: a reloaded page and a restarted Node peer keep their identity and the peers that they knew. */
import type { PeerId } from '../index.ts'
import { type CheckContext, seenBy } from './demo-check-context.ts'
import { eventually, expectThat, seconds } from './demo-facts.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import type { DemoTab } from './demo-tab.ts'

/** From a word of the operator until it is in the storage. */
const savedDeadlineMs = 10_000
const backDeadlineMs = 45_000

export async function checkReturns({ facts, first, second, demo, closedPorts }: CheckContext): Promise<void> {
  const [relay, , , , returning] = demo.network.peers
  if (relay === undefined || returning === undefined) throw new Error('the demo has fewer than five Node peers')
  await facts.holds('a reload of page 1 keeps its identity and the peers it knew', () => reloads(first, returning))
  await facts.holds('page 1 holds Node peers and page 2 again', () => isBack(first, second))
  await facts.holds('a restart of a Node peer keeps its identity and the peers it knew', () => restarts(returning, closedPorts))
  await facts.holds('it holds the other Node peers again', async () => {
    const others = demo.network.peers.filter((peer) => peer !== returning)
    const missing = (): string[] =>
      others.filter(({ peerId }) => returning.pool.connections.findByPeerId(peerId) === undefined).map(({ name }) => name)
    const startedAt = performance.now()
    await eventually(() => missing().length === 0 || undefined, {
      withinMs: backDeadlineMs,
      expected: 'all four',
      seen: () => `without ${missing().join(', ')}`
    })
    return `${others.length}, ${seconds(performance.now() - startedAt)} s later`
  })
}

/** When each known peer was first met: the same after a return only if it was remembered, not met anew. */
type Acquaintances = ReadonlyMap<PeerId, number>

function acquaintances(peers: readonly { readonly peerId: PeerId; readonly createdAt: number }[]): Acquaintances {
  return new Map(peers.map(({ peerId, createdAt }) => [peerId, createdAt]))
}

function expectRemembered(before: Acquaintances, after: Acquaintances): void {
  const forgotten = [...before].filter(([peerId, metAt]) => after.get(peerId) !== metAt)
  expectThat(before.size > 0 && forgotten.length === 0, {
    expected: `the ${before.size} peers of before, first seen when they were`,
    seen: `${after.size} peers; forgotten or new: ${forgotten.map(([peerId]) => peerId).join(', ') || 'none'}`
  })
}

async function reloads(tab: DemoTab, trusted: DemoNodePeer): Promise<string> {
  // Something that no other peer could tell it afterwards.
  await tab.connectionRow(trusted.peerId).locator('[data-action="trust"]').click()
  await eventually(async () => ((await tab.connectionTo(trusted.peerId))?.trusted === true ? true : undefined), {
    expected: `${trusted.name} to be trusted`
  })
  // What the operator says is written at once, and the page says when it is: a reload in the very milliseconds between is not promised.
  await eventually(async () => ((await tab.snapshot()).storage.unsavedChanges ? undefined : true), {
    withinMs: savedDeadlineMs,
    expected: 'the page to have saved it',
    seen: async () => (await tab.snapshot()).storage
  })
  const before = acquaintances((await tab.snapshot()).peers)
  await tab.page.reload()
  const peerId = await tab.started()
  expectThat(peerId === tab.peerId, { expected: tab.peerId, seen: peerId })
  const shown = await tab.page.getByTestId('own-peer-id').innerText()
  expectThat(shown === tab.peerId, { expected: `the page to show ${tab.peerId}`, seen: shown })
  const { peers, storage } = await tab.snapshot()
  expectThat(storage.mode === 'persistent', { expected: 'its peers in IndexedDB', seen: storage })
  expectRemembered(before, acquaintances(peers))
  expectThat(
    peers.some((known) => known.peerId === trusted.peerId && known.trusted),
    { expected: `${trusted.name} to be trusted still`, seen: 'it is not' }
  )
  return `${before.size} peers, one of them trusted`
}

async function isBack(first: DemoTab, second: DemoTab): Promise<string> {
  const startedAt = performance.now()
  await eventually(
    async () =>
      (await first.drawnPeers('ws')).length >= 3 && (await first.drawnPeers('webrtc')).includes(second.peerId) ? true : undefined,
    { withinMs: backDeadlineMs, expected: 'at least three Node peers and page 2 in its list', seen: () => seenBy(first) }
  )
  return `${seconds(performance.now() - startedAt)} s later`
}

async function restarts(peer: DemoNodePeer, closedPorts: Set<number>): Promise<string> {
  const { peerId } = peer
  const before = acquaintances(peer.pool.snapshot().peers)
  const address = peer.multiaddr('ws')
  const port = /\/tcp\/(\d+)\//.exec(address)?.[1]
  closedPorts.add(Number(port))
  await peer.stop()
  await peer.start()
  const { pool } = peer
  expectThat(pool.peerId === peerId, { expected: peerId, seen: pool.peerId })
  expectThat(peer.multiaddr('ws') === address, { expected: address, seen: peer.multiaddr('ws') })
  const { storage, peers } = pool.snapshot()
  expectThat(storage.mode === 'persistent', { expected: 'its peers in its file', seen: storage })
  expectRemembered(before, acquaintances(peers))
  return `${before.size} peers`
}
