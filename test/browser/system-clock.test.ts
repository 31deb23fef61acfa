/** The clock where there is no `setImmediate`: a delay of nothing is a turn of its own, and no timer, which browsers hold back. */
import { expect, it } from 'vitest'
import { systemClock } from '../../src/libp2p/system.ts'

const turns = 1_000

it('a thousand turns one after the other take less than timers would', async () => {
  const start = performance.now()
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => systemClock.schedule(0, resolve))
  // Browsers make a timer that follows others wait for 4 ms.
  expect(performance.now() - start).toBeLessThan(4 * turns)
})

it('what is scheduled for now happens later, in order, each in a turn of its own, and not if it was cancelled', async () => {
  const order: string[] = []
  systemClock.schedule(0, () => {
    order.push('first')
    queueMicrotask(() => order.push('after the first'))
  })
  const cancel = systemClock.schedule(0, () => order.push('cancelled'))
  const done = new Promise<void>((resolve) => {
    systemClock.schedule(0, () => {
      order.push('last')
      resolve()
    })
  })
  cancel()
  order.push('now')
  await done
  expect(order).toEqual(['now', 'first', 'after the first', 'last'])
  cancel()
})
