/**
 * What a pool needs only once it is connected (`late.ts`): loaded beside its start, so that a page is connected sooner. Made by
 * `peer-pool.ts`.
 */
import type { FlowContext } from '../flows/context.ts'
import { PoolError } from '../values/reason.ts'
import { within } from '../waits.ts'

type Late = typeof import('./late.ts')

/** A page that cannot load them by then does not start, ms. */
const loadDeadlineMs = 30_000

export class LateParts<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #adopt: (late: Late) => void
  #loaded: Late | undefined

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>, adopt: (late: Late) => void) {
    this.#context = context
    this.#adopt = adopt
  }

  /** Resolves when they are loaded and adopted. May be called again. Rejects with `PoolError` `not-started` if they cannot be loaded. */
  async load(): Promise<void> {
    if (this.#loaded !== undefined) return
    const late = new PoolError('not-started', `start: a part of the pool was not loaded within ${loadDeadlineMs} ms`)
    const loading = import('./late.ts').catch((cause: unknown) => {
      throw new PoolError('not-started', 'start: a part of the pool could not be loaded', { cause })
    })
    const loaded = await within(loading, { clock: this.#context.clock, ms: loadDeadlineMs, late })
    if (this.#loaded !== undefined) return
    this.#adopt(loaded)
    this.#loaded = loaded
  }

  /** Throws `PoolError` `not-started` while they are not there. */
  for(verb: string): Late {
    if (this.#loaded === undefined) throw new PoolError('not-started', `${verb}: the pool has not started yet`)
    return this.#loaded
  }
}
