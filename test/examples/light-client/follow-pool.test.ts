import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HeaderTree } from '../../../examples/light-client/chain/header-tree.ts'
import { type ChainConnection, ChainFollower } from '../../../examples/light-client/follow-pool.ts'
import { boast } from '../../../examples/light-client/node/deceit.ts'
import { SyncClient } from '../../../examples/light-client/sync/sync-client.ts'
import type { ChainMessage, GetHeadersMessage } from '../../../examples/light-client/wire/message.ts'
import { answerTo, statusOf } from '../../../examples/light-client/wire/serving.ts'
import { Inbox } from '../../../src/core/flows/inbox.ts'
import type { PeerId, PeerPool, PoolListener } from '../../../src/core/index.ts'
import { grow, startS, testRules } from './chains.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]

/** As much of a pool as the follower sees, in the test's hand. */
class FakePool {
  readonly done: string[] = []
  readonly sent: { readonly to: PeerId; readonly message: ChainMessage }[] = []
  readonly inboxes = new Map<PeerId, Inbox<ChainMessage>>()
  readonly #connections = new Map<PeerId, ChainConnection>()
  readonly #listeners = new Set<PoolListener<'connection-opened'>>()
  readonly connections = { findByPeerId: (peerId: PeerId) => this.#connections.get(peerId), list: () => [...this.#connections.values()] }
  readonly peers = {
    report: async (peerId: PeerId, { kind, reason }: { kind: string; reason: string }) =>
      void this.done.push(`${kind} ${peerId}: ${reason}`)
  }

  addEventListener(_name: string, listener: PoolListener<'connection-opened'>): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_name: string, listener: PoolListener<'connection-opened'>): void {
    this.#listeners.delete(listener)
  }

  async disconnect(peerId: PeerId, reason: string): Promise<void> {
    this.done.push(`left ${peerId}: ${reason}`)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  connect(peerId: PeerId): Inbox<ChainMessage> {
    const inbox = new Inbox<ChainMessage>(10)
    const connection = { peerId, messages: inbox, send: async (message: ChainMessage) => void this.sent.push({ to: peerId, message }) }
    this.#connections.set(peerId, connection as unknown as ChainConnection)
    this.inboxes.set(peerId, inbox)
    const detail = { peerId, point: undefined, direction: 'outgoing' } as const
    for (const listener of this.#listeners) listener({ type: 'connection-opened', detail, at: 0 })
    return inbox
  }

  get asPool(): PeerPool<ChainMessage> {
    return this as unknown as PeerPool<ChainMessage>
  }
}

describe('the follower of a pool', () => {
  const tree = new HeaderTree(testRules)
  grow(tree, 5)
  let pool: FakePool
  let client: SyncClient<PeerId>
  let follower: ChainFollower

  beforeEach(() => {
    vi.useFakeTimers({ now: (startS + 7_200) * 1_000 })
    pool = new FakePool()
    client = new SyncClient<PeerId>({ rules: testRules })
  })
  afterEach(() => {
    follower.stop()
    vi.useRealTimers()
  })

  const begin = (): void => {
    follower = new ChainFollower({ pool: pool.asPool, client })
  }
  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
  const asked = (): GetHeadersMessage => {
    const message = pool.sent.at(-1)?.message
    if (message?.kind !== 'get-headers') throw new Error('nothing was asked')
    return message
  }
  const verdicts = (): [string, string, boolean][] =>
    client.view(follower.moment).peers.map(({ peerId, verdict, connected }) => [peerId, verdict, connected])

  it('takes the connections that are there and those that come, and carries question and answer', async () => {
    const early = pool.connect(alice)
    begin()
    pool.connect(bob)
    early.put(statusOf(tree))
    await settle()
    expect(pool.sent.map(({ to }) => to)).toEqual([alice])
    early.put(answerTo(tree, asked()))
    await settle()
    expect(client.tree.head.hash).toBe(tree.head.hash)
    expect(verdicts()).toEqual([
      [alice, 'agrees', true],
      [bob, 'waiting', true]
    ])
  })

  it('reports a lie to the pool, in its words', async () => {
    begin()
    const inbox = pool.connect(alice)
    inbox.put(boast().status(tree))
    await settle()
    inbox.put(answerTo(tree, asked()))
    await settle()
    expect(pool.done).toEqual([expect.stringMatching(/^fault alice: it claims height 45, .* what it showed ends at height 5$/)])
  })

  it('wakes by itself when an answer is late, three times, and leaves', async () => {
    begin()
    const inbox = pool.connect(alice)
    inbox.put(statusOf(tree))
    await vi.advanceTimersByTimeAsync(15_000)
    expect(pool.done).toEqual([...Array.from({ length: 3 }, () => 'slow alice: no answer within 2500 ms'), 'left alice: silent'])
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1)
  })

  it('a newer connection of a peer takes the place of the older one, whose end changes nothing any more', async () => {
    begin()
    const first = pool.connect(alice)
    await settle()
    const second = pool.connect(alice)
    first.end()
    await settle()
    expect(verdicts()).toEqual([[alice, 'waiting', true]])
    second.put(statusOf(tree))
    await settle()
    expect(asked().id).toBe(1)
    second.end()
    await settle()
    expect(verdicts().map(([, , connected]) => connected)).toEqual([false])
  })

  it('stopped, it listens to nothing, waits for nothing and says nothing', async () => {
    begin()
    const inbox = pool.connect(alice)
    await settle()
    follower.stop()
    inbox.put(statusOf(tree))
    pool.connect(bob)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([pool.sent, pool.done, pool.listeners, vi.getTimerCount()]).toEqual([[], [], 0, 0])
  })
})
