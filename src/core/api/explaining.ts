/**
 * `pool.explain` and `pool.explainBand`, loaded beside the start of the pool: a page is connected sooner without them. Made by
 * `peer-pool.ts`; the answers are in `explanations.ts`.
 */
import type { BandExplanation, Circumstances, Explanation } from '../decisions/explain.ts'
import type { FlowContext } from '../flows/context.ts'
import type { Exchange } from '../flows/exchange.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { PoolError } from '../values/reason.ts'

/** The pool starts without them rather than wait longer, ms. */
const loadDeadlineMs = 2_000

export class Explaining<Msg, PeerMeta, ConnMeta> {
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #exchange: Exchange<Msg, PeerMeta, ConnMeta>
  #loaded: typeof import('./explanations.ts') | undefined

  constructor(context: FlowContext<Msg, PeerMeta, ConnMeta>, exchange: Exchange<Msg, PeerMeta, ConnMeta>) {
    this.#context = context
    this.#exchange = exchange
  }

  /** Resolves when they are loaded, could not be, or after two seconds. May be repeated. Never rejects. */
  load(): Promise<void> {
    const { clock, log } = this.#context
    return new Promise((resolve) => {
      const cancel = clock.schedule(loadDeadlineMs, resolve)
      import('./explanations.ts')
        .then((loaded) => {
          this.#loaded = loaded
        })
        .catch((error: unknown) => log.error('the code of explain could not be loaded', error))
        .finally(() => {
          cancel()
          resolve()
        })
    })
  }

  /** Of a point or a peer id. Throws `PoolError` `not-started` before the first start. */
  point(what: Point | PeerId, circumstances: Circumstances): Explanation {
    return this.#there('explain').explain(this.#context, what, { circumstances, exchange: this.#exchange })
  }

  /** Throws `PoolError` `not-started` before the first start. */
  band(circumstances: Circumstances): BandExplanation {
    return this.#there('explainBand').explainBand(this.#context.state, circumstances)
  }

  #there(verb: string): typeof import('./explanations.ts') {
    if (this.#loaded === undefined) throw new PoolError('not-started', `${verb}: the pool has not started yet`)
    return this.#loaded
  }
}
