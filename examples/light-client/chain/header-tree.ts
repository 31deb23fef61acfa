/**
 * The verified headers: the best chain, which is the one with the most work in it, and the small branches beside it that
 * may still overtake it. Nothing gets in that breaks a rule. Synchronous, bounded, knows no peer. Owned by a `SyncClient`.
 */
import { type Hash, type Header, hashOf } from './header.ts'
import { type BrokenRule, brokenRule, type ChainRules, difficultyAfter } from './rules.ts'

/** A header that was verified. */
export interface Entry {
  readonly header: Header
  readonly hash: Hash
  /** All work from the first header on, the first one's not counted. */
  readonly totalWork: bigint
  /** Grows by one with each header that comes in. */
  readonly order: number
}

interface Node extends Entry {
  /** None at the first header, and at the oldest one kept. */
  parent: Node | undefined
  children: number
}

export interface TreeLimits {
  /** Branches that leave the best chain further below its head are not followed. @default 64 */
  readonly maxReorg: number
  /** Headers kept of the best chain; older ones are forgotten. At least `maxReorg` and a retarget window. @default 4096 */
  readonly maxKept: number
  /** Headers kept beside the best chain; the branch with the least work goes first. @default 512 */
  readonly maxAside: number
}

const defaultLimits: TreeLimits = { maxReorg: 64, maxKept: 4_096, maxAside: 512 }

export type Added =
  /** It is the new head, or on a branch beside the best chain. */
  | { readonly kind: 'added'; readonly entry: Entry; readonly reorganised: Reorganisation | undefined }
  | { readonly kind: 'known'; readonly entry: Entry }
  /** It breaks a rule. */
  | { readonly kind: 'refused'; readonly broken: BrokenRule }
  /** The header before it is not here. */
  | { readonly kind: 'orphan' }
  /** Perhaps right, but it leaves the best chain too far below the head. */
  | { readonly kind: 'too-deep' }

/** Another branch became the best chain. */
export interface Reorganisation {
  /** The last header that both have. */
  readonly forkHeight: number
  /** Headers of the old branch that are not on the best chain any more. */
  readonly dropped: number
  /** Headers of the new branch. */
  readonly adopted: number
}

export class HeaderTree {
  readonly rules: ChainRules
  readonly #limits: TreeLimits
  readonly #nodes = new Map<Hash, Node>()
  /** The best chain by height. */
  readonly #best = new Map<number, Node>()
  readonly #genesisHash: Hash
  #head: Node
  #oldest = 0
  #order = 0

  constructor(rules: ChainRules, limits: Partial<TreeLimits> = {}) {
    this.rules = rules
    this.#limits = { ...defaultLimits, ...limits }
    const { maxReorg, maxKept } = this.#limits
    if (!(maxKept >= maxReorg + rules.retargetEvery)) {
      throw new RangeError(`maxKept: expected at least maxReorg and a window, ${maxReorg + rules.retargetEvery}, got ${maxKept}`)
    }
    this.#genesisHash = hashOf(rules.genesis)
    this.#head = { header: rules.genesis, hash: this.#genesisHash, totalWork: 0n, order: 0, parent: undefined, children: 0 }
    this.#nodes.set(this.#head.hash, this.#head)
    this.#best.set(0, this.#head)
  }

  /** The header with the most work behind it; of equals the one that came first. */
  get head(): Entry {
    return this.#head
  }

  get genesisHash(): Hash {
    return this.#genesisHash
  }

  /** Headers that came in so far. */
  get order(): number {
    return this.#order
  }

  /** Headers kept, on the best chain and beside it. */
  get size(): number {
    return this.#nodes.size
  }

  get(hash: Hash): Entry | undefined {
    return this.#nodes.get(hash)
  }

  /** On the best chain. */
  at(height: number): Entry | undefined {
    return this.#best.get(height)
  }

  isBest(hash: Hash): boolean {
    const node = this.#nodes.get(hash)
    return node !== undefined && this.#best.get(node.header.height) === node
  }

  /** The best chain after an entry on it, at most so many. */
  after({ header }: Entry, max: number): Header[] {
    const headers: Header[] = []
    for (let height = header.height + 1; headers.length < max; height++) {
      const next = this.#best.get(height)
      if (next === undefined) break
      headers.push(next.header)
    }
    return headers
  }

