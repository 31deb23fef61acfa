/** `pool.gate`: the checks of admission as an adapter asks them before the pool knows of a connection. Made by `peer-pool.ts`. */
import { checkPeer, isBlockedAt, isShutOut } from '../decisions/admission.ts'
import type { PoolState } from '../tables/pool-state.ts'
import type { Gate } from '../values/ports.ts'

/** Each answer is of the moment in which it is asked for. */
export function gateOf<Conn>(state: PoolState<Conn>): Gate {
  return {
    deniesIncoming: (host) => state.access.hostBlock(host, true) !== undefined,
    deniesDial: (point, expectedPeerId) => isBlockedAt(state, point, { expectedPeerId }),
    deniesPeer: (peerId, host, direction) =>
      checkPeer(state, peerId, host) !== undefined || (direction !== undefined && isShutOut(state, peerId, { host, direction })),
    isUnknown: (peerId) => !state.access.passesGreylist(peerId),
    isTrusted: (peerId) => state.access.isTrusted(peerId, undefined)
  }
}
