/** What `load-late.ts` loads beside the start of the network. */

export { endOlder, otherUseOf, watchUse } from './connection-use.ts'
export { dialErrorOf } from './dial-error.ts'
export { StreamLink } from './link.ts'
export { probe } from './probe.ts'
