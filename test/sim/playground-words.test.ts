import { describe, expect, it } from 'vitest'
import { type Broken, brokenWords, followed, isFilling, planned, rateWords, unbrokenWords } from '../../web/playground/words.ts'
import type { Look } from './playground-figures.ts'
import { readWorld } from './world-settings.ts'

const some = { up: 97, withMinimum: 97, least: 4, mean: 8, most: 12 }
const calm: Look = {
  ...{ atS: 281, up: 100, withMinimum: 100, parts: 1, halves: 1, dials: 0, opened: 0, hostileKnown: 0, hostileConnected: 0 },
  ...{ relays: { ...some, up: 3, withMinimum: 3 }, others: some }
}
const split: Broken = { act: 'split', atS: 100, hurtAtS: 101 }

describe('the sentences of the playground', () => {
  it.each<[string, Partial<Look>, RegExp]>([
    [
      'pools that lack connections',
      { withMinimum: 93 },
      /^The network was split 181 s ago\. 7 of 100 pools have less than their minimum\.$/
    ],
    ['parts', { parts: 3 }, /All pools have their minimum\. The network is in 3 parts\.$/],
    ['both', { withMinimum: 99, parts: 2 }, /1 of 100 pools has less than their minimum\. The network is in 2 parts\.$/],
    ['a split', { withMinimum: 99, parts: 2, halves: 2 }, /1 of 100 pools has less .* The split alone makes two parts: .*$/],
    ['a split with more parts', { parts: 4, halves: 2 }, /All pools have their minimum\. The halves are in 4 parts together\. The split/]
  ])('say which is amiss: %s', (_, amiss, words) => {
    expect(brokenWords(split, { ...calm, ...amiss })).toMatch(words)
  })

  it('take the two halves of a split network as well, once all pools have their minimum', () => {
    const { acts } = readWorld('acts=split@100')
    const hurt = followed(undefined, { ...calm, atS: 101, withMinimum: 50, parts: 2, halves: 2 }, acts)
    const back = followed(hurt, { ...calm, atS: 120, parts: 2, halves: 2 }, acts)
    expect(back).toEqual({ act: 'split', atS: 100, hurtAtS: 101, backAtS: 120 })
    expect(brokenWords(back ?? split, { ...calm, parts: 2, halves: 2 })).toContain(
      'After 20 s all pools had their minimum again, and each half is one network. The split alone makes two parts'
    )
    expect(followed(back, { ...calm, atS: 121, parts: 3, halves: 2 }, acts)?.backAtS).toBeUndefined()
  })

  it('say what an address plans, and where the run is', () => {
    const { acts } = readWorld('acts=kill-relays@188,split@200')
    expect(planned(acts, 12.4)).toEqual({
      words: 'Planned by the address: kill the relays at 188 s, split the network in two at 200 s. The run is at 12 s.',
      lastS: 200
    })
    expect(planned(acts, 190)?.words).toContain('Planned by the address: split the network in two at 200 s.')
    expect(planned(acts, 199.5)).toBeUndefined()
    const many = readWorld(`acts=${Array.from({ length: 9 }, (_, i) => `heal@${i + 10}`).join(',')}`)
    expect(planned(many.acts, 0)?.words).toContain('join the halves at 14 s, and 4 more until 18 s.')
  })

  it('take the first half minute as the time in which the pools come, unless something is done to them', () => {
    expect(unbrokenWords(29)).toBe('Nothing is broken yet. The pools are still coming.')
    expect(unbrokenWords(30)).toBe('Nothing is broken yet.')
    expect([isFilling(29, undefined), isFilling(30, undefined), isFilling(29, split)]).toEqual([true, false, false])
  })

  it.each([
    [0, 60, 'measuring'],
    [59, 60, '59 times real time'],
    [5, 60, '5.0 times real time: this machine manages no more'],
    [0.04, 0, '0.04 times real time: this machine manages no more'],
    [0.1, 0, '0.1 times real time: this machine manages no more']
  ])('say how fast it goes: %d of %d', (reached, asked, words) => {
    expect(rateWords(reached, asked)).toBe(words)
  })
})
