/** Every scenario that `npm run sim` knows. A new one is one file here and one line below. */
import type { Scenario } from '../scenario.ts'
import { bootstrap } from './bootstrap.ts'
import { churn } from './churn.ts'
import { faults } from './faults.ts'
import { advertise, sources } from './flood.ts'
import { halfDie } from './half-die.ts'
import { hostileIntroducers } from './hostile-introducers.ts'
import { hungry } from './hungry.ts'
import { introductionsCost } from './introductions-cost.ts'
import { pageWakes } from './page-wakes.ts'
import { playground } from './playground.ts'
import { serversReturn } from './servers-return.ts'
import { speed } from './speed.ts'
import { swappers } from './swappers.ts'
import { withoutServers, withoutServersSmall } from './without-servers.ts'

export const scenarios: readonly Scenario[] = [
  bootstrap,
  churn,
  halfDie,
  advertise,
  sources,
  hungry,
  swappers,
  faults,
  speed,
  playground,
  withoutServers,
  withoutServersSmall,
  serversReturn,
  pageWakes,
  introductionsCost,
  ...hostileIntroducers
]
