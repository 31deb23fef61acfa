/** A page that stops while it asks a relay for a reservation. */
import type { Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Libp2pPeerPool } from '../../src/libp2p/service.ts'
import { PageRelays } from '../../web/page-relays.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each(['answers', 'fails'])('no timer is left when a request %s after the page has stopped', async (how) => {
  const { promise, resolve, reject } = Promise.withResolvers<{ protocols: string[] }>()
  const remoteAddr = '/ip4/127.0.0.1/tcp/1/ws'
  const get = vi.fn(() => promise)
  const node = { getPeers: () => ['a relay'], getConnections: () => [{ remoteAddr }], peerStore: { get } } as unknown as Libp2p
  const pool = Object.assign(new EventTarget(), { activeConnections: 1 }) as unknown as Libp2pPeerPool
  const end = new PageRelays(['/p2p-circuit']).keep(node, pool)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(get).toHaveBeenCalledOnce()
  end()
  if (how === 'answers') resolve({ protocols: [] })
  else reject(new Error('closed'))
  await promise.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
})
