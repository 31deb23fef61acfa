/**
 * May an incoming handshake begin, and which other one makes room for it? Pure. It takes a place only with a proved id, so trust is asked
 * first; untrusted peers share the rest by address group (`group-shares.ts`).
 */
import type { PoolView } from '../tables/pool-view.ts'
import type { Attempt, HandshakePlace } from '../values/attempt.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import { checkPeer, isShutOut } from './admission.ts'
import { chooseRival, groupOfPeer, type Holder, shareOf } from './group-shares.ts'

/** What `checkIncoming` allows, and at whose cost. */
export interface Entry {
  readonly kind: 'enter'
  readonly place: HandshakePlace
  /** Another handshake that makes room; no fault of its peer. */
  readonly displaces: Attempt | undefined
}

/** An honest peer answers within a round trip. After so long without an answer, ms, a handshake makes room for another. */
const patienceMs = 1_000

/**
 * Step 1, incoming: the link has proved who is there, nothing was sent yet. A trusted peer gets in, however many others are there. Others
 * share `maxIncoming` places; when all are taken, one of the address group that takes or has recently wasted most of them
 * makes room, else the one that has been silent for longest.
 */
export function checkIncoming(
  view: PoolView,
  { peerId, host, now }: { peerId: PeerId; host: Host | undefined; now: number }
): Rejection | Entry {
  if (peerId === view.peerId) return { kind: 'myself' }
  const refusal = checkPeer(view, peerId, host)
  if (refusal !== undefined) return refusal
  if (isShutOut(view, peerId, { host, direction: 'incoming' })) return { kind: 'private-mode' }
  const isReserved = view.access.isTrusted(peerId, undefined)
  const { wider, group } = shareOf({ host, peerId })
  // A peer that was connected before is not counted with others at its address.
  const place = { group: view.access.passesGreylist(peerId) ? groupOfPeer(peerId) : group, wider, isReserved }
  const enter = (displaces: Attempt | undefined): Entry => ({ kind: 'enter', place, displaces })
  const handshakes = handshakesOf(view)
  const own = handshakes.filter((one) => one.group === place.group)
  const { maxIncoming, maxIncomingPerHost } = view.config
  if (own.length >= maxIncomingPerHost) {
    const oldest = longestSilent(own, isReserved ? now : now - patienceMs)
    return oldest === undefined ? { kind: 'too-many-handshakes' } : enter(oldest.attempt)
  }
  const untrusted = handshakes.filter(({ attempt }) => attempt.place?.isReserved === false)
  if (isReserved || untrusted.length < maxIncoming) return enter(undefined)
  const rival = chooseRival(untrusted, place, (other) => view.silencesOf(other)) ?? longestSilent(untrusted, now - patienceMs)
  return rival === undefined ? { kind: 'too-many-handshakes' } : enter(rival.attempt)
}

interface Handshake extends Holder {
  readonly attempt: Attempt
}

function handshakesOf(view: PoolView): Handshake[] {
  return [...view.attempts()].flatMap((attempt) =>
    attempt.place === undefined
      ? []
      : [{ attempt, startedAt: attempt.startedAt, mayGo: true, group: attempt.place.group, wider: attempt.place.wider }]
  )
}

/** Of those that have waited since `silentSince` or longer. */
function longestSilent(handshakes: readonly Handshake[], silentSince: number): Handshake | undefined {
  const [oldest] = handshakes
    .filter(({ attempt }) => attempt.waitsSince <= silentSince)
    .toSorted((a, b) => a.attempt.waitsSince - b.attempt.waitsSince)
  return oldest
}
