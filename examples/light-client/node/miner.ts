/** Makes headers on top of the head of a tree, with a small part of a core. Owned by a `HeaderPeer`. */
import { randomBytes } from 'node:crypto'
import { type Header, readHash, searchWork } from '../chain/header.ts'
import type { HeaderTree } from '../chain/header-tree.ts'

/** Five peers that try 5 hashes each, ten times a second, find one of difficulty 500 every two seconds or so. */
const tryEveryMs = 100
export const triesPerTurn = 5

export class Miner {
  readonly #tree: HeaderTree
  readonly #onFound: (header: Header) => void
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(tree: HeaderTree, onFound: (header: Header) => void) {
    this.#tree = tree
    this.#onFound = onFound
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      const found = searchWork(draft(this.#tree, Math.floor(Date.now() / 1_000)), triesPerTurn)
      if (found !== undefined) this.#onFound(found)
    }, tryEveryMs)
  }

  /** Until it is found; the more difficult, the longer nothing else runs. */
  make(): Header {
    for (;;) {
      const found = searchWork(draft(this.#tree, Math.floor(Date.now() / 1_000)), 2 ** 32)
      if (found !== undefined) return found
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** A header after the head, about something new, still without work. */
export function draft(tree: HeaderTree, nowS: number): Header {
  const { head } = tree
  return {
    height: head.header.height + 1,
    previous: head.hash,
    time: Math.max(nowS, head.header.time),
    payloadRoot: readHash(randomBytes(32), 0),
    difficulty: tree.difficultyAfter(head),
    nonce: 0
  }
}
