/** What hostile peers send to a provider. */
import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { Messages } from '../../../examples/shared-text/provider/messages.ts'
import type { PeerId } from '../../../src/core/index.ts'
import type { Member } from '../../../src/testing/index.ts'
import { names, room, type Writer, Writers } from './writers.ts'

describe('a provider among hostile peers', () => {
  let writers: Writers

  beforeEach(() => {
    writers = new Writers()
  })
  afterEach(async () => {
    expect(await writers.stop()).toEqual([])
    vi.restoreAllMocks()
  })
  const pass: Writers['pass'] = () => writers.pass()

  const isGreylisted = (at: Member, peerId: PeerId): boolean => at.pool.peers.isBanned(peerId)
  const start = async (): Promise<{ alice: Writer; mallory: Member; send(bytes: Uint8Array): Promise<void> }> => {
    const alice = await writers.join('alice')
    alice.provider.awareness.setLocalState({ name: 'alice' })
    const mallory = await writers.world.start('mallory')
    await writers.connect(mallory, alice)
    await pass()
    const send = async (bytes: Uint8Array): Promise<void> => {
      mallory.pool.broadcast(bytes)
      await pass()
    }
    return { alice, mallory, send }
  }
  const wire = new Messages(room, 666)
  const sync = (type: number, body: Uint8Array): Uint8Array =>
    wire.sync(
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, type)
        encoding.writeVarUint8Array(encoder, body)
      })
    )[0] as Uint8Array
  const state = (client: number, clock: number, json: string): Uint8Array =>
    wire.awareness(
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarUint(encoder, client)
        encoding.writeVarUint(encoder, clock)
        encoding.writeVarString(encoder, json)
      })
    )
  const halfUpdate = (): Uint8Array => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'hello')
    doc.getText('text').delete(0, 1)
    return Y.encodeStateAsUpdate(doc).slice(0, -1)
  }
  const header = wire.awareness(new Uint8Array()).slice(0, -3)

  it.each<[string, Uint8Array]>([
    ['a message that ends too early', header],
    ['an update that ends too early', sync(2, halfUpdate())],
    ['an update that promises thirty million changes', sync(2, Uint8Array.of(1, 0x80, 0x87, 0xa7, 0x0e, 1, 0))],
    ['a document that is none', sync(1, Uint8Array.of(255, 255, 255, 255, 15))],
    ['a state that is none', sync(0, Uint8Array.of(9))],
    ['a sync message of an unknown type', sync(7, new Uint8Array())],
    ['an awareness state that is no JSON', state(1, 1, '{')],
    ['an awareness state that is no object', state(1, 1, '[]')],
    ['an awareness state that is too large', state(1, 1, JSON.stringify({ name: 'x'.repeat(3_000) }))],
    ['a clock that silences a client', state(1, 2 ** 52, '{}')]
  ])('%s: the peer is greylisted, and nothing changes', async (_name, bytes) => {
    const { alice, mallory, send } = await start()
    await send(bytes)
    expect(isGreylisted(alice, mallory.pool.peerId)).toBe(true)
    expect(alice.text.toString()).toBe('')
    expect(alice.provider.connected).toBe(false)
    expect(names(alice)).toEqual(['alice'])
  })

  it('tiny pieces are a fault; pieces out of order and pieces that never end cost little', async () => {
    const { alice, mallory, send } = await start()
    const [piece, ...others] = wire.sync(new Uint8Array(300_000)) as [Uint8Array, ...Uint8Array[]]
    for (const bytes of [...others, piece, piece, ...others.slice(1)]) await send(bytes)
    expect(alice.pool.activeConnections).toBe(1)
    await send(
      encoding.encode((encoder) => {
        encoding.writeUint8Array(encoder, header)
        encoding.writeVarUint(encoder, 666)
        encoding.writeVarUint(encoder, 2)
        encoding.writeVarUint8Array(encoder, new Uint8Array(10))
        encoding.writeVarUint(encoder, 1_000)
        encoding.writeVarUint(encoder, 0)
      })
    )
    expect(isGreylisted(alice, mallory.pool.peerId)).toBe(true)
  })

  it('bytes of another program, of another document and of a later version are left alone', async () => {
    const { alice, send } = await start()
    await send(Uint8Array.of(1, 2, 3))
    await send(new Uint8Array())
    await send(new Messages('other', 1).awareness(Uint8Array.of(255)))
    await send(
      encoding.encode((encoder) => {
        encoding.writeUint8Array(encoder, header)
        encoding.writeVarUint(encoder, 666)
        encoding.writeVarUint(encoder, 9)
      })
    )
    expect(alice.pool.activeConnections).toBe(1)
    expect(alice.provider.connected).toBe(false)
  })

  it('nobody speaks for us: our state stays, and is said again', async () => {
    const { alice, send } = await start()
    const { clientID } = alice.doc
    await send(state(clientID, 500, '{"name":"mallory"}'))
    expect(names(alice)).toEqual(['alice'])
    expect(alice.provider.awareness.meta.get(clientID)?.clock).toBeGreaterThan(500)
    await send(state(clientID, 1_000, 'null'))
    expect(names(alice)).toEqual(['alice'])
  })

  it('no more than a hundred others are shown, and clocks of clients that left are forgotten', async () => {
    const { alice, send } = await start()
    for (let client = 1; client <= 150; client++) await send(state(client, 1, '{}'))
    expect(alice.provider.awareness.getStates().size).toBe(100)
    for (let client = 1; client <= 3_000; client++) {
      await send(state(client, 2, 'null'))
      await send(state(client, 3, '{}'))
      await send(state(client, 4, 'null'))
    }
    expect(alice.provider.awareness.meta.size).toBeLessThan(1_100)
  })

  it('changes that wait for others that never come are bounded', async () => {
    const { alice, send } = await start()
    vi.spyOn(alice.pool, 'broadcast').mockReturnValue(0)
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'never sent')
    const without = Y.encodeStateVector(doc)
    for (let i = 0; i < 20; i++) {
      doc.getText('text').insert(0, 'x'.repeat(40_000))
      await send(sync(2, Y.encodeStateAsUpdate(doc, without)))
      expect(alice.doc.store.pendingStructs?.update.byteLength ?? 0).toBeLessThan(600_000)
    }
    expect(alice.text.toString()).toBe('')
  })
})
