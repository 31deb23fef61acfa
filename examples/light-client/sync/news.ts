/** What happened, for people and logs: a bounded list that the client writes and the page shows. */
import type { Reorganisation } from '../chain/header-tree.ts'
import type { Lie } from './lie.ts'

/** The oldest goes first. */
const maxNews = 100

export type Happening<Id extends string> =
  | { readonly kind: 'lie'; readonly lie: Lie }
  /** Another peer took over what the peer did not do. */
  | { readonly kind: 'switched'; readonly to: Id; readonly why: 'slow' | 'late' | 'left' }
  /** The peer showed a branch with more work. */
  | { readonly kind: 'reorganised'; readonly reorganisation: Reorganisation }
  | { readonly kind: 'useless'; readonly reason: string }

export interface News<Id extends string> {
  /** Counts from 1. */
  readonly number: number
  /** Wall clock, ms since 1970. */
  readonly at: number
  readonly peerId: Id
  readonly what: Happening<Id>
}

export class NewsList<Id extends string> {
  readonly #list: News<Id>[] = []
  #count = 0

  /** The newest last. */
  get list(): readonly News<Id>[] {
    return this.#list
  }

  tell(peerId: Id, at: number, what: Happening<Id>): void {
    this.#list.push({ number: ++this.#count, at, peerId, what })
    if (this.#list.length > maxNews) this.#list.shift()
  }
}
