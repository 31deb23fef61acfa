import { describe, expect, it } from 'vitest'
import type { FlowConnection } from '../../../src/core/flows/context.ts'
import { Places } from '../../../src/core/flows/introduction-places.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { introductionPoint, type Member, type MemberOptions, MemoryWorld } from '../../../src/testing/index.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const asker = (): FlowConnection => ({}) as FlowConnection

/** What gives the place back, once the peer has one. */
function places(clock: VirtualClock) {
  const all = new Places(clock)
  const cuts: FlowConnection[] = []
  const take = (from: FlowConnection): (() => void) | undefined =>
    all.isFree(from) ? all.take(from, () => void cuts.push(from)) : undefined
  return { cuts, take }
}

describe('the places of an introducer', () => {
  it('four introductions run at once, two of one asker', () => {
    const { take } = places(new VirtualClock())
    const [a, b, c] = [asker(), asker(), asker()]
    expect([a, a, a, b, b, b, c].map((from) => take(from) !== undefined)).toEqual([true, true, false, true, true, false, false])
  })

  it('a place that was given back is free, and giving it back again frees no other', () => {
    const { take } = places(new VirtualClock())
    const [a, b, c] = [asker(), asker(), asker()]
    const [end] = [take(a), take(a), take(b), take(b)]
    end?.()
    end?.()
    expect([take(c) !== undefined, take(c)]).toEqual([true, undefined])
  })

  it('an introduction has its 30 s while nobody else asks, or peers ask that have held places as long', async () => {
    const clock = new VirtualClock()
    const { take, cuts } = places(clock)
    const all = [asker(), asker(), asker(), asker(), asker()]
    const [e] = all.splice(4) as [FlowConnection]
    const end = take(e)
    await clock.advance(9_000)
    end?.()
    for (const one of all) take(one)
    await clock.advance(9_000)
    expect(take(e)).toBeUndefined()
    await clock.advance(9_000)
    expect([take(e) !== undefined, cuts]).toEqual([true, [all[0]]])
  })

  it.each([2, 4, 8])('%i peers that hold places and ask again at once leave one to a peer that asks now and then', async (hostile) => {
    const clock = new VirtualClock()
    const { take, cuts } = places(clock)
    const holders = Array.from({ length: hostile }, asker)
    const page = asker()
    const waits: number[] = []
    let ends: (() => void) | undefined
    let wantsSince: number | undefined
    for (let second = 0; second < 600; second++) {
      for (const holder of holders) while (take(holder) !== undefined);
      if (second % 30 === 0) wantsSince = second
      if (wantsSince !== undefined) {
        ends = take(page)
        if (ends !== undefined) waits.push(second - wantsSince)
        if (ends !== undefined) wantsSince = undefined
      }
      await clock.advance(1_000)
      ends?.()
    }
    expect(waits.length).toBe(20)
    // At first all are new, and the hostile ones came first: eight of them take turns twice.
    expect(waits[0]).toBeLessThanOrEqual(hostile > 4 ? 21 : 11)
    expect(Math.max(...waits.slice(1))).toBe(0)
    expect(cuts).not.toContain(page)
  })

  it('peers under ever new ids, one a second, neither keep a page out nor cut it in its first ten seconds', async () => {
    const seed = 17
    const random = seededRandom(seed)
    const waits: number[] = []
    for (let run = 0; run < 20; run++) {
      const clock = new VirtualClock()
      const { take, cuts } = places(clock)
      const page = asker()
      let since = 0
      for (let second = 1; second < 60 && (since === 0 || second < since + 10); second++) {
        if (random.next() < 0.5) take(asker())
        if (second >= 20 && since === 0 && take(page) !== undefined) since = second
        take(asker())
        await clock.advance(1_000)
      }
      expect(cuts, `seed ${seed}`).not.toContain(page)
      waits.push(since - 20)
    }
    expect(Math.max(...waits), `seed ${seed}`).toBeLessThanOrEqual(30)
    expect(Math.min(...waits), `seed ${seed}`).toBeGreaterThanOrEqual(0)
  })
})

const page: MemberOptions = { page: true, introductions: true, minByKind: null }
const id = (name: string): PeerId => name as PeerId

it.each([
  ['two askers and a guest', 2],
  ['five askers and a guest', 5]
] as const)('%s that make introductions last keep a page from its peer for 15 s at most', async (_, count) => {
  const world = new MemoryWorld({ seed: 17 })
  const c = await world.start('C', { introductions: true })
  const join = async (name: string): Promise<Member> => {
    const member = await world.start(name, page)
    await world.clock.until(member.pool.connect(c.network.point))
    return member
  }
  const askers: Member[] = []
  for (let n = 0; n < count; n++) askers.push(await join(`X${n}`))
  for (const { network } of [await join('G'), ...askers]) network.introductions.stalls = true
  await join('B')
  const a = await join('A')
  await world.clock.advance(1_000)
  const ask = ({ network }: Member): void => void network.dialRaw(introductionPoint(id('C'), id('G'))).catch(() => undefined)
  const hold = (): void => {
    for (const one of askers) ask(one)
  }
  const reached = async (point: Point): Promise<boolean> => {
    hold()
    await world.clock.advance(1_000)
    await world.clock.until(a.pool.connect(point).catch(() => undefined))
    return a.pool.connectedPeerIds.has(id('B'))
  }
  for (let n = 0; n < 4; n++) hold()
  await world.clock.advance(1_000)
  let seconds = 1
  while (!(await reached(introductionPoint(id('C'), id('B')))) && seconds < 60) seconds++
  expect(seconds).toBeLessThanOrEqual(15)
})
