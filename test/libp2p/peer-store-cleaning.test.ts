/** libp2p's real peer store, connections and identify; the clock of the cleaning is in the test's hand. */
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PeerStoreCleaning } from '../../src/libp2p/peer-store-cleaning.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { startNode, type TestNode } from './nodes.ts'

const sweepAfterMs = 10_000

describe('an entry of the peer store', () => {
  let node: TestNode
  let clock: VirtualClock
  let cleaning: PeerStoreCleaning
  let known: Set<string>
  const ours = new WeakSet<Connection>()
  let visitors: TestNode[]

  beforeEach(async () => {
    clock = new VirtualClock()
    known = new Set()
    visitors = []
    node = await startNode('tcp', {
      also: (components) => {
        cleaning = new PeerStoreCleaning(components, {
          clock,
          isUnknown: (peerId) => !known.has(peerId),
          isOurs: (connection) => ours.has(connection)
        })
      }
    })
    cleaning.start()
  })

  afterEach(async () => {
    await Promise.all([node, ...visitors].map((each) => each.node.stop()))
  })

  const entry = (peerId: PeerId) => node.node.peerStore.get(peerId).catch(() => undefined)
  const entries = async (): Promise<number> => (await node.node.peerStore.all()).length
  const connections = (): number => node.node.getConnections().length

  async function visitor(): Promise<TestNode> {
    const made = await startNode('tcp')
    visitors.push(made)
    return made
  }

  /** Dials us, and is identified. */
  async function comes(who: TestNode): Promise<PeerId> {
    await who.node.dial(node.node.getMultiaddrs())
    await expect.poll(async () => (await entry(who.node.peerId))?.protocols.length ?? 0).toBeGreaterThan(0)
    return who.node.peerId
  }

  async function goes(who: TestNode): Promise<void> {
    const before = connections()
    await Promise.all(who.node.getConnections().map((connection) => connection.close()))
    await expect.poll(connections).toBeLessThan(before)
  }

  const sweep = async (): Promise<void> => {
    await clock.advance(sweepAfterMs)
    // The store itself takes turns of the real event loop.
    await new Promise((resolve) => setTimeout(resolve, 50))
    await clock.advance(1)
  }

  test('goes some seconds after its peer, not while a connection is left', async () => {
    const [first, second] = [await visitor(), await visitor()]
    const [gone, stays] = [await comes(first), await comes(second)]
    await goes(first)
    await clock.advance(sweepAfterMs - 1)
    expect(await entry(gone)).toBeDefined()
    await sweep()
    expect(await entry(gone)).toBeUndefined()
    expect(await entry(stays)).toBeDefined()
    await goes(second)
    await sweep()
    expect([await entries(), clock.pending]).toEqual([0, 0])
  })

  test('of a peer that the pool knows stays until the pool forgets it', async () => {
    const [first, second] = [await visitor(), await visitor()]
    const peerId = await comes(first)
    known.add(peerId.toString())
    await goes(first)
    await sweep()
    expect(await entry(peerId)).toBeDefined()
    known.clear()
    // A table forgets one for another, who came and goes.
    await comes(second)
    await goes(second)
    await sweep()
    expect(await entries()).toBe(0)
  })

  test('stays while it has a tag, and for good if the application wrote to it', async () => {
    const [tagged, written, third] = [await visitor(), await visitor(), await visitor()]
    const [a, b] = [await comes(tagged), await comes(written)]
    await node.node.peerStore.merge(a, { tags: { theirs: { value: 1 } } })
    await node.node.peerStore.merge(b, { metadata: { note: Uint8Array.of(1) } })
    await Promise.all([goes(tagged), goes(written)])
    await sweep()
    expect([(await entry(a)) !== undefined, (await entry(b)) !== undefined]).toEqual([true, true])
    await node.node.peerStore.merge(a, { tags: { theirs: undefined } })
    await comes(third)
    await goes(third)
    await sweep()
    expect([await entry(a), (await entry(b)) !== undefined]).toEqual([undefined, true])
  })

  test('of a peer that we dialed goes if the pool dialed it, and stays if the application did', async () => {
    for (const isOurs of [true, false]) {
      const other = await visitor()
      const connection = await node.node.dial(other.node.getMultiaddrs())
      if (isOurs) ours.add(connection)
      await expect.poll(async () => (await entry(other.node.peerId))?.protocols.length ?? 0).toBeGreaterThan(0)
      await connection.close()
      await expect.poll(connections).toBe(0)
      await sweep()
      expect((await entry(other.node.peerId)) === undefined, isOurs ? 'ours' : 'of the application').toBe(isOurs)
    }
  })

  test('that a failed dial to a made-up id leaves goes too', async () => {
    const nobody = peerIdFromString('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
    const address = (await visitor()).node.getMultiaddrs()[0]?.decapsulate('/p2p').encapsulate(`/p2p/${nobody}`)
    await expect(node.node.dial(address ?? [])).rejects.toThrow()
    expect(await entry(nobody)).toBeDefined()
    await sweep()
    expect(await entry(nobody)).toBeUndefined()
  })

  test('waits for no timer once the cleaning is stopped', async () => {
    const [first, second] = [await visitor(), await visitor()]
    await Promise.all([comes(first), comes(second)])
    await goes(first)
    expect(clock.pending).toBe(1)
    cleaning.stop()
    await goes(second)
    expect(clock.pending).toBe(0)
  })
})
