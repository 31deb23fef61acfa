/**
 * What a pool needs only once it is connected (`late.ts`): loaded beside its start, so that a page is connected sooner. Made by
 * `peer-pool.ts`.
 */
import type { FlowContext } from '../flows/context.ts'
import { PoolError } from '../values/reason.ts'

type Late = typeof import('./late.ts')

/** The pool starts without them rather than wait longer, ms. */
const loadDeadlineMs = 2_000

export class LateParts<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #adopt: (late: Late) => void
  #loaded: Late | undefined

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>, adopt: (late: Late) => void) {
    this.#context = context
    this.#adopt = adopt
  }

  /** Resolves when they are loaded and adopted, could not be loaded, or after two seconds. May be repeated. Never rejects. */
  load(): Promise<void> {
    const { clock, log } = this.#context
    if (this.#loaded !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = clock.schedule(loadDeadlineMs, resolve)
      import('./late.ts')
        .then((late) => {
          if (this.#loaded === undefined) this.#adopt(late)
          this.#loaded = late
        })
        .catch((error: unknown) =>
          log.error('a part of the pool could not be loaded: it saves nothing, exchanges no points and checks no liveness', error)
        )
        .finally(() => {
          cancel()
          resolve()
        })
    })
  }

  /** Throws `PoolError` `not-started` while they are not there. */
  for(verb: string): Late {
    if (this.#loaded === undefined) throw new PoolError('not-started', `${verb}: the pool has not started yet`)
    return this.#loaded
  }
}
