/**
 * How this page can be reached: which relays hold a reservation for it, and how many the demo's relay has left.
 * `own.ts` shows it.
 */
import type { PeerId, PoolSnapshot } from '../../src/core/index.ts'
import type { TabPeer } from '../index.ts'
import { shortId } from './format.ts'

/** As the demo's server writes it to `/reservations.json`. */
export interface ReservationsLeft {
  readonly relay: string
  readonly max: number
  readonly left: number
}

export interface Reach extends Pick<PoolSnapshot, 'ownPoints' | 'bannedPeers' | 'connections'> {
  /** Ids of the relays that the demo names. */
  readonly relays: readonly string[]
  /** None in a tab that follows: only the tab that runs the pool knows. */
  readonly status: TabPeer['relays'] | undefined
  readonly left: ReservationsLeft | undefined
}

/** One or two sentences. `busy`: something is on its way, so there is something to wait for. */
export function reachWords(reach: Reach): { readonly text: string; readonly busy: boolean } {
  const { ownPoints, status, left, relays, bannedPeers, connections } = reach
  const holders = [...new Set(ownPoints.map(relayOf).filter((relay) => relay !== undefined))]
  const rest = left === undefined ? '' : ` …${left.relay.slice(-8)} has ${left.left} of ${left.max} reservations left.`
  if (holders.length > 0)
    return {
      text: `${holders.map(shortId).join(', ')} ${holders.length === 1 ? 'holds' : 'hold'} a relay reservation for this page.${rest}`,
      busy: false
    }
  if (status?.wanted === 0) return { text: 'This page asks no relay for a reservation.', busy: false }
  if (left?.left === 0)
    return {
      text: `Not reachable: the relay …${left.relay.slice(-8)} has no reservation left. It is asked again within a minute.`,
      busy: true
    }
  const banned = relays.filter((relay) => bannedPeers.includes(relay as PeerId))
  if (relays.length > 0 && banned.length === relays.length)
    return {
      text: `Not reachable: you banned the relay ${banned.map(shortId).join(', ')}. Lift the ban to be reachable again.`,
      busy: false
    }
  const asked = connections.filter(({ peerId }) => relays.includes(peerId))
  if (asked.length > 0)
    return {
      text: `Not reachable yet: asking ${asked.map(({ peerId }) => shortId(peerId)).join(', ')} for a relay reservation.`,
      busy: true
    }
  return { text: 'Not reachable yet: no relay is connected.', busy: true }
}

function relayOf(point: string): string | undefined {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(point)?.[1]
}

/** Of the multiaddr of a relay. */
export function idIn(address: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1]
}

const askEveryMs = 5_000
const answerMs = 3_000

/**
 * What the demo's relay has left, asked again every few seconds while the page is drawn. Not without a WebSocket to a Node peer: then
 * the demo may have stopped, and a request in vain is an error on the console.
 */
export function watchReservations(changed: () => void): (snapshot: PoolSnapshot) => ReservationsLeft | undefined {
  let last: ReservationsLeft | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  const ask = async () => {
    askedAt = performance.now()
    try {
      const response = await fetch('/reservations.json', { cache: 'no-store', signal: AbortSignal.timeout(answerMs) })
      last = readReservations(response.ok ? await response.json() : null)
    } catch {
      last = undefined
    }
    changed()
  }
  return ({ connections }) => {
    const canAsk = navigator.onLine && connections.some(({ transport }) => transport === 'ws')
    if (!canAsk) last = undefined
    else if (performance.now() - askedAt >= askEveryMs) void ask()
    return last
  }
}

/** Nothing for whatever is not as it should be: the page shows the rest. */
export function readReservations(json: unknown): ReservationsLeft | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { relay, max, left } = json as Record<string, unknown>
  if (typeof relay !== 'string' || typeof max !== 'number' || typeof left !== 'number') return undefined
  return { relay, max, left }
}

/** Without it a page can only connect to servers. Some browsers have none, or let people turn it off. */
export function hasWebRtc(): boolean {
  return typeof RTCPeerConnection === 'function'
}
