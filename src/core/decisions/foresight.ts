/**
 * What explanations are made of: the facts that only the running pool knows, and what maintenance does if nothing else happens. Pure: it
 * asks `plan.ts` for now and for each instant at which maintenance would look again, so what is said is what will be done.
 */
import type { PointInfo } from '../tables/point.ts'
import type { Block, PoolView } from '../tables/pool-view.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { Transport } from '../values/ports.ts'
import type { PoolStatus } from '../values/snapshot.ts'
import { type DialChoice, type MaintenancePlan, type PlanOptions, planMaintenance } from './plan.ts'

/** When maintenance acts by itself; monotonic instants. */
export interface MaintenanceStatus {
  /** Does it run? */
  readonly keepsBand: boolean
  /** Its next look; none: only when something happens. */
  readonly lookAt: number | undefined
  /** It asks its peers for points not before. */
  readonly searchAt: number
  /** It swaps a peer, or connects to an unknown one, not before; infinite: never. */
  readonly mixAt: number
}

export interface Circumstances extends PlanOptions, MaintenanceStatus {
  readonly status: PoolStatus
  /** What this peer dials. */
  readonly transports: readonly Transport[]
  /** Connected peers that may be asked for points. */
  readonly peersToAsk: number
  /** Why a peer or a host is kept out; none: it is not, or nobody knows. No `endsInMs`: until it is lifted. Of a greylisting: at the latest then. */
  readonly blockOf: (concerned: {
    readonly peerId?: PeerId
    readonly host?: Host | undefined
  }) => { readonly kind: Block; readonly endsInMs: number | undefined } | undefined
  /** The last connection that the peer asked for, if it was refused, and why, in words. */
  readonly refusalOf: (peerId: PeerId) => { readonly agoMs: number; readonly why: string } | undefined
}

export interface Foresight {
  /** What maintenance would do now. */
  readonly plan: MaintenancePlan
  /** The next dials or closings, ms from now; 0: at the look that is due. None: nothing comes of the next looks. */
  readonly next: { readonly inMs: number; readonly plan: MaintenancePlan } | undefined
}

/** Each of the waits that a plan knows of comes before the next act at most once or twice. */
const maxLooks = 8

export function foresee(view: PoolView, circumstances: Circumstances): Foresight {
  const { now } = circumstances
  const first = planMaintenance(view, circumstances)
  let plan = first
  let dueAt = now
  for (let looks = 1; plan.dial.length + plan.prune.length === 0; looks++) {
    if (plan.againAt === undefined || looks === maxLooks) return { plan: first, next: undefined }
    // As maintenance sets its timer: an instant up to which something waits is part of the wait.
    dueAt = Math.max(plan.againAt, looks === 1 ? now : dueAt + 1)
    plan = planMaintenance(view, { ...circumstances, now: dueAt + 1 })
  }
  return { plan: first, next: { inMs: Math.ceil(dueAt - now), plan } }
}

/** Where the plan chooses from, if the point is among them and some are dialed. */
export function choiceWith({ choices }: MaintenancePlan, info: PointInfo): DialChoice | undefined {
  return choices.find(({ among, count }) => count > 0 && among.includes(info))
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
