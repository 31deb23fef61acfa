/** So many now, so many per second later: what one peer may ask or tell us. Computed when asked; nothing ticks. */
import type { Clock } from '../values/ports.ts'

export interface BucketSize {
  readonly capacity: number
  readonly perSecond: number
}

export class TokenBucket {
  readonly #clock: Clock
  readonly #size: BucketSize
  #tokens: number
  #at: number

  constructor(clock: Clock, size: BucketSize) {
    this.#clock = clock
    this.#size = size
    this.#tokens = size.capacity
    this.#at = clock.now()
  }

  /** How many there are now. */
  get left(): number {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#size.capacity, this.#tokens + ((now - this.#at) / 1_000) * this.#size.perSecond)
    this.#at = now
    return Math.floor(this.#tokens)
  }

  /** Takes up to `wanted`; returns how many there were. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.left)
    this.#tokens -= taken
    return taken
  }

  /** We asked for them: so many more may come, up to the capacity. */
  grant(tokens: number): void {
    this.#tokens = Math.min(this.#size.capacity, this.#tokens + tokens)
  }
}

/** One bucket for each of several things that a peer may send. */
export class Buckets<Rate extends string> {
  readonly #clock: Clock
  readonly #sizes: Readonly<Record<Rate, BucketSize>>
  readonly #factor: number
  /** Made on demand: most peers send two kinds. */
  readonly #buckets: Partial<Record<Rate, TokenBucket>> = {}

  /** `factor`: so many times as much of everything. */
  constructor(clock: Clock, sizes: Readonly<Record<Rate, BucketSize>>, factor = 1) {
    this.#clock = clock
    this.#sizes = sizes
    this.#factor = factor
  }

  of(rate: Rate): TokenBucket {
    const { capacity, perSecond } = this.#sizes[rate]
    this.#buckets[rate] ??= new TokenBucket(this.#clock, { capacity: capacity * this.#factor, perSecond: perSecond * this.#factor })
    return this.#buckets[rate]
  }
}
