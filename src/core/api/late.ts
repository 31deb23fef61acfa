/**
 * What `lifecycle.ts` loads beside the start of a node, put together: all that works with running connections or looks for them, and
 * what is said to people. A pool has it from its first start on.
 */

import { Connector } from '../flows/connect.ts'
import type { FlowContext } from '../flows/context.ts'
import { Exchange } from '../flows/exchange.ts'
import { expelKeptOut } from '../flows/expulsion.ts'
import { Liveness } from '../flows/liveness.ts'
import { Maintenance } from '../flows/maintenance.ts'
import { Mixing } from '../flows/mixing.ts'
import { Persistence } from '../flows/persistence.ts'
import { AddressGreylist } from '../tables/greylist.ts'
import type { PoolSnapshot } from '../values/snapshot.ts'
import { Explanations } from './explanations.ts'
import { type SnapshotFrame, takeSnapshot, withCounters } from './snapshot.ts'

export class LatePool {
  readonly connector: Connector
  readonly exchange: Exchange
  readonly maintenance: Maintenance
  readonly persistence: Persistence
  readonly explanations: Explanations
  readonly #context: FlowContext
  #snapshot: PoolSnapshot | undefined

  /** `key`: secret, of the greylist of hosts. `shown`: called when what the storage does has changed. */
  constructor(context: FlowContext, { key, shown }: { key: Uint8Array; shown: () => void }) {
    this.#context = context
    const { state, config } = context
    state.access.adopt(new AddressGreylist({ sizeKiB: config.ipGreylistSizeKiB, key }))
    expelKeptOut(context)
    const mixing = new Mixing(context, (point, expectedPeerId) => this.connector.dial(point, expectedPeerId))
    this.exchange = new Exchange(context, mixing)
    this.connector = new Connector(context, this.exchange)
    this.maintenance = new Maintenance(context, {
      connector: this.connector,
      exchange: this.exchange,
      mixing,
      liveness: new Liveness(context)
    })
    this.persistence = new Persistence(context, { shown })
    this.explanations = new Explanations(context, { exchange: this.exchange, maintenance: this.maintenance })
  }

  /** The last one again, but for counters, while its version is the same. */
  snapshot(frame: Omit<SnapshotFrame, 'storage'>): PoolSnapshot {
    this.#snapshot =
      this.#snapshot?.version === frame.version
        ? withCounters(this.#context, this.#snapshot)
        : takeSnapshot(this.#context, { ...frame, storage: this.persistence.status })
    return this.#snapshot
  }
}
