/** What `late-parts.ts` loads beside the start of a pool. */

export { explainBand } from '../decisions/explain.ts'
export { Connection } from '../flows/connection.ts'
export { Exchange } from '../flows/exchange.ts'
export { Mixing } from '../flows/mixing.ts'
export { Persistence } from '../flows/persistence.ts'
export { Probing } from '../flows/probing.ts'
export { Swaps } from '../flows/swap.ts'
export { Turns } from '../flows/turns.ts'
export { AddressGreylist } from '../tables/greylist.ts'
export { explain } from './explanations.ts'
export { takeSnapshot, withCounters } from './snapshot.ts'
