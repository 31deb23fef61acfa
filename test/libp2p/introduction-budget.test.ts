import { describe, expect, test } from 'vitest'
import { Budgets, bytesOfAsker, bytesOfNewAskers } from '../../src/libp2p/introduction-budget.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const introduction = 65_536
const seconds = 600

/** An introducer. `pass`: one introduction with so many bytes, if it may begin; `asker`: one whose connection is so old, s. */
function introducer() {
  const clock = new VirtualClock()
  const budgets = new Budgets(clock)
  const asker = (age = 0) => ({ timeline: { open: clock.date() - age * 1_000 } })
  const pass = (from: ReturnType<typeof asker>, bytes: number): number => {
    const paying = budgets.of(from)
    for (const budget of paying ?? []) budget.take(bytes)
    return paying === undefined ? 0 : bytes
  }
  /** All that it may. */
  const passAll = (from: ReturnType<typeof asker>): number => {
    let sum = 0
    for (let bytes = 1; bytes > 0; sum += bytes) bytes = pass(from, introduction)
    return sum
  }
  return { clock, asker, pass, passAll }
}

describe('the bytes of an introducer', () => {
  test('of one asker are 256 KiB, then 2 KiB a second', async () => {
    const { clock, asker, passAll } = introducer()
    const own = asker(60)
    let passed = 0
    for (let second = 0; second < seconds; second++) {
      passed += passAll(own)
      await clock.advance(1_000)
    }
    expect(passed).toBeGreaterThan(seconds * bytesOfAsker.perSecond)
    expect(passed).toBeLessThanOrEqual(bytesOfAsker.capacity + seconds * bytesOfAsker.perSecond + introduction)
  })

  test.each([4, 8, 16, 99])('%i askers that send whatever they may leave a page all its introductions', async (count) => {
    const { clock, asker, pass, passAll } = introducer()
    const hostile = Array.from({ length: count }, () => asker(60))
    const page = asker(60)
    let refused = 0
    for (let second = 0; second < seconds; second++) {
      for (const one of hostile) passAll(one)
      // Ten at first, then one in 6 s.
      if ((second < 10 || second % 6 === 0) && pass(page, 12_000) === 0) refused++
      await clock.advance(1_000)
    }
    expect(refused).toBe(0)
  })

  test('of askers that leave and come again are 1 MiB in all, then 32 KiB a second; a page that stays keeps its own', async () => {
    const { clock, asker, pass, passAll } = introducer()
    const page = asker(60)
    let passed = 0
    for (let second = 0; second < seconds; second++) {
      for (let i = 0; i < 10; i++) passed += passAll(asker())
      if (second % 6 === 0) expect(pass(page, 12_000)).toBe(12_000)
      await clock.advance(1_000)
    }
    expect(passed).toBeLessThanOrEqual(bytesOfNewAskers.capacity + seconds * bytesOfNewAskers.perSecond + introduction)
  })
})
