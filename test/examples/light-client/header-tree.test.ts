import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Header, hashOf, noHash, searchWork } from '../../../examples/light-client/chain/header.ts'
import { HeaderTree } from '../../../examples/light-client/chain/header-tree.ts'
import type { ChainRules, HeaderFault } from '../../../examples/light-client/chain/rules.ts'
import { copyOf, genesisOf, grow, nextHeader, startS, testRules } from './chains.ts'

/** The same header with work for what it says now. */
function worked(header: Header): Header {
  return searchWork({ ...header, nonce: 0 }, 1_000_000) ?? header
}

/** With a nonce that does not do. */
function unworked(header: Header): Header {
  let nonce = 0
  while (searchWork({ ...header, nonce }, 1) !== undefined) nonce++
  return { ...header, nonce }
}

describe('a header that breaks a rule does not get in', () => {
  const cases: [HeaderFault, string, (good: Header) => Header][] = [
    ['height', 'skips a height', (good) => worked({ ...good, height: good.height + 1 })],
    ['height', 'repeats a height', (good) => worked({ ...good, height: good.height - 1 })],
    ['time', 'is older than its parent', (good) => worked({ ...good, time: startS + 9 })],
    ['difficulty', 'is too easy', (good) => worked({ ...good, difficulty: 1 })],
    ['difficulty', 'has no difficulty', (good) => ({ ...good, difficulty: 0 })],
    ['difficulty', 'is harder than it may be', (good) => worked({ ...good, difficulty: good.difficulty + 1 })],
    ['work', 'shows no work', unworked]
  ]
  it.each(cases)('%s: it %s', (fault, _name, spoil) => {
    const tree = new HeaderTree(testRules)
    grow(tree, 5)
    const before = tree.head
    const added = tree.add(spoil(nextHeader(tree)))
    expect(added).toMatchObject({ kind: 'refused', broken: { fault, detail: expect.stringMatching(/^header \d+: /) } })
    expect(tree.head).toBe(before)
    expect(tree.size).toBe(6)
  })

  it('a header without its parent is an orphan, and one that is here already is known', () => {
    const tree = new HeaderTree(testRules)
    const header = nextHeader(tree)
    expect(tree.add({ ...header, previous: noHash }).kind).toBe('orphan')
    expect(tree.add(header).kind).toBe('added')
    expect(tree.add(header)).toMatchObject({ kind: 'known', entry: { order: 1 } })
  })

  it('the difficulty follows the pace of each window, on every branch its own', () => {
    const tree = new HeaderTree(testRules)
    grow(tree, 3)
    const fork = tree.head
    let fast = fork
    let slow = fork
    for (let count = 0; count < 5; count++) {
      const quick = tree.add(nextHeader(tree, fast, fast.header.time))
      const late = tree.add(nextHeader(tree, slow, slow.header.time + 20))
      if (quick.kind !== 'added' || late.kind !== 'added') throw new Error('not added')
      fast = quick.entry
      slow = late.entry
    }
    expect(fast.header).toMatchObject({ height: 8, difficulty: 18 })
    expect(slow.header).toMatchObject({ height: 8, difficulty: 8 })
    expect(tree.head).toBe(fast)
  })
})

describe('checkpoints', () => {
  const source = new HeaderTree(testRules)
  grow(source, 12)
  const hash = source.at(6)?.hash ?? noHash
  const rules: ChainRules = { ...testRules, checkpoints: [{ height: 6, hash }] }

  it('the chain that keeps them gets in', () => {
    expect(copyOf(source, rules).head.hash).toBe(source.head.hash)
  })

  it('a chain that contradicts one is refused there, with all its work', () => {
    const other = new HeaderTree(testRules)
    grow(other, 20)
    const tree = new HeaderTree(rules)
    const kinds = other.after(genesisOf(other), 20).map((header) => tree.add(header).kind)
    expect(kinds.slice(0, 6)).toEqual(['added', 'added', 'added', 'added', 'added', 'refused'])
    expect(tree.head.header.height).toBe(5)
  })

  it('once passed, a branch that begins below is refused from its first header', () => {
    const tree = copyOf(source, rules)
    const fork = tree.at(3)
    if (fork === undefined) throw new Error('no header 3')
    expect(tree.add(nextHeader(tree, fork))).toMatchObject({ kind: 'refused', broken: { fault: 'checkpoint' } })
  })
})

