/** What decides where the dials of a node may lead, by the pool's service: `service.ts` writes it, `node/checked-dials.ts` asks. */
import type { PoolState } from '../core/tables/pool-state.ts'
import type { DialRule } from './dial-rule.ts'

export interface DialPolicy {
  readonly rule: DialRule
  /** Of the pool; none before libp2p has made it. */
  state(): PoolState<unknown> | undefined
}

/** Not a property of the service: nobody outside is to hold a pool's state. */
export const dialPolicies = new WeakMap<object, DialPolicy>()
