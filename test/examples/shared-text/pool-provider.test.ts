/** The provider on real pools in one network in memory. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { nodePool } from '../../../examples/shared-text/provider/node-pool.ts'
import { PoolProvider } from '../../../examples/shared-text/provider/pool-provider.ts'
import { names, room, Writers } from './writers.ts'

describe('the provider', () => {
  let writers: Writers

  beforeEach(() => {
    writers = new Writers()
  })
  afterEach(async () => {
    expect(await writers.stop()).toEqual([])
    vi.restoreAllMocks()
  })
  const join: Writers['join'] = (name, options) => writers.join(name, options)
  const connect: Writers['connect'] = (from, to) => writers.connect(from, to)
  const pass: Writers['pass'] = () => writers.pass()

  it('brings two documents together that were written apart, and each change after that', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    alice.text.insert(0, 'from alice ')
    bob.text.insert(0, 'from bob ')
    await connect(alice, bob)
    await pass()
    expect(alice.text.toString()).toBe(bob.text.toString())
    expect(alice.text.length).toBe(20)
    for (const { said } of [alice, bob]) expect(said).toEqual([{ connected: true }, { synced: true }])
    alice.text.insert(0, 'a')
    bob.text.insert(bob.text.length, 'b')
    bob.text.delete(1, 4)
    await pass()
    expect(alice.text.toString()).toBe(bob.text.toString())
    expect(alice.text.length).toBe(18)
  })

  it('passes changes and cursors on to peers that are not connected with the writer', async () => {
    const [alice, bob, carol] = [await join('alice'), await join('bob'), await join('carol')]
    alice.provider.awareness.setLocalState({ name: 'alice' })
    carol.provider.awareness.setLocalState({ name: 'carol' })
    await connect(alice, bob)
    await connect(bob, carol)
    await pass()
    alice.text.insert(0, 'hello')
    await pass()
    expect(carol.text.toString()).toBe('hello')
    expect(names(carol)).toEqual(['alice', 'carol', undefined])
    await writers.world.clock.until(alice.pool.disconnect(bob.pool.peerId))
    await pass()
    expect(names(carol)).toEqual(['carol', undefined])
  })

  it('shows a peer again that a lost connection hid, if it is still there behind another one', async () => {
    const [alice, bob, carol] = [await join('alice'), await join('bob'), await join('carol')]
    alice.provider.awareness.setLocalState({ name: 'alice' })
    await connect(alice, bob)
    await connect(bob, carol)
    await connect(carol, alice)
    await pass()
    await writers.world.clock.until(alice.pool.disconnect(bob.pool.peerId))
    await pass()
    for (const writer of [bob, carol]) expect(names(writer)).toContain('alice')
  })

  it('takes a cursor away when its peer disconnects, destroys its provider or leaves, and shows it when it is back', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    alice.provider.awareness.setLocalState({ name: 'alice' })
    await connect(alice, bob)
    await pass()
    expect(names(bob)).toContain('alice')
    alice.provider.disconnect()
    await pass()
    expect(names(bob)).toEqual([undefined])
    alice.provider.connect()
    await pass()
    expect(names(bob)).toContain('alice')
    alice.network.crash()
    await pass()
    expect(names(bob)).toEqual([undefined])
    expect(bob.said.slice(-2)).toEqual([{ connected: false }, { synced: false }])
    await connect(alice, bob)
    await pass()
    expect(names(bob)).toContain('alice')
    alice.provider.destroy()
    await pass()
    expect(names(bob)).toEqual([undefined])
  })

  it('sends what was written while it was disconnected when it connects again', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    await connect(alice, bob)
    await pass()
    alice.provider.disconnect()
    alice.text.insert(0, 'alone ')
    bob.text.insert(0, 'too')
    await pass()
    expect(bob.text.toString()).toBe('too')
    alice.provider.connect()
    await pass()
    expect(bob.text.length).toBe(9)
    expect(alice.text.toString()).toBe(bob.text.toString())
  })

  it('keeps documents of different names apart', async () => {
    const [alice, bob] = [await join('alice'), await writers.world.start('bob')]
    const other = writers.own(new PoolProvider('other', new Y.Doc(), nodePool(bob.pool)))
    await connect(alice, bob)
    alice.text.insert(0, 'hello')
    await pass()
    expect(other.doc.getText('text').length).toBe(0)
    expect(other.connected).toBe(false)
  })

  it('finds by itself what a lost message left out, a deletion too', async () => {
    vi.useFakeTimers()
    const [alice, bob] = [await join('alice'), await join('bob')]
    await connect(alice, bob)
    alice.text.insert(0, 'one two')
    await pass()
    vi.spyOn(alice.pool, 'broadcast').mockReturnValue(0)
    alice.text.delete(0, 4)
    await pass()
    expect(bob.text.toString()).toBe('one two')
    vi.advanceTimersByTime(30_000)
    await pass()
    expect(bob.text.toString()).toBe('two')
    vi.useRealTimers()
  })

  it('asks at once when a change needs one that did not come', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    await connect(alice, bob)
    await pass()
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000)
    const lost = vi.spyOn(alice.pool, 'broadcast').mockReturnValue(0)
    alice.text.insert(0, 'one ')
    await pass()
    lost.mockRestore()
    alice.text.insert(4, 'two')
    await pass()
    expect(bob.text.toString()).toBe('one two')
  })

  it('sends a large document in pieces, and a large change', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')]
    alice.text.insert(0, 'x'.repeat(3_000_000))
    await connect(alice, bob)
    await pass()
    expect(bob.text.length).toBe(3_000_000)
    bob.text.insert(0, 'y'.repeat(500_000))
    await pass()
    expect(alice.text.length).toBe(3_500_000)
  })

  it('refuses what makes the document too large, says so, and stays connected', async () => {
    const [alice, bob] = [await join('alice'), await join('bob', { maxDocumentBytes: 100_000 })]
    await connect(alice, bob)
    alice.text.insert(0, 'x'.repeat(90_000))
    await pass()
    alice.text.insert(0, 'y'.repeat(20_000))
    await pass()
    expect(bob.text.length).toBe(90_000)
    expect(bob.said.at(-1)).toMatch(/^20\d\d\d bytes more; a document of more than 100000 bytes is not taken$/)
    alice.text.insert(0, 'z'.repeat(200_000))
    await pass()
    expect(bob.said.at(-1)).toMatch(/^a message of 200\d\d\d bytes/)
    bob.text.insert(0, 'w'.repeat(20_000))
    await pass()
    expect(alice.text.length).toBe(330_000)
    expect(bob.text.length).toBe(110_000)
    expect(bob.pool.activeConnections).toBe(1)
  })

  it('tabs that share a pool hear of each other at once; one of them answers peers, and another one when it is closed', async () => {
    const [alice, bob] = [await writers.world.start('alice'), await join('bob')]
    const shared = nodePool(alice.pool)
    const tab = (): PoolProvider => writers.own(new PoolProvider(room, new Y.Doc(), shared, { disableBc: false }))
    const textOf = ({ doc }: PoolProvider): string => doc.getText('text').toString()
    const locked = async (held: number, pending: number): Promise<void> => {
      const count = (locks: readonly LockInfo[] = []): number => locks.filter(({ name }) => name === `p2p-pool-yjs:${room}`).length
      const counts = async (): Promise<number[]> => {
        const all = await navigator.locks.query()
        return [count(all.held), count(all.pending)]
      }
      await expect.poll(counts).toEqual([held, pending])
    }
    const [first, second] = [tab(), tab()]
    await locked(1, 1)
    first.doc.getText('text').insert(0, 'from a tab')
    first.awareness.setLocalState({ name: 'first' })
    await expect.poll(() => textOf(second)).toBe('from a tab')
    await expect.poll(() => second.synced).toBe(true)
    expect(second.connected).toBe(false)
    const sent = vi.spyOn(alice.pool, 'broadcast')
    await connect(alice, bob)
    await pass()
    expect(bob.text.toString()).toBe('from a tab')
    expect(names(bob)).toEqual(['first', undefined, undefined])
    sent.mockClear()
    bob.text.insert(0, 'bob, ')
    await pass()
    expect([first, second].map(textOf)).toEqual(['bob, from a tab', 'bob, from a tab'])
    // To nobody but the writer, who has it.
    expect(sent.mock.calls.map(([, options]) => options?.except)).toEqual([[bob.pool.peerId]])
    first.destroy()
    await locked(1, 0)
    await expect.poll(() => second.awareness.getStates().size).toBe(2)
    const carol = await join('carol')
    await connect(carol, alice)
    await pass()
    expect(carol.text.toString()).toBe('bob, from a tab')
    expect(names(bob)).toEqual([undefined, undefined, undefined])
    second.destroy()
    await locked(0, 0)
  })

  it('a listener of the program that throws costs no peer its place', async () => {
    const logged = vi.spyOn(console, 'error').mockReturnValue()
    const [alice, bob] = [await join('alice'), await join('bob')]
    bob.text.observe(() => {
      throw new Error('a fault of the program')
    })
    const broken = (): void => {
      throw new Error('another one')
    }
    bob.provider.awareness.on('change', broken)
    await connect(alice, bob)
    alice.text.insert(0, 'hello')
    alice.provider.awareness.setLocalState({ name: 'alice' })
    await pass()
    expect(bob.text.toString()).toBe('hello')
    expect(bob.pool.activeConnections).toBe(1)
    expect(logged).toHaveBeenCalled()
    bob.provider.awareness.off('change', broken)
  })

  it('an awareness of the program is used, and not ended', async () => {
    const member = await writers.world.start('alice')
    const doc = new Y.Doc()
    const awareness = new Awareness(doc)
    awareness.setLocalState({ name: 'alice' })
    const { provider } = writers.provide(member, { awareness }, doc)
    provider.destroy()
    expect(encodeAwarenessUpdate(awareness, [doc.clientID]).byteLength).toBeGreaterThan(0)
    awareness.setLocalState({ name: 'alice' })
    expect(awareness.getLocalState()).toEqual({ name: 'alice' })
    awareness.destroy()
  })
})
