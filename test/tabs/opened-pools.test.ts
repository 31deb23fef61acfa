/** Pools that components share, where the pool or its options misbehave. What `usePool` does with real pools is in `test/web/react`. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keyOf, openFor, type PageModule, stateOf } from '../../web/opened-pools.ts'
import type { WebPeerInit } from '../../web/tab-sharing.ts'

let names = 0
const initOf = (network = 'test'): WebPeerInit => ({ network, name: `opened-${names}` })

/** A page whose pools start after `startMs`; `stop` is what the pool's does. */
function page({ startMs = 0, stop = async () => undefined }: { startMs?: number; stop?: () => Promise<void> } = {}) {
  const counts = { opened: 0, stopped: 0 }
  const createWebPeer = async () => {
    counts.opened++
    await new Promise((resolve) => setTimeout(resolve, startMs))
    return {
      stop: async () => {
        counts.stopped++
        await stop()
      }
    }
  }
  return { counts, load: (async () => ({ createWebPeer })) as unknown as PageModule }
}

/** Returns what ends the use. */
const opened = (init: WebPeerInit, load: PageModule): (() => void) => openFor(() => undefined, { key: keyOf(init), init, load })

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

const rejections: unknown[] = []
const reject = (error: unknown): unknown => rejections.push(error)

beforeEach(() => {
  names++
  vi.useFakeTimers()
  process.on('unhandledRejection', reject)
})

afterEach(async () => {
  vi.useRealTimers()
  // Node reports a rejection after the turn.
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', reject)
  expect(rejections.splice(0)).toEqual([])
  vi.restoreAllMocks()
})

describe('options as a key', () => {
  it('holds data, and no functions or instances of classes', () => {
    const init = { network: 'a', list: [1, { b: 2 }], bytes: new Uint8Array(2), call: () => 1 }
    expect(keyOf({ ...init, call: () => 2 })).toBe(keyOf(init))
    expect(keyOf({ ...init, list: [1, { b: 3 }] })).not.toBe(keyOf(init))
  })

  it('holds a BigInt', () => {
    expect(keyOf({ network: 'a', n: 1n })).toBe(keyOf({ network: 'a', n: 1n }))
    expect(keyOf({ network: 'a', n: 1n })).not.toBe(keyOf({ network: 'a', n: 2n }))
  })

  const circular: Record<string, unknown> = { network: 'a' }
  circular.self = circular
  const deep = Array.from({ length: 50_000 }).reduce<object>((inner) => ({ inner }), {})
  const unreadable = Object.defineProperty({}, 'name', {
    enumerable: true,
    get: () => {
      throw new Error('no name')
    }
  })
  for (const [name, init] of Object.entries({ circular, deep, unreadable })) {
    it(`is an error of the hook, and opens nothing, for options that are ${name}`, async () => {
      const { counts, load } = page()
      const given = init as unknown as WebPeerInit
      const off = opened(given, load)
      await pass(1)
      const { pool, error } = stateOf(keyOf(given))
      expect([pool, error?.message, counts.opened]).toEqual([undefined, expect.stringContaining('cannot be compared'), 0])
      off()
      await pass(1)
      expect(stateOf(keyOf(given)).error).toBeUndefined()
    })
  }
})

describe('a pool that misbehaves', () => {
  const stops: Readonly<Record<string, { stop: () => Promise<void>; waitMs: number; complaints: number }>> = {
    'whose stop rejects': { stop: () => Promise.reject(new Error('stop failed')), waitMs: 1, complaints: 1 },
    'whose stop never ends': { stop: () => new Promise(() => undefined), waitMs: 10_000, complaints: 0 }
  }
  for (const [name, { stop, waitMs, complaints }] of Object.entries(stops)) {
    it(`${name} does not keep the next of its name from starting`, async () => {
      const complain = vi.spyOn(console, 'error').mockImplementation(() => undefined)
      const [first, second] = [page({ stop }), page()]
      const off = opened(initOf(), first.load)
      await pass(1)
      off()
      await pass(1)
      const next = initOf('another')
      const offNext = opened(next, second.load)
      await pass(waitMs)
      expect(stateOf(keyOf(next))).toMatchObject({ pool: expect.anything(), error: undefined })
      expect([first.counts.stopped, second.counts.opened, complain.mock.calls.length]).toEqual([1, 1, complaints])
      offNext()
      await pass(1)
      expect(second.counts.stopped).toBe(1)
    })
  }

  it('that never starts is an error after 35 s, and the next of its name starts', async () => {
    const [first, second] = [page({ startMs: 1e9 }), page()]
    const off = opened(initOf(), first.load)
    await pass(34_900)
    expect(stateOf(keyOf(initOf())).error).toBeUndefined()
    await pass(200)
    expect(stateOf(keyOf(initOf())).error?.message).toContain('did not start within')
    off()
    await pass(1)
    const next = initOf('another')
    const offNext = opened(next, second.load)
    await pass(1)
    expect(stateOf(keyOf(next)).pool).toBeDefined()
    offNext()
    await pass(1)
  })

  it('that never starts, of a component that has gone, does not keep the next one waiting for ever', async () => {
    const [first, second] = [page({ startMs: 1e9 }), page()]
    opened(initOf(), first.load)()
    await pass(1)
    const next = initOf('another')
    const offNext = opened(next, second.load)
    await pass(36_000)
    expect(stateOf(keyOf(next)).pool).toBeDefined()
    offNext()
    await pass(1)
  })

  it('that starts too late is stopped', async () => {
    const { counts, load } = page({ startMs: 40_000 })
    const off = opened(initOf(), load)
    await pass(36_000)
    expect(counts).toEqual({ opened: 1, stopped: 0 })
    await pass(5_000)
    expect(counts).toEqual({ opened: 1, stopped: 1 })
    off()
    await pass(1)
  })
})
