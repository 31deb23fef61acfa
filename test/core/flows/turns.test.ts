import { describe, expect, it } from 'vitest'
import { Turns } from '../../../src/core/flows/turns.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { World } from '../../support/pools.ts'

/** Time passes also within a turn: a little each time that somebody looks at the clock. */
class BusyClock extends VirtualClock {
  busyMs = 0
  perLookMs = 0

  override now(): number {
    this.busyMs += this.perLookMs
    return super.now() + this.busyMs
  }
}

describe('turns of the event loop', () => {
  it('are spent after 5 ms by all readers together, and free again in the next turn', async () => {
    const clock = new BusyClock()
    const turns = new Turns(clock)
    const read = (): boolean => {
      clock.busyMs += 1
      return turns.count()
    }
    let messages = 0
    while (!read()) messages++
    expect(messages).toBeLessThan(16)
    expect(read()).toBe(true)
    const waited = turns.next()
    await clock.advance(0)
    await waited
    for (let i = 0; i < messages; i++) expect(read()).toBe(false)
  })

  it('go to those who wait one by one, in the order in which they asked', async () => {
    const clock = new VirtualClock()
    const turns = new Turns(clock)
    const order: string[] = []
    for (const name of ['a', 'b', 'c']) void turns.next().then(() => order.push(name))
    const steps: number[] = []
    clock.onStep = () => steps.push(order.length)
    await clock.advance(0)
    expect(order).toEqual(['a', 'b', 'c'])
    expect(steps).toEqual([1, 2, 3])
    expect(clock.pending).toBe(0)
  })

  it('cost no timer where few messages come', () => {
    const clock = new VirtualClock()
    const turns = new Turns(clock)
    for (let i = 0; i < 5; i++) turns.count()
    expect(turns.afterwards(() => undefined)).toBe(false)
    expect(clock.pending).toBe(0)
  })
})

for (const { name, answers } of [
  { name: 'an application that reads them', answers: false },
  { name: 'an application that answers each', answers: true }
]) {
  it(`10,000 messages that came at once leave turns to others: ${name}`, async () => {
    const world = new World(1, undefined, new BusyClock())
    const a = await world.start('a')
    const peer = new HostilePeer(world, 'peer')
    const link = await peer.dial(a.network.point)
    say(link, helloOf(), { kind: 'ack' })
    await world.clock.advance(100)
    const [connection] = a.pool.connections.list()
    const clock = world.clock as BusyClock
    let read = 0
    let before = 0
    let most = 0
    clock.onStep = () => {
      most = Math.max(most, read - before)
      before = read
    }
    const reading = (async () => {
      for await (const message of connection?.messages ?? []) {
        if (answers) connection?.send(message).catch(() => undefined)
        read++
      }
    })()
    clock.perLookMs = 0.01
    say(link, ...Array.from({ length: 10_000 }, () => ({ kind: 'application', payload: new Uint8Array(0) }) as const))
    await clock.advance(100)
    expect(read).toBe(10_000)
    // 5 ms are 500 looks at the clock; an application that answers looks too.
    expect(most).toBeLessThan(600)
    clock.perLookMs = 0
    await world.stop()
    await reading
  })
}
