/**
 * What the tables of points and of peers have in common: a bound, and which entries go when it is reached.
 *
 * Collection happens before an insertion that finds `max` entries, down to `target`, by one scan and sort: so it is paid for by many
 * insertions. Those where nobody was ever connected go first. The others keep half of the table against newcomers: beyond it one goes
 * per newcomer. Trusted and busy ones never go, so if nothing can go an untrusted newcomer is refused.
 */

import type { PeerId, Point } from '../values/ids.ts'
import type { TableSize } from '../values/settings.ts'

/** Those that may go, the first to go first. */
export interface Victims<Entry> {
  /** Nobody was ever connected there. */
  readonly untried: readonly Entry[]
  readonly tried: readonly Entry[]
}

export abstract class BoundedTable<
  Key,
  Entry extends {
    readonly trusted: boolean
    readonly lastEstablished: object | undefined
    readonly state: { readonly kind: string }
    asOperator(): { trusted: boolean }
  }
> {
  /** Null: no bound, no collection. */
  readonly bounds: TableSize | null
  /** Grows by the operator's word alone. */
  readonly trusted = new Set<Entry>()
  readonly #entries = new Map<Key, Entry>()
  #collected = 0

  constructor(bounds: TableSize | null) {
    this.bounds = bounds
  }

  get size(): number {
    return this.#entries.size
  }

  /** Entries removed to make room since the table was made; the owner reports the difference as `points-collected` or `peers-collected`. */
  get collected(): number {
    return this.#collected
  }

  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  /** Of nothing there is none. */
  get(key: Key | undefined): Entry | undefined {
    return this.#entries.get(key as Key)
  }

  /** All of them, in order of insertion. Entries removed meanwhile are left out, added ones come at the end. */
  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values()
  }

  /** Forgets the entry, whatever its state; false if it is not known. */
  remove(key: Key): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#entries.delete(key)
    this.trusted.delete(entry)
    this.removed?.(entry)
    return true
  }

  /** Is it full for newcomers that nobody trusts? */
  get isFull(): boolean {
    return this.bounds !== null && this.size >= this.bounds.max
  }

  add(entry: Entry): void {
    this.#entries.set(this.keyOf(entry), entry)
    if (entry.trusted) this.trusted.add(entry)
  }

  protected collect(entries: readonly Entry[]): void {
    for (const entry of entries) if (this.remove(this.keyOf(entry))) this.#collected++
  }

  /** Collects if the table is full; is there a place now? For the operator's newcomers as many tried ones go as are needed. */
  protected makeRoom({ byOperator = false }: { byOperator?: boolean } = {}): boolean {
    if (this.bounds === null || !this.isFull) return true
    const { max, target } = this.bounds
    const goal = Math.min(target, max - 1)
    const { untried, tried } = this.victims()
    this.collect(untried.slice(0, this.size - goal))
    if (byOperator) this.collect(tried.slice(0, Math.max(0, this.size - goal)))
    else if (this.isFull && [...this].filter(isTried).length > Math.floor(max / 2)) this.collect(tried.slice(0, 1))
    return !this.isFull
  }

  /** One that is no longer trusted may have to go at once, when the table was above its `max` for trusted ones' sake. */
  setTrusted(entry: Entry, trusted: boolean): void {
    if (entry.trusted === trusted || this.get(this.keyOf(entry)) !== entry) return
    entry.asOperator().trusted = trusted
    if (trusted) this.trusted.add(entry)
    else if (this.trusted.delete(entry) && this.bounds !== null && this.size > this.bounds.max + this.trusted.size) {
      const { untried, tried } = this.victims()
      this.collect([...untried, ...tried].slice(0, 1))
    }
  }

  protected abstract keyOf(entry: Entry): Key
  protected abstract victims(): Victims<Entry>
  /** Called after an entry has gone. */
  protected removed?(entry: Entry): void
}

/** May it be collected at all? */
export function isCollectable({ trusted, state }: { readonly trusted: boolean; readonly state: { readonly kind: string } }): boolean {
  return !trusted && state.kind === 'disconnected'
}

/** Was anybody ever connected there as a member of our network? */
export function isTried({ lastEstablished }: { readonly lastEstablished: object | undefined }): boolean {
  return lastEstablished !== undefined
}

/** A transition that the owner should never have asked for: a bug of ours, so it is loud. */
export function illegal(name: Point | PeerId, { kind }: { readonly kind: string }, to: string): never {
  throw new Error(`illegal transition: ${name} from ${kind} to ${to}`)
}
