import { describe, expect, test } from 'vitest'
import { ByteBudget, bytesInAll, bytesOfAsker, mayPass } from '../../src/libp2p/introduction-budget.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const introduction = 65_536

/** Introducer and askers; `pass`: one introduction with so many bytes, if it may begin. */
function introducer() {
  const clock = new VirtualClock()
  const inAll = new ByteBudget(clock, bytesInAll)
  const asker = (): ByteBudget => new ByteBudget(clock, bytesOfAsker)
  const pass = (own: ByteBudget, bytes: number): boolean => {
    if (!mayPass(own, inAll)) return false
    for (const budget of [own, inAll]) budget.take(bytes)
    return true
  }
  return { clock, asker, pass }
}

describe('the bytes of an introducer', () => {
  test('of one asker are 256 KiB, then 4 KiB a second', async () => {
    const { clock, asker, pass } = introducer()
    const own = asker()
    let passed = 0
    for (let second = 0; second < 600; second++) {
      while (pass(own, introduction)) passed += introduction
      await clock.advance(1_000)
    }
    expect(passed).toBeLessThanOrEqual(bytesOfAsker.capacity + 600 * bytesOfAsker.perSecond + introduction)
  })

  test.each([4, 8, 16, 40])('%i askers that send whatever they may leave a page its introductions', async (count) => {
    const { clock, asker, pass } = introducer()
    const hostile = Array.from({ length: count }, asker)
    const page = asker()
    let [refused, passed] = [0, 0]
    for (let second = 0; second < 600; second++) {
      for (const own of hostile) while (pass(own, introduction)) passed += introduction
      // Ten at first, then one in 6 s.
      if ((second < 10 || second % 6 === 0) && !pass(page, 12_000)) refused++
      await clock.advance(1_000)
    }
    expect(refused).toBe(0)
    expect(passed).toBeLessThanOrEqual(bytesInAll.capacity + 600 * bytesInAll.perSecond)
  })
})
