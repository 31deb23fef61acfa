import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acts, maxActs, maxAtS, readWorld, type WorldSettings, whyNoAct, worldRanges, writeWorld } from './world-settings.ts'

describe('the text of a world', () => {
  it('without words is the default world', () => {
    expect(readWorld('')).toMatchObject({ pools: 100, seed: 1, relays: 3, acts: [] })
    expect(writeWorld(readWorld(''))).toBe('')
  })

  it('comes back as it was, whatever the settings', () => {
    const between = ({ from, to }: { from: number; to: number }) => fc.integer({ min: from, max: to })
    const act = fc.record({ atS: fc.integer({ min: 0, max: 100_000 }), act: fc.constantFrom(...acts) })
    const settings = fc
      .record({
        pools: between({ from: 20, to: 1_000 }),
        seed: between(worldRanges.seed),
        band: fc.tuple(between({ from: 1, to: 50 }), between({ from: 1, to: 50 }), between({ from: 1, to: 50 })),
        churn: between(worldRanges.churn),
        pages: between(worldRanges.pages),
        relays: between(worldRanges.relays),
        liars: between(worldRanges.liars),
        acts: fc.array(act, { maxLength: 20 })
      })
      .map(({ band, acts: done, ...rest }): WorldSettings => {
        const [min = 0, expected = 0, max = 0] = [...band].sort((a, b) => a - b)
        return { ...rest, min, expected, max, acts: [...done].sort((a, b) => a.atS - b.atS) }
      })
    fc.assert(
      fc.property(settings, (world) => {
        expect(readWorld(writeWorld(world))).toEqual(world)
      })
    )
  })

  it('says when it takes no further act, which is when its text could not be read any more', () => {
    const full = (count: number, atS: number) => ({ acts: Array.from({ length: count }, () => ({ atS, act: 'heal' as const })) })
    expect(whyNoAct(full(0, 0), 0)).toBeUndefined()
    expect(whyNoAct(full(maxActs - 1, maxAtS), maxAtS)).toBeUndefined()
    expect(whyNoAct(full(maxActs, 0), 0)).toContain('takes nothing more')
    expect(whyNoAct(full(0, 0), maxAtS + 1)).toContain('takes nothing more')
    expect(readWorld(writeWorld({ ...readWorld(''), ...full(maxActs, maxAtS) })).acts).toHaveLength(maxActs)
  })

  it.each([
    ['pools=1001', /pools: expected a whole number from 2 to 1000, got "1001"/],
    ['pools=ten', /got "ten"/],
    ['pool=10', /unknown setting "pool": expected one of pools, seed/],
    ['min=9&expected=8', /expected min <= expected <= max, got 9, 8, 12/],
    ['pools=2&relays=3', /expected at most 2 relays, got 3/],
    ['acts=kill-everybody@3', /expected kill-relays, .* got "kill-everybody@3"/],
    [`acts=${Array.from({ length: 201 }, () => 'heal@1').join(',')}`, /at most 200, got 201/]
  ])('%.40s is refused, and the message names what came', (text, message) => {
    expect(() => readWorld(text)).toThrow(message)
  })
})
