/**
 * What maintenance does next if nothing else happens. Pure: it asks `plan.ts` for now and for each instant at which maintenance would look
 * again, so what is told to people is what will be done.
 */
import type { PointInfo } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { Circumstances } from './circumstances.ts'
import { type DialChoice, type MaintenancePlan, planMaintenance } from './plan.ts'

export interface Outlook {
  /** From now on; 0: at the look that is due. */
  readonly inMs: number
  /** It dials or closes something. */
  readonly plan: MaintenancePlan
}

/** Each of the waits that a plan knows of comes before the next act at most once or twice. */
const maxLooks = 8

/** The next dials or closings; none: nothing is waited for, or nothing comes of the next looks. */
export function outlookOf(view: PoolView, circumstances: Circumstances): Outlook | undefined {
  let dueAt = circumstances.now
  let at = dueAt
  for (let looks = 0; looks < maxLooks; looks++) {
    const plan = planMaintenance(view, { ...circumstances, now: at })
    if (plan.dial.length > 0 || plan.leave.length > 0) return { inMs: Math.ceil(dueAt - circumstances.now), plan }
    if (plan.againAt === undefined) return undefined
    // As maintenance sets its timer: an instant up to which something waits is part of the wait.
    dueAt = Math.max(plan.againAt, at)
    at = dueAt + 1
  }
  return undefined
}

/** Where the plan chooses from, if the point is among them and some are dialed. */
export function choiceWith({ choices }: MaintenancePlan, info: PointInfo): DialChoice | undefined {
  return choices.find(({ among, count }) => count > 0 && among.includes(info))
}
