import { blake2b } from '@noble/hashes/blake2.js'
import { describe, expect, it } from 'vitest'
import { FadingFilter, hashCount, indexBitsFor } from '../../../src/core/tables/fading-filter.ts'
import { keyedHash } from '../../../src/core/tables/greylist.ts'
import { freshLevel } from '../../../src/core/values/bounds.ts'
import { octetsOf, parseIp } from '../../../src/core/values/ip.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

/** With the reference's hash, which has no key. */
function filterOf(indexBits: number, hash = (item: Uint8Array): Uint8Array => blake2b(item, { dkLen: 32 })): FadingFilter {
  return new FadingFilter({ indexBits, hash })
}

function octets(address: string): Uint8Array {
  const groups = parseIp(address)
  if (groups === undefined) throw new Error(`no address: ${address}`)
  return octetsOf(groups)
}

function item(number: number): Uint8Array {
  return Uint8Array.of(number, number >> 8, number >> 16, number >> 24)
}

function addAll(filter: FadingFilter, items: readonly Uint8Array[]): void {
  for (const one of items) filter.add(filter.cellsOf(one))
}

describe('the cells of an address, without a key, are those of the reference', () => {
  it.each([
    ['ffff::3', '1603220 1607422 3169964 1296926 702064', '1603220 803711 7083947 162115 7908199'],
    ['a::2', '596462 2772745 985318 3270513 1915314', '4790766 5580676 1294905 1457390 2479003'],
    ['::1', '640853 2350833 1097072 3454234 1567732', '4835157 1175416 2371420 2528931 7175871'],
    ['::ffff:127.0.0.1', '133372 268679 428490 366252 3454470', '4327676 4328643 4301426 3191509 5983072'],
    ['2001:db8::1', '2057269 2293570 1947363 758533 183211', '2057269 7438241 5729720 5861984 4467898']
  ])('%s', (address, of22, of23) => {
    expect(filterOf(22).cellsOf(octets(address)).join(' ')).toBe(of22)
    expect(filterOf(23).cellsOf(octets(address)).join(' ')).toBe(of23)
  })

  it('and others with a key, so that no outsider can aim at a neighbour', () => {
    const cellsWith = (key: number): number[] => filterOf(22, keyedHash(Uint8Array.of(key))).cellsOf(octets('::1'))
    expect(cellsWith(1)).toHaveLength(hashCount)
    expect(cellsWith(1)).not.toEqual(cellsWith(2))
    expect(cellsWith(1)).toEqual(cellsWith(1))
  })

  it('and are read bit by bit at every width', () => {
    for (let bits = 1; bits <= 30; bits++) {
      // The fields of b bits are the digits of the hash's first 5b bits, the lowest first.
      const widest = filterOf(30).cellsOf(octets('a::2'))
      const hash = widest.reduceRight((joined, cell) => joined * 2n ** 30n + BigInt(cell), 0n)
      const expected = Array.from({ length: hashCount }, (_, i) => Number((hash >> BigInt(i * bits)) & (2n ** BigInt(bits) - 1n)))
      expect(filterOf(bits).cellsOf(octets('a::2')), `${bits} bits`).toEqual(expected)
    }
  })
})

describe('the size of the filter', () => {
  it.each([
    [1, 11],
    [2, 12],
    [3, 12],
    [256, 19],
    [1_023, 20],
    [1_024, 21],
    [2_048, 22],
    [65_535, 26]
  ])('is never above the %i KiB asked for and more than half of it', (kiB, indexBits) => {
    expect(indexBitsFor(kiB)).toBe(indexBits)
    const bytes = 2 ** indexBits / 2
    expect(bytes).toBeLessThanOrEqual(kiB * 1_024)
    expect(bytes * 2).toBeGreaterThan(kiB * 1_024)
  })

  it('that makes no sense is refused by name', () => {
    for (const kiB of [0, -1, 1.5, Number.NaN])
      expect(() => indexBitsFor(kiB)).toThrow(new RegExp(`whole number of KiB from 1, got ${kiB}`))
    for (const bits of [0, 31, 2.5]) expect(() => filterOf(bits)).toThrow(`1 to 30, got ${bits}`)
    for (const steps of [-1, 0.5]) expect(() => filterOf(4).countdown(steps)).toThrow(`got ${steps}`)
  })
})