describe('forks', () => {
  it('of two branches with equal work the first one stays; the next header decides, with an event', () => {
    const tree = new HeaderTree(testRules)
    const fork = grow(tree, 4)
    const first = grow(tree, 2)
    const second = grow(tree, 2, fork)
    expect(tree.head).toBe(first)
    expect(tree.isBest(second.hash)).toBe(false)
    const added = tree.add(nextHeader(tree, second))
    expect(added).toMatchObject({ kind: 'added', reorganised: { forkHeight: 4, dropped: 2, adopted: 3 } })
    expect(tree.isBest(second.hash)).toBe(true)
    expect(tree.isBest(first.hash)).toBe(false)
  })

  it('a shorter branch with more work wins, and nothing of the longer one is left above it', () => {
    const tree = new HeaderTree(testRules)
    // Windows end at height 8: a fast one makes what follows harder.
    const fork = grow(tree, 2)
    let quick = fork
    for (let count = 0; count < 7; count++) {
      const added = tree.add(nextHeader(tree, quick, quick.header.time))
      if (added.kind !== 'added') throw new Error(added.kind)
      quick = added.entry
    }
    const slow = grow(tree, 8, fork)
    expect([quick.header.height, slow.header.height]).toEqual([9, 10])
    expect(tree.head).toBe(quick)
    expect(tree.at(10)).toBeUndefined()
    expect(tree.after(genesisOf(tree), 100).map(hashOf).at(-1)).toBe(quick.hash)
  })

  it('a branch that leaves too deep is not followed, however much work it claims to have', () => {
    const tree = new HeaderTree(testRules, { maxReorg: 4 })
    const fork = grow(tree, 5)
    grow(tree, 5)
    expect(tree.add(nextHeader(tree, fork)).kind).toBe('too-deep')
    expect(grow(tree, 1, tree.at(6)).header.height).toBe(7)
  })
})

describe('bounds', () => {
  it('keeps no more than it may, and forgets nothing that still counts', () => {
    const tree = new HeaderTree(testRules, { maxReorg: 8, maxKept: 20, maxAside: 6 })
    for (let round = 0; round < 60; round++) {
      grow(tree, 1)
      for (let back = 1; back <= 3; back++) {
        const parent = tree.at(tree.head.header.height - back)
        if (parent !== undefined) tree.add(nextHeader(tree, parent))
      }
      expect(tree.size).toBeLessThanOrEqual(20 + 6 + 1)
    }
    expect(tree.at(tree.head.header.height - 19)).toBeDefined()
    expect(tree.at(tree.head.header.height - 20)).toBeUndefined()
    expect(tree.locator().at(-1)).toBe(tree.genesisHash)
  })

  it('refuses limits that would make it forget what a window needs', () => {
    expect(() => new HeaderTree(testRules, { maxKept: 20 })).toThrow('maxKept: expected at least maxReorg and a window, 72, got 20')
  })
})

describe('a locator', () => {
  it.each([0, 1, 9, 40, 300])('of %i headers begins at the head, thins out, ends at the first header, and stays short', (count) => {
    const tree = new HeaderTree(testRules)
    grow(tree, count)
    const heights = tree.locator().map((hash) => tree.get(hash)?.header.height ?? -1)
    expect(heights[0]).toBe(count)
    expect(heights.at(-1)).toBe(0)
    expect(heights).toEqual([...new Set(heights)].sort((a, b) => b - a))
    expect(heights.length).toBeLessThanOrEqual(18)
  })
})

describe('any order in which headers come', () => {
  it('the head is the first of those with the most work, its chain is whole, and reorganisations add up', () => {
    const steps = fc.array(fc.record({ parent: fc.nat(40), fast: fc.boolean() }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(steps, (tries) => {
        const tree = new HeaderTree(testRules)
        const entries = [tree.head]
        let height = 0
        for (const { parent, fast } of tries) {
          const chosen = entries[parent % entries.length]
          if (chosen === undefined) continue
          const added = tree.add(nextHeader(tree, chosen, chosen.header.time + (fast ? 0 : 3)))
          if (added.kind !== 'added') throw new Error(added.kind)
          entries.push(added.entry)
          if (added.reorganised !== undefined) {
            const { forkHeight, dropped, adopted } = added.reorganised
            expect(forkHeight + dropped).toBe(height)
            expect(forkHeight + adopted).toBe(tree.head.header.height)
          }
          height = tree.head.header.height
          const most = entries.reduce((best, entry) => (entry.totalWork > best.totalWork ? entry : best))
          expect(tree.head).toBe(most)
        }
        const chain = tree.after(genesisOf(tree), 100)
        expect(chain.length).toBe(height)
        let previous = tree.genesisHash
        let work = 0n
        for (const header of chain) {
          expect(header.previous).toBe(previous)
          previous = hashOf(header)
          work += BigInt(header.difficulty)
        }
        expect([previous, work]).toEqual([tree.head.hash, tree.head.totalWork])
      }),
      { numRuns: 60 }
    )
  })
})
