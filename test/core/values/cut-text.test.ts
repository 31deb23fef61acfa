import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { cutText } from '../../../src/core/values/cut-text.ts'
import { messageOf } from '../../../src/core/values/reason.ts'
import { rejectionOf, World } from '../../support/pools.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const mebibyte = 2 ** 20

/** A text that a stranger sent: a new one of 2 MiB each time. */
const stranger = (): string => Buffer.alloc(2 * mebibyte, 'x').toString('latin1')

/** The bytes of texts may be outside of the heap, and are given back a little later. */
async function inUse(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** By how many MiB the memory grew, after garbage collection, while what `act` returned is kept. */
async function growth(act: () => unknown): Promise<number> {
  const before = await inUse()
  const kept: unknown = await act()
  const grown = (await inUse()) - before
  expect(kept).toBeDefined()
  return grown / mebibyte
}

const texts: Readonly<Record<string, () => string>> = {
  'the cut text': () => cutText(stranger(), 200),
  'a short text that is part of a long one': () => cutText(stranger().slice(0, 100), 200),
  'a sentence with a part of a long text': () => cutText(`it is on fork ${stranger().slice(0, 100)}`, 200),
  'the message of an error': () => messageOf(new Error(`not understood: ${stranger()}`))
}

describe('a text of others that is cut and kept', () => {
  it('is its beginning', () => {
    expect([cutText('', 3), cutText('ab', 3), cutText('abcd', 3), cutText('aé€', 3)]).toEqual(['', 'ab', 'abc', 'aé€'])
    expect(messageOf(new Error('x'.repeat(9_000)))).toBe('x'.repeat(2_000))
  })

  for (const [name, make] of Object.entries(texts)) {
    it(`${name} does not keep the whole in memory`, async () => {
      expect(await growth(() => Array.from({ length: 20 }, make))).toBeLessThan(8)
    })
  }

  it('neither the answer of onAdmit nor the reason of a report does', async () => {
    const world = new World()
    const a = await world.start('a', { onAdmit: () => `it is on fork ${stranger()}` })
    const peers = await Promise.all(Array.from({ length: 10 }, (_, i) => world.start(`peer ${i}`)))
    const grown = await growth(async () => {
      for (const { pool, network } of peers) {
        expect(await rejectionOf(world.clock.until(pool.connect(a.network.point)))).toMatchObject({ kind: 'rejected-by-peer' })
        expect(await rejectionOf(world.clock.until(a.pool.connect(network.point)))).toMatchObject({ kind: 'not-admitted' })
        a.pool.peers.trust(pool.peerId)
        a.pool.peers.report(pool.peerId, { kind: 'slow', reason: stranger() })
      }
      return world
    })
    expect(a.pool.peers.info(peers[0]?.pool.peerId ?? ('' as never))?.lastReport?.reason).toHaveLength(200)
    expect(grown).toBeLessThan(16)
  })
})

describe('the message of what was thrown', () => {
  const odd: Readonly<Record<string, unknown>> = {
    'an error whose message cannot be read': Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('boom')
      }
    }),
    'a proxy that throws': new Proxy(new Error('x'), {
      get: () => {
        throw new Error('trap')
      },
      getPrototypeOf: () => {
        throw new Error('trap')
      }
    }),
    'an error whose message is no text': Object.assign(new Error('x'), { message: { toString: null } }),
    'an object that is no text': Object.create(null)
  }
  for (const [name, thrown] of Object.entries(odd))
    it(`is a text for ${name}`, () => expect(messageOf(thrown)).toBe('something that cannot be shown'))

  it('is a text for a symbol, null and a message that is a number', () => {
    const texts = [messageOf(Symbol('s')), messageOf(null), messageOf(Object.assign(new Error('x'), { message: 7 }))]
    expect(texts).toEqual(['Symbol(s)', 'null', '7'])
  })
})