  /** The difficulty that the header after an entry must have. */
  difficultyAfter(entry: Entry): number {
    const node = this.#nodes.get(entry.hash)
    return difficultyAfter(entry.header, node === undefined ? undefined : this.#windowStart(node)?.header, this.rules)
  }

  /**
   * Some hashes of the best chain, the newest first, by which a peer finds where our chains part: dense at the head, then
   * in steps that double, and the first header at the end.
   */
  locator(): Hash[] {
    const hashes: Hash[] = []
    let step = 1
    for (let height = this.#head.header.height; height > this.#oldest; height -= step) {
      const node = this.#best.get(height)
      if (node !== undefined) hashes.push(node.hash)
      if (hashes.length >= denseHashes) step *= 2
    }
    return [...hashes, this.#genesisHash]
  }

  /** Verifies a header and, if it keeps the rules, takes it in. */
  add(header: Header): Added {
    const hash = hashOf(header)
    const known = this.#nodes.get(hash)
    if (known !== undefined) return { kind: 'known', entry: known }
    const parent = this.#nodes.get(header.previous)
    if (parent === undefined) return { kind: 'orphan' }
    const broken = brokenRule({ header, hash, parent: parent.header, windowStart: this.#windowStart(parent)?.header }, this.rules)
    if (broken !== undefined) return { kind: 'refused', broken }
    const against = this.#passedCheckpoint()
    if (header.height <= against) {
      const detail = `header ${header.height}: it is not on the chain that leads to the checkpoint at height ${against}`
      return { kind: 'refused', broken: { fault: 'checkpoint', detail } }
    }
    if (this.#head.header.height - this.#forkOf(parent).header.height > this.#limits.maxReorg) return { kind: 'too-deep' }

    const entry: Node = { header, hash, totalWork: parent.totalWork + BigInt(header.difficulty), order: ++this.#order, parent, children: 0 }
    parent.children++
    this.#nodes.set(hash, entry)
    const reorganised = entry.totalWork > this.#head.totalWork ? this.#adopt(entry) : undefined
    this.#forget(entry)
    return { kind: 'added', entry, reorganised }
  }

  /** Height of the highest checkpoint that the best chain has passed; 0: none. */
  #passedCheckpoint(): number {
    const passed = this.rules.checkpoints.filter(({ height }) => height <= this.#head.header.height)
    return Math.max(0, ...passed.map(({ height }) => height))
  }

  /** The ancestor `retargetEvery` headers before the header that follows `parent`. */
  #windowStart(parent: Node): Node | undefined {
    const { retargetEvery } = this.rules
    const height = parent.header.height + 1
    if (height % retargetEvery !== 0) return undefined
    let node: Node | undefined = parent
    while (node !== undefined && node.header.height > height - retargetEvery) node = node.parent
    return node
  }

  /** Where the branch of a node leaves the best chain. */
  #forkOf(node: Node): Node {
    let fork = node
    while (this.#best.get(fork.header.height) !== fork && fork.parent !== undefined) fork = fork.parent
    return fork
  }

  /** Makes the branch of `tip` the best chain; nothing to tell if it only grew. */
  #adopt(tip: Node): Reorganisation | undefined {
    const fork = this.#forkOf(tip)
    const forkHeight = fork.header.height
    const dropped = this.#head.header.height - forkHeight
    for (let height = tip.header.height + 1; height <= this.#head.header.height; height++) this.#best.delete(height)
    for (let node = tip; node !== fork && node.parent !== undefined; node = node.parent) this.#best.set(node.header.height, node)
    this.#head = tip
    return dropped === 0 ? undefined : { forkHeight, dropped, adopted: tip.header.height - forkHeight }
  }

  /** Lets go of what is too old to matter, then of branches beyond the cap; never of `newest`, whose successors come next. */
  #forget(newest: Node): void {
    const { maxReorg, maxKept, maxAside } = this.#limits
    const headHeight = this.#head.header.height
    if (this.#nodes.size > this.#best.size) {
      for (const node of this.#nodes.values()) {
        if (node.header.height < headHeight - maxReorg && this.#best.get(node.header.height) !== node) this.#remove(node)
      }
    }
    while (this.#nodes.size - this.#best.size > maxAside) {
      const victim = this.#weakestTip(newest)
      if (victim === undefined) break
      this.#remove(victim)
    }
    for (; this.#oldest <= headHeight - maxKept; this.#oldest++) {
      const node = this.#best.get(this.#oldest)
      if (node === undefined) continue
      this.#best.delete(this.#oldest)
      this.#nodes.delete(node.hash)
      const next = this.#best.get(this.#oldest + 1)
      if (next !== undefined) next.parent = undefined
    }
  }

  #remove(node: Node): void {
    this.#nodes.delete(node.hash)
    if (node.parent !== undefined) node.parent.children--
  }

  #weakestTip(spared: Node): Node | undefined {
    let weakest: Node | undefined
    for (const node of this.#nodes.values()) {
      if (node === spared || node.children > 0 || this.#best.get(node.header.height) === node) continue
      if (weakest === undefined || node.totalWork < weakest.totalWork) weakest = node
    }
    return weakest
  }
}

/** So many hashes of a locator are of neighbours: most forks are one or two headers deep. */
const denseHashes = 10