describe('an item', () => {
  it('is found for exactly fifteen countdowns after it was added, whatever else is in the filter', { timeout: 60_000 }, () => {
    for (let indexBits = 1; indexBits <= 16; indexBits++) {
      const filter = filterOf(indexBits)
      const items = Array.from({ length: 1_000 }, (_, i) => item(i))
      addAll(filter, items)
      for (let round = 0; round < freshLevel; round++) {
        expect(
          items.every((one) => filter.has(one)),
          `${indexBits} bits, round ${round}`
        ).toBe(true)
        filter.countdown()
      }
      expect(
        items.some((one) => filter.has(one)),
        `${indexBits} bits`
      ).toBe(false)
      expect(filter.isEmpty).toBe(true)
    }
  })

  it('that is removed is gone at once, and one that lost cells to it comes back at the level it is raised to', () => {
    const filter = filterOf(3)
    const [one, other] = [filter.cellsOf(item(1)), filter.cellsOf(item(2))]
    expect(one.some((cell) => other.includes(cell))).toBe(true)
    filter.add(one)
    filter.add(other)
    filter.remove(one)
    expect(filter.has(item(1))).toBe(false)
    expect(filter.has(item(2))).toBe(false)
    filter.raise(other, 2)
    expect(filter.has(item(2))).toBe(true)
    expect(filter.lifeExpectancyHistogram().reduce((sum, cells) => sum + cells)).toBe(8)
  })
})

describe('the cells', () => {
  it('count down as single cells would, in steps of any number, with exact figures', () => {
    const random = seededRandom(3).next
    for (let round = 0; round < 300; round++) {
      const indexBits = 1 + Math.floor(random() * 8)
      const filter = filterOf(indexBits)
      let model = new Array<number>(2 ** indexBits).fill(0)
      for (let turn = 0; turn < 12; turn++) {
        const cells = filter.cellsOf(item(Math.floor(random() * 1e9)))
        const level = 1 + Math.floor(random() * freshLevel)
        filter.raise(cells, level)
        for (const cell of cells) model[cell] = Math.max(model[cell] ?? 0, level)
        if (random() < 0.2) {
          filter.remove(cells)
          for (const cell of cells) model[cell] = 0
        }
        const steps = Math.floor(random() * random() * 18)
        filter.countdown(steps)
        model = model.map((value) => Math.max(0, value - steps))
        const byLevel = Array.from({ length: 16 }, (_, value) => model.filter((cell) => cell === value).length)
        expect(filter.lifeExpectancyHistogram(), `round ${round}, turn ${turn}`).toEqual(byLevel)
        expect(filter.fill).toBeCloseTo(1 - (byLevel[0] ?? 0) / model.length)
        const probe = item(Math.floor(random() * 1e9))
        expect(filter.has(probe)).toBe(filter.cellsOf(probe).every((cell) => (model[cell] ?? 0) > 0))
      }
    }
  })

  it('are all zero after clearing', () => {
    const filter = filterOf(10)
    addAll(filter, [item(1), item(2)])
    filter.clear()
    expect([filter.isEmpty, filter.fill, filter.approximateCount, filter.has(item(1))]).toEqual([true, 0, 0, false])
    expect(filter.lifeExpectancyHistogram()).toEqual([1_024, ...new Array(15).fill(0)])
  })
})

describe('the count of items', () => {
  it('is exact as long as nothing is removed or added twice', () => {
    const random = seededRandom(4).next
    const filter = filterOf(16)
    const generations: number[] = new Array(freshLevel).fill(0)
    let next = 0
    for (let round = 0; round < 60; round++) {
      expect(filter.approximateCount, `round ${round}`).toBe(generations.reduce((sum, count) => sum + count, 0))
      const count = Math.floor(random() * 10)
      addAll(
        filter,
        Array.from({ length: count }, () => item(next++))
      )
      const steps = random() < 0.8 ? 1 : 3
      filter.countdown(steps)
      generations[0] = (generations[0] ?? 0) + count
      for (let i = 0; i < steps; i++) {
        generations.unshift(0)
        generations.pop()
      }
    }
  })
})

describe('strangers', () => {
  it('are taken for listed ones as often as the formula says, within 0.1', () => {
    const filter = filterOf(16)
    let added = 0
    for (let step = 0; step < 30; step++) {
      addAll(
        filter,
        Array.from({ length: 1_000 }, () => item(added++))
      )
      const wrong = Array.from({ length: 500 }, (_, i) => item(1e8 + step * 500 + i)).filter((one) => filter.has(one)).length
      const expected = (1 - Math.exp((-hashCount * added) / filter.cellCount)) ** hashCount
      expect(Math.abs(wrong / 500 - expected), `${added} added`).toBeLessThan(0.1)
      expect(Math.abs(filter.fill - (1 - Math.exp((-hashCount * added) / filter.cellCount)))).toBeLessThan(0.01)
    }
  })
})
