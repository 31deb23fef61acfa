/**
 * May a handshake begin that somebody else asks for, and which other one makes room for it? Pure. No place is taken without a
 * proved id, so trust is asked first; strangers share what there is by address group (`shares.ts`).
 */
import type { PoolView } from '../tables/pool-view.ts'
import type { Attempt, HandshakePlace } from '../values/attempt.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import { checkPeer, isShutOut } from './admission.ts'
import { chooseRival, groupOfPeer, type Holder, shareOf } from './shares.ts'

/** What `checkIncoming` allows, and at whose cost. */
export interface Entry {
  readonly kind: 'enter'
  readonly place: HandshakePlace
  /** Another handshake that makes room, with nobody to blame. */
  readonly displaces: Attempt | undefined
}

/** An honest peer says its next word within a round trip. After so long without one, ms, a handshake makes room for another. */
const patienceMs = 1_000

/**
 * Step 1, incoming: the link has proved who is there, nothing was said yet. A trusted peer gets in, however many others are there. Strangers
 * share `maxIncoming` places; when all are taken, one of the address group that takes or has lately wasted most of them
 * makes room, else the one that has been silent for longest.
 */
export function checkIncoming(
  view: PoolView,
  { peerId, host, now }: { peerId: PeerId; host: Host | undefined; now: number }
): Rejection | Entry {
  if (peerId === view.peerId) return { kind: 'myself' }
  const barred = checkPeer(view, peerId, host)
  if (barred !== undefined) return barred
  if (isShutOut(view, peerId, { host, direction: 'incoming' })) return { kind: 'private-mode' }
  const isReserved = view.access.isTrusted(peerId, undefined)
  const { wider, group } = shareOf({ host, peerId })
  // A peer that was here before does not pay for what others do at its address.
  const place = { group: view.access.passesGreylist(peerId) ? groupOfPeer(peerId) : group, wider, isReserved }
  const enter = (displaces: Attempt | undefined): Entry => ({ kind: 'enter', place, displaces })
  const handshakes = handshakesOf(view)
  const own = handshakes.filter((one) => one.group === place.group)
  const { maxIncoming, maxIncomingPerHost } = view.config
  if (own.length >= maxIncomingPerHost) {
    const oldest = longestSilent(own, isReserved ? now : now - patienceMs)
    return oldest === undefined ? { kind: 'too-many-handshakes' } : enter(oldest.attempt)
  }
  const strangers = handshakes.filter(({ attempt }) => attempt.place?.isReserved === false)
  if (isReserved || strangers.length < maxIncoming) return enter(undefined)
  const rival = chooseRival(strangers, place, (other) => view.silencesOf(other)) ?? longestSilent(strangers, now - patienceMs)
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
