/** What hostile peers send to a provider. */
import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { plainText } from '../../../examples/shared-text/provider/guarded-document.ts'
import { Messages } from '../../../examples/shared-text/provider/messages.ts'
import { nodePool } from '../../../examples/shared-text/provider/node-pool.ts'
import { PoolProvider } from '../../../examples/shared-text/provider/pool-provider.ts'
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
  const updateOf = (write: (doc: Y.Doc) => unknown): Uint8Array => {
    const doc = new Y.Doc()
    write(doc)
    return Y.encodeStateAsUpdate(doc)
  }
  /** One item of the text, of any kind of content. */
  const change = (kind: number, ...content: string[]): Uint8Array =>
    encoding.encode((encoder) => {
      for (const number of [1, 1, 4_242, 0]) encoding.writeVarUint(encoder, number)
      encoding.writeUint8(encoder, kind)
      encoding.writeVarUint(encoder, 1)
      for (const text of kind === 5 ? content : ['text', ...content]) encoding.writeVarString(encoder, text)
      encoding.writeVarUint(encoder, 0)
    })
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
    ['an awareness state that grows when it is passed on', state(1, 1, `{"a":[${'1e20,'.repeat(200)}1]}`)],
    ['an embed that nests too deep to be written again', sync(2, change(5, 'text', '['.repeat(8_000) + ']'.repeat(8_000)))],
    ['a format that nests as deep', sync(2, change(6, 'bold', '['.repeat(8_000) + ']'.repeat(8_000)))],
    [
      'a type within the text',
      sync(
        2,
        updateOf((doc) => doc.getText('text').insertEmbed(0, new Y.Text()))
      )
    ],
    [
      'a document within the document',
      sync(
        2,
        updateOf((doc) => doc.getMap('map').set('inner', new Y.Doc()))
      )
    ],
    [
      'a value that is no text',
      sync(
        2,
        updateOf((doc) => doc.getArray('list').push([1]))
      )
    ],
    ['a text without characters', sync(2, change(4, ''))],
    ['changes beyond what a clock can count', sync(2, Uint8Array.of(1, 1, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 15, 0))],
    ['deletions beyond it', sync(2, Uint8Array.of(0, 1, 1, 1, 0, 255, 255, 255, 255, 255, 255, 255, 15))]
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
    const bob = await writers.world.start('bob')
    await writers.connect(bob, alice)
    for (let client = 1; client <= 150; client++) await send(state(client, 1, '{}'))
    // One peer fills half of the places.
    expect(alice.provider.awareness.getStates().size).toBe(51)
    for (let client = 1_001; client <= 1_150; client++) bob.pool.broadcast(state(client, 1, '{}'))
    await pass()
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

  it('a clock far ahead is left alone, and nobody is blamed for one that another pushed', async () => {
    const { alice, send } = await start()
    const bob = await writers.join('bob')
    await writers.connect(bob, alice)
    await pass()
    for (const clock of [2 ** 32, 2 ** 32 + 1, 2 ** 52]) {
      await send(state(alice.doc.clientID, clock, 'null'))
      await send(state(bob.doc.clientID, clock, '{"name":"mallory"}'))
      await send(state(1, clock + 1, '{}'))
    }
    alice.provider.awareness.setLocalState({ name: 'alice again' })
    bob.provider.awareness.setLocalState({ name: 'bob' })
    await pass()
    for (const writer of [alice, bob]) expect(names(writer)).toEqual(['alice again', 'bob'])
    expect(alice.pool.activeConnections).toBe(2)
  })

  it('what an old state of another client says is forgotten after some minutes', async () => {
    const { alice, send } = await start()
    await send(state(1, 2 ** 32, '{"name":"mallory"}'))
    await send(state(1, 2 ** 32, 'null'))
    await send(state(1, 5, '{"name":"bob"}'))
    expect(names(alice)).toEqual(['alice'])
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 301_000)
    await send(state(1, 6, '{"name":"bob"}'))
    expect(names(alice)).toEqual(['alice', 'bob'])
  })

  it('a peer that begins long messages keeps nobody else from sending one', async () => {
    const { alice, mallory } = await start()
    const bob = await writers.world.start('bob')
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'x'.repeat(1_000_000))
    const firsts = [1, 2, 3, 4, 5, 6].map((client) => new Messages(room, client).sync(new Uint8Array(200_000))[0] as Uint8Array)
    const pool = nodePool(bob.pool)
    const send: typeof pool.send = async (...message) => {
      for (const piece of firsts) mallory.pool.broadcast(piece)
      await pool.send(...message)
    }
    writers.own(new PoolProvider(room, doc, { ...pool, send }))
    await writers.connect(bob, alice)
    await pass()
    expect(alice.text.length).toBe(1_000_000)
    expect(alice.provider.synced).toBe(true)
  })

  it('a change that waits for ever stays here, and keeps nobody from being synced', async () => {
    const { alice, send } = await start()
    const bob = await writers.join('bob')
    bob.text.insert(0, 'hello')
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'a')
    const without = Y.encodeStateVector(doc)
    doc.getText('text').insert(1, 'b')
    await send(sync(2, Y.encodeStateAsUpdate(doc, without)))
    expect(alice.doc.store.pendingStructs).not.toBe(null)
    await writers.connect(bob, alice)
    await pass()
    for (const { provider, text } of [alice, bob]) expect([provider.synced, text.toString()]).toEqual([true, 'hello'])
    expect(bob.doc.store.pendingStructs).toBe(null)
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 61_000)
    bob.text.insert(0, 'x')
    await pass()
    expect(alice.doc.store.pendingStructs).toBe(null)
  })

  it('questions without end cost little: few answers, and few messages to the others', async () => {
    const { alice, mallory, send } = await start()
    const bob = await writers.join('bob')
    await writers.connect(bob, alice)
    await pass()
    const toAll = vi.spyOn(alice.pool, 'broadcast')
    for (let question = 0; question < 200; question++) mallory.pool.broadcast(sync(0, Uint8Array.of(0)))
    for (let claim = 500; claim < 700; claim++) mallory.pool.broadcast(state(alice.doc.clientID, claim, 'null'))
    await send(sync(0, Uint8Array.of(0)))
    expect(toAll.mock.calls.length).toBeLessThan(10)
  })

  it('a document that cannot be written costs an answer, and not the process', async () => {
    const logged = vi.spyOn(console, 'error').mockReturnValue()
    const alice = await writers.join('alice')
    const bob = await writers.join('bob')
    let deep: unknown = 0
    for (let level = 0; level < 20_000; level++) deep = [deep]
    // By the program itself: no peer can do it.
    expect(() => alice.text.insertEmbed(0, deep as object)).toThrow(RangeError)
    await writers.connect(bob, alice)
    alice.text.insert(0, 'x')
    await pass()
    expect(logged).toHaveBeenCalled()
    expect(alice.pool.activeConnections).toBe(1)
  })

  it('a document may hold more if the program says so, and no value that is too deep', async () => {
    const content = [...plainText, Y.ContentFormat, Y.ContentAny]
    const alice = await writers.join('alice', { content })
    const bob = await writers.join('bob', { content })
    const mallory = await writers.world.start('mallory')
    for (const other of [bob, mallory]) await writers.connect(other, alice)
    bob.text.insert(0, 'hello', { bold: { weight: 700 } })
    bob.doc.getMap('settings').set('colors', ['red', { dark: true }])
    await pass()
    expect(alice.text.toDelta()).toEqual([{ insert: 'hello', attributes: { bold: { weight: 700 } } }])
    expect(alice.doc.getMap('settings').toJSON()).toEqual({ colors: ['red', { dark: true }] })
    mallory.pool.broadcast(sync(2, change(6, 'bold', '['.repeat(40) + ']'.repeat(40))))
    await pass()
    expect(isGreylisted(alice, mallory.pool.peerId)).toBe(true)
    expect(isGreylisted(alice, bob.pool.peerId)).toBe(false)
  })
})
