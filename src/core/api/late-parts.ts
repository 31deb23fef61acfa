/**
 * What a pool needs only once it starts (`late.ts`): loaded beside the start of its node, so that a page is connected sooner. Made by
 * `peer-pool.ts`.
 */
import { within } from '../flows/waits.ts'
import type { Clock } from '../values/ports.ts'
import { PoolError } from '../values/reason.ts'

type Late = typeof import('./late.ts')

/** A page that cannot load them by then does not start, ms. */
const loadDeadlineMs = 30_000

export class LateParts<Parts> {
  readonly #clock: Clock
  readonly #make: (late: Late) => Parts
  /** None: not there yet. */
  loaded: Parts | undefined

  constructor(clock: Clock, make: (late: Late) => Parts) {
    this.#clock = clock
    this.#make = make
  }

  /** Resolves when they are loaded and made. May be called again. Rejects with `PoolError` `not-started` if they cannot be loaded. */
  async load(): Promise<void> {
    if (this.loaded !== undefined) return
    const late = new PoolError('not-started', `start: a part of the pool was not loaded within ${loadDeadlineMs} ms`)
    const loading = import('./late.ts').catch((cause: unknown) => {
      throw new PoolError('not-started', 'start: a part of the pool could not be loaded', { cause })
    })
    const loaded = await within(loading, { clock: this.#clock, ms: loadDeadlineMs, late })
    this.loaded ??= this.#make(loaded)
  }

  /** Throws `PoolError` `not-started` while they are not there. */
  for(verb: string): Parts {
    if (this.loaded === undefined) throw new PoolError('not-started', `${verb}: the pool has not started yet`)
    return this.loaded
  }
}
