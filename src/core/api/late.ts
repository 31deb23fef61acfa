/**
 * What `lifecycle.ts` loads beside the start of a node, put together: handshakes, all that works with running connections, and what is said
 * to people. A pool has it from its first start on. The first dial does not wait for it: nothing in here decides which peer to dial or to
 * keep out.
 */

import { findSlot } from '../decisions/admission-hello.ts'
import type { Connector } from '../flows/connect.ts'
import type { FlowContext } from '../flows/context.ts'
import { Exchange } from '../flows/exchange.ts'
import { expelKeptOut } from '../flows/expulsion.ts'
import { Handshakes } from '../flows/handshake.ts'
import { Liveness } from '../flows/liveness.ts'
import type { Maintenance } from '../flows/maintenance.ts'
import { Mixing } from '../flows/mixing.ts'
import { TokenBucket } from '../flows/token-bucket.ts'
import type { PoolSnapshot } from '../values/snapshot.ts'
import { Explanations } from './explanations.ts'
import { Descriptions, type SnapshotFrame, takeSnapshot, withCounters } from './snapshot.ts'

export interface LatePoolParts {
  readonly connector: Connector
  readonly maintenance: Maintenance
}

export class LatePool {
  readonly exchange: Exchange
  readonly handshakes: Handshakes
  readonly explanations: Explanations
  readonly descriptions: Descriptions
  readonly #context: FlowContext
  /** As of the last change. */
  #unchanged: PoolSnapshot | undefined
  /** The same with the counters of the last look. */
  #snapshot: PoolSnapshot | undefined

  constructor(context: FlowContext, { connector, maintenance }: LatePoolParts) {
    this.#context = context
    expelKeptOut(context)
    const mixing = new Mixing(context, (point, expectedPeerId) => connector.dial(point, expectedPeerId))
    this.exchange = new Exchange(context, mixing)
    this.handshakes = new Handshakes(context, this.exchange)
    maintenance.adopt({ exchange: this.exchange, mixing, liveness: new Liveness(context) })
    this.descriptions = new Descriptions(context)
    this.explanations = new Explanations(context, { exchange: this.exchange, maintenance })
    if (context.config.introductions)
      import('../flows/introductions.ts')
        .then(({ Introducing }) => new Introducing(context, this.exchange, { TokenBucket, findSlot }))
        .catch((error: unknown) => context.log.error('introductions', error))
  }

  /** The last one again while its version is the same. */
  unchanged(frame: SnapshotFrame): PoolSnapshot {
    if (this.#unchanged?.version !== frame.version) this.#unchanged = this.#snapshot = takeSnapshot(this.#context, frame)
    return this.#unchanged
  }

  /** The last one again, but for counters, while its version is the same. */
  snapshot(frame: SnapshotFrame): PoolSnapshot {
    const unchanged = this.unchanged(frame)
    this.#snapshot = withCounters(this.#context, this.#snapshot ?? unchanged)
    return this.#snapshot
  }
}
