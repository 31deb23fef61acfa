/**
 * What makes a header a valid successor of another: the rules that every honest peer of one chain shares. Pure. Called by
 * `header-tree.ts` for each header that a peer serves, and by miners for the difficulty of the next one.
 */
import { type Hash, type Header, hasWork } from './header.ts'

/** A header that the author of the program knows to be right. */
export interface Checkpoint {
  readonly height: number
  readonly hash: Hash
}

/** What the program comes with. Two peers with different rules are on different chains. */
export interface ChainRules {
  /** The first header; it needs no work. */
  readonly genesis: Header
  /** In any order. A chain that contradicts one is refused, however much work is in it. */
  readonly checkpoints: readonly Checkpoint[]
  /** Seconds between two headers that the difficulty aims at. */
  readonly spacingS: number
  /** The difficulty changes at heights that are multiples of it. */
  readonly retargetEvery: number
  /** No header may be easier. */
  readonly easiest: number
  /** A header's time may be so far ahead of our clock, seconds. */
  readonly maxAheadS: number
}

/** Ways in which a header breaks the rules: a peer that serves such a header lies, and anybody can check that. */
export type HeaderFault = 'height' | 'time' | 'difficulty' | 'work' | 'checkpoint'

export interface BrokenRule {
  readonly fault: HeaderFault
  /** One sentence naming both numbers. */
  readonly detail: string
}

/** One window of headers changes the difficulty at most by this factor, as in Bitcoin: a few false times do not move it far. */
const maxChange = 4
const maxDifficulty = 0xffffffff

/**
 * The difficulty of the header after `parent`. `windowStart` is the ancestor `retargetEvery` headers before the new one;
 * it is looked at only where the difficulty may change.
 */
export function difficultyAfter(parent: Header, windowStart: Header | undefined, rules: ChainRules): number {
  const { retargetEvery, spacingS, easiest } = rules
  if (windowStart === undefined || (parent.height + 1) % retargetEvery !== 0) return parent.difficulty
  const aimedS = (retargetEvery - 1) * spacingS
  const tookS = Math.min(Math.max(parent.time - windowStart.time, aimedS / maxChange), aimedS * maxChange)
  return Math.min(Math.max(Math.floor((parent.difficulty * aimedS) / tookS), easiest), maxDifficulty)
}

export interface Succession {
  readonly header: Header
  readonly hash: Hash
  readonly parent: Header
  readonly windowStart: Header | undefined
}

/** `undefined` if the header keeps all rules. That it names its parent's hash is the caller's to know: that is how it found it. */
export function brokenRule({ header, hash, parent, windowStart }: Succession, rules: ChainRules): BrokenRule | undefined {
  const broken = (fault: HeaderFault, detail: string): BrokenRule => ({ fault, detail: `header ${header.height}: ${detail}` })
  if (header.height !== parent.height + 1) return broken('height', `it follows height ${parent.height}`)
  if (header.time < parent.time) return broken('time', `it was made ${parent.time - header.time} s before the header it follows`)
  const due = difficultyAfter(parent, windowStart, rules)
  if (header.difficulty !== due) return broken('difficulty', `its difficulty is ${header.difficulty}, the rules ask for ${due}`)
  if (!hasWork(hash, header.difficulty)) {
    return broken('work', `its hash ${hash.slice(0, 12)}… shows no work of difficulty ${header.difficulty}`)
  }
  const checkpoint = rules.checkpoints.find(({ height }) => height === header.height)
  if (checkpoint !== undefined && checkpoint.hash !== hash) {
    return broken('checkpoint', `its hash is ${hash.slice(0, 12)}…, the checkpoint's ${checkpoint.hash.slice(0, 12)}…`)
  }
}
