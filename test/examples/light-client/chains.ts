/** Chains for the tests: rules with hardly any work, and headers made by them. Every chance comes from a seed. */
import { type Header, hashOf, noHash, parseHash, searchWork } from '../../../examples/light-client/chain/header.ts'
import { type Entry, HeaderTree } from '../../../examples/light-client/chain/header-tree.ts'
import type { ChainRules } from '../../../examples/light-client/chain/rules.ts'

export const startS = 1_800_000_000

export const testRules: ChainRules = {
  genesis: { height: 0, previous: noHash, time: startS, payloadRoot: noHash, difficulty: 8, nonce: 0 },
  checkpoints: [],
  spacingS: 2,
  retargetEvery: 8,
  easiest: 8,
  maxAheadS: 60
}

let made = 0

/** A header that follows `parent` in `tree` and keeps all rules; no two are alike. */
export function nextHeader(tree: HeaderTree, parent: Entry = tree.head, time = parent.header.time + 2): Header {
  const header: Header = {
    height: parent.header.height + 1,
    previous: parent.hash,
    time,
    payloadRoot: parseHash((++made).toString(16).padStart(64, '0')),
    difficulty: tree.difficultyAfter(parent),
    nonce: 0
  }
  const found = searchWork(header, 1_000_000)
  if (found === undefined) throw new Error(`no work found for difficulty ${header.difficulty}`)
  return found
}

/** Adds `count` headers after `parent` and returns the last entry. */
export function grow(tree: HeaderTree, count: number, parent: Entry = tree.head): Entry {
  let last = parent
  for (let index = 0; index < count; index++) {
    const added = tree.add(nextHeader(tree, last))
    if (added.kind !== 'added') throw new Error(`expected a header to be added, got ${added.kind}`)
    last = added.entry
  }
  return last
}

/** A tree with the same headers on its best chain as another. */
export function copyOf(tree: HeaderTree, rules = tree.rules): HeaderTree {
  const copy = new HeaderTree(rules)
  for (const header of tree.after(genesisOf(tree), Number.POSITIVE_INFINITY)) copy.add(header)
  return copy
}

export function genesisOf(tree: HeaderTree): Entry {
  const entry = tree.get(hashOf(tree.rules.genesis))
  if (entry === undefined) throw new Error('the first header was forgotten')
  return entry
}
