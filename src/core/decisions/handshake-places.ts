/**
 * May an incoming handshake begin, and which other one makes room for it? Pure. It takes a place only with a proved id, so trust is asked
 * first; untrusted peers share the rest by address group (`rivals.ts`).
 */
import type { PoolView } from '../tables/pool-view.ts'
import type { Attempt, HandshakePlace } from '../values/attempt.ts'
import type { Host, PeerId } from '../values/ids.ts'
import type { Rejection } from '../values/reason.ts'
import { checkPeer, isShutOut } from './admission.ts'
import { groupOfPeer, type Holder, shareOf } from './group-shares.ts'
import { chooseRival } from './rivals.ts'

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
 * makes room, else the one that has been silent for longest, else one of the address that takes most. For `admitMs` after its Hello
 * a peer is not silent: our application decides on it.
 */
export function checkIncoming(
  view: PoolView,
  { peerId, host, now, admitMs = 0 }: { peerId: PeerId; host: Host | undefined; now: number; admitMs?: number | undefined }
): Rejection | Entry {
  if (peerId === view.peerId) return { kind: 'myself' }
  const refusal = checkPeer(view, peerId, host)
  if (refusal !== undefined) return refusal
  if (isShutOut(view, peerId, { host, direction: 'incoming' })) return { kind: 'private-mode' }
  const isReserved = view.access.isTrusted(peerId, undefined)
  const place = { ...shareOf({ host, peerId }), source: String(host), isReserved }
  // A peer that was connected before is not counted with others at its address.
  if (view.access.passesGreylist(peerId)) place.group = place.source = groupOfPeer(peerId)
  const handshakes = handshakesOf(view, admitMs)
  const near = handshakes.filter((one) => one.group === place.group)
  const { maxIncoming, maxIncomingPerHost } = view.config
  const untrusted = handshakes.filter((one) => !one.isReserved)
  const isCrowded = near.length >= maxIncomingPerHost
  let rival: Handshake | undefined
  if (isCrowded || (!isReserved && untrusted.length >= maxIncoming)) {
    const silentSince = isReserved ? Number.POSITIVE_INFINITY : now - patienceMs
    rival = isCrowded
      ? longestSilent(near, silentSince)
      : (chooseRival(untrusted, place, (other) => view.silencesOf(other)) ??
        longestSilent(untrusted, silentSince) ??
        chooseRival(untrusted.map(bySource), bySource(place)))
    if (rival === undefined) return { kind: 'too-many-handshakes' }
  }
  return { kind: 'enter', place, displaces: rival?.attempt }
}

interface Handshake extends Holder, HandshakePlace {
  readonly attempt: Attempt
  /** Later than the attempt's own while the application decides, which is no silence. */
  readonly waitsSince: number
}

/** Counted by the address alone. */
function bySource<T extends HandshakePlace>(one: T): T {
  return { ...one, group: one.source }
}

function handshakesOf(view: PoolView, admitMs: number): Handshake[] {
  return [...view.attempts()].flatMap((attempt) =>
    attempt.place === undefined
      ? []
      : [
          {
            ...attempt.place,
            attempt,
            startedAt: attempt.startedAt,
            waitsSince: attempt.waitsSince + (attempt.hasSlot ? admitMs : 0),
            mayGo: true
          }
        ]
  )
}

/** Of those that have waited since `silentSince` or longer. */
function longestSilent(handshakes: readonly Handshake[], silentSince: number): Handshake | undefined {
  return handshakes.filter((one) => one.waitsSince <= silentSince).toSorted((a, b) => a.waitsSince - b.waitsSince)[0]
}
