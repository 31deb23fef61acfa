/** What an application or a stranger writes is in no recording, whatever way it takes. */
import { expect, it } from 'vitest'
import type { PoolOptions } from '../../src/core/values/settings.ts'
import { RecordTape } from '../../src/recording/record-tape.ts'
import { MemoryWorld } from '../../src/testing/memory-world.ts'
import { recorded, replayed, saved, started } from './recorded-world.ts'

const secret = 'password=hunter2'
const quote = (bytes: Uint8Array): never => {
  throw new SyntaxError(`Unexpected token, "${new TextDecoder().decode(bytes)} ${secret}"`)
}
const same = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes }
const text = new TextEncoder().encode(secret)

it.each<[string, Partial<PoolOptions>, Partial<PoolOptions>]>([
  ['messageCodec.decode throws', { messageCodec: { ...same, decode: quote } }, {}],
  ['the codec of the other side throws', {}, { messageCodec: { ...same, decode: quote } }],
  ['the codec of metadata throws', { connectionMetadata: { own: () => text, codec: { ...same, decode: quote } } }, {}],
  ['metadata does not encode', { connectionMetadata: { own: () => quote(text), codec: same } }, {}],
  ['onAdmit throws', { onAdmit: () => quote(text) }, {}],
  ['onAdmit answers in words', { onAdmit: () => secret }, {}]
])('nothing that was said is in the recording when %s, and it replays to the same state', async (_, options, others) => {
  const world = new MemoryWorld({ seed: 5, latencyMs: () => 5 })
  const life = recorded(world, options)
  const { pool: other, network } = world.make('other', { network: 'test', allowPrivatePoints: true, ...others })
  await started(life)
  const starting = other.start()
  await world.clock.advance(1_000)
  await starting
  life.pool.connect(network.point).catch(() => undefined)
  await world.clock.advance(1_000)
  for (const pool of [life.pool, other])
    for (const connection of pool.connections.list()) {
      connection.send(text).catch(() => undefined)
      void connection.messages[Symbol.asyncIterator]()
        .next()
        .catch(() => undefined)
    }
  await world.clock.advance(5_000)
  const lines = await saved(life)
  const shown = [...lines, ...lines.flatMap((line) => [...line.matchAll(/[A-Za-z0-9+/]{4,}={0,2}/g)].map(([found]) => atob64(found)))].join(
    '\n'
  )
  expect(shown).not.toContain('hunter2')
  const { divergence, hash, recordedHash } = await replayed(lines)
  expect({ divergence, hash }).toEqual({ divergence: undefined, hash: recordedHash })
  await world.stop()
})

const atob64 = (found: string): string => Buffer.from(found, 'base64').toString('latin1')

it('the pool protocol of one link fills its share at once, and no more than as much again in ten minutes', async () => {
  const { clock } = new MemoryWorld({ seed: 1 })
  const share = new RecordTape(clock, { write: () => undefined, failed: () => undefined, share: 1_000 }).share()
  expect(share(0)).toBeUndefined()
  expect(share(1_000)).toBeUndefined()
  let isOver = false
  void share(1_100)?.then(() => {
    isOver = true
  })
  await clock.advance(59_000)
  expect(isOver).toBe(false)
  await clock.advance(2_000)
  expect(isOver).toBe(true)
  expect(share(1_100)).toBeUndefined()
})
