import type { Stream } from '@libp2p/interface'
import { describe, expect, test, vi } from 'vitest'
import type { PeerId } from '../../src/core/values/ids.ts'
import { Reservations } from '../../src/libp2p/introduction-reservations.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const introducer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId

/** A peer that is asked for a reservation, and answers when `answer` is called. */
function asked() {
  const { promise, resolve } = Promise.withResolvers<Stream | undefined>()
  const abort = vi.fn()
  const stream = Object.assign(new EventTarget(), { status: 'open', abort, close: async () => undefined }) as unknown as Stream
  const reservations = new Reservations({ clock: new VirtualClock(), ask: () => promise, isWanted: () => true })
  reservations.want(introducer)
  return { reservations, abort, answer: () => resolve(stream) }
}

describe('a reservation with an introducer', () => {
  test('counts from the request on: a visit may overtake the answer', async () => {
    const { reservations, answer } = asked()
    expect(reservations.has(introducer)).toBe(true)
    answer()
    await vi.waitFor(() => expect(reservations.has(introducer)).toBe(true))
  })

  test('that is given after the network has stopped is given back', async () => {
    const { reservations, abort, answer } = asked()
    reservations.stop()
    expect(reservations.has(introducer)).toBe(false)
    answer()
    await vi.waitFor(() => expect(abort).toHaveBeenCalledOnce())
    expect(reservations.has(introducer)).toBe(false)
  })
})
