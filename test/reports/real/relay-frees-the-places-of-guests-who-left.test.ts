import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { addressOf, startPeer, startPlain, stopAll } from './peers.ts'

afterEach(stopAll)

test('a relay with three reservations serves one short visit after the other: unmodified guests that stop, and guests that vanish', async () => {
  const relay = await startPeer({ relay: { maxReservations: 3 } })
  for (let visit = 0; visit < 10; visit++) {
    const guest = await startPlain({ listen: ['/p2p-circuit'] })
    await guest.dial(multiaddr(addressOf(relay)))
    await expect.poll(() => guest.getMultiaddrs().length, { timeout: 5_000, interval: 20 }).toBeGreaterThan(0)
    if (visit % 2 === 1) for (const connection of guest.getConnections()) connection.abort(new Error('the tab was closed'))
    await guest.stop()
  }
  await expect.poll(() => relay.relay?.status(), { timeout: 5_000, interval: 20 }).toMatchObject({ used: 0, max: 3 })
})
