/**
 * What `lifecycle.ts` loads beside the start of a node, put together: all that works with running connections or looks for them, and
 * what is said to people. A pool has it from its first start on.
 */

import type { Connector } from '../flows/connect.ts'
import { Connection } from '../flows/connection.ts'
import type { FlowContext } from '../flows/context.ts'
import { Exchange } from '../flows/exchange.ts'
import { Expulsion } from '../flows/expulsion.ts'
import { Maintenance } from '../flows/maintenance.ts'
import { Mixing } from '../flows/mixing.ts'
import { Persistence } from '../flows/persistence.ts'
import { Probing } from '../flows/probing.ts'
import { Swaps } from '../flows/swap.ts'
import { Turns } from '../flows/turns.ts'
import { AddressGreylist } from '../tables/greylist.ts'
import type { PoolEventName } from '../values/events.ts'
import type { PoolSnapshot } from '../values/snapshot.ts'
import { Explanations } from './explanations.ts'
import { type SnapshotFrame, takeSnapshot, withCounters } from './snapshot.ts'

export class LatePool<Msg, PeerMeta, ConnMeta> {
  readonly exchange: Exchange<Msg, PeerMeta, ConnMeta>
  readonly maintenance: Maintenance<Msg, PeerMeta, ConnMeta>
  readonly persistence: Persistence<Msg, PeerMeta, ConnMeta>
  readonly explanations: Explanations<Msg, PeerMeta, ConnMeta>
  readonly #context: FlowContext<Msg, PeerMeta, ConnMeta>
  readonly #expulsion: Expulsion<Msg, PeerMeta, ConnMeta>
  #snapshot: PoolSnapshot | undefined

  /** `key`: secret, of the greylist of hosts. `shown`: called when what the storage does has changed. */
  constructor(
    context: FlowContext<Msg, PeerMeta, ConnMeta>,
    { connector, key, shown }: { connector: Connector<Msg, PeerMeta, ConnMeta>; key: Uint8Array; shown: () => void }
  ) {
    this.#context = context
    const { state, config } = context
    connector.adopt({ Connection, Turns })
    state.access.adopt(new AddressGreylist({ sizeKiB: config.ipGreylistSizeKiB, key }))
    this.#expulsion = new Expulsion(context)
    const swaps = new Swaps(context, (point, expectedPeerId) => connector.dial(point, expectedPeerId))
    this.exchange = new Exchange(context, swaps)
    this.maintenance = new Maintenance(context, {
      connector,
      exchange: this.exchange,
      mixing: new Mixing(context, swaps),
      probing: new Probing(context)
    })
    this.persistence = new Persistence(context, { shown })
    this.explanations = new Explanations(context, {
      exchange: this.exchange,
      maintenance: this.maintenance
    })
  }

  told(type: PoolEventName): void {
    this.maintenance.told(type)
    this.#expulsion.told(type)
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
