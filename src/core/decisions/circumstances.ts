/** What explanations need beside the pool's state: how maintenance would plan, and what only the running pool knows. */
import type { Block } from '../tables/pool-view.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Transport } from '../values/ports.ts'
import type { PoolStatus } from '../values/snapshot.ts'
import type { PlanOptions } from './plan.ts'

/** When maintenance acts by itself; monotonic instants. */
export interface MaintenanceStatus {
  /** Does it run? */
  readonly keepsBand: boolean
  /** Its next look; none: only when something happens. */
  readonly lookAt: number | undefined
  /** It asks its peers for points not before. */
  readonly searchAt: number
  /** It swaps a peer, or meets an unknown one, not before; infinite: never. */
  readonly mixAt: number
}

export interface Circumstances extends PlanOptions, MaintenanceStatus {
  readonly status: PoolStatus
  /** What this peer dials. */
  readonly transports: readonly Transport[]
  /** Are so many points of its address group known that a stranger's word adds no more? */
  readonly isGroupFull: (point: Point) => boolean
  /** Connected peers that may be asked for points. */
  readonly peersToAsk: number
  /** Why a peer or a host is kept out, and for how long; none: it is not, or nobody knows. */
  readonly barOf: (whom: { readonly peerId?: PeerId; readonly host?: Host | undefined }) => BarInfo | undefined
  /** The last connection that the peer asked for, if it was refused. */
  readonly refusalOf: (peerId: PeerId) => Refusal | undefined
}

export interface BarInfo {
  readonly kind: Block
  /** None: until it is lifted. Of a greylisting: at the latest then. */
  readonly endsInMs: number | undefined
}

export interface Refusal {
  readonly agoMs: number
  /** Why, in words. */
  readonly why: string
}

/** `2 dials`. */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

export function seconds(ms: number): string {
  return `${Math.max(0, Math.ceil(ms / 1_000))} s`
}

/** `now`, or `in 5 s`. */
export function soon(ms: number): string {
  return ms <= 0 ? 'now' : `in ${seconds(ms)}`
}
