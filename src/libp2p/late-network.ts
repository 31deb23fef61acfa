/** What `load-late.ts` loads beside the start of the network. */

export { otherUseOf, watchUse } from './connection-use.ts'
export { dialErrorOf } from './dial-error.ts'
export { StreamLink } from './link.ts'
export { probe } from './probe.ts'
export { endOlder } from './restarted.ts'
