/** Why a point or peer is not connected, and when it will be tried next; for people. Pure. */
import { lastMissAt, type PointInfo } from '../tables/point-info.ts'
import type { PoolView } from '../tables/pool-view.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { describeRejection, type Rejection } from '../values/reason.ts'
import { checkDial, checkPeer } from './admission.ts'

export interface Explanation {
  readonly state: 'connected' | 'connecting' | 'unknown' | 'refused' | 'waiting' | 'ready' | 'not-dialable'
  /** One sentence. */
  readonly text: string
  /** What a `connect` would be refused with now. */
  readonly rejection: Rejection | undefined
  /** Maintenance does not dial it before, ms from now; none: nothing is waited for. */
  readonly nextTryInMs: number | undefined
}

const explained = (state: Explanation['state'], text: string, more: Partial<Explanation> = {}): Explanation => ({
  state,
  text,
  rejection: undefined,
  nextTryInMs: undefined,
  ...more
})

export function explainPoint(
  view: PoolView,
  point: Point,
  { now, canDial }: { now: number; canDial: (point: Point) => boolean }
): Explanation {
  const info = view.point(point)
  if (info?.state.kind === 'running') return explained('connected', `connected with ${info.state.connection.peerId}`)
  if (info !== undefined && info.state.kind !== 'disconnected') return explained('connecting', 'a connection is being made')
  const rejection = checkDial(view, point, info?.expectedPeerId)
  if (rejection !== undefined) return explained('refused', describeRejection(rejection), { rejection })
  if (!canDial(point)) return explained('not-dialable', 'no transport that runs here can dial it')
  if (info === undefined) return explained('unknown', 'not a known point: connect or register it')
  return waiting(view, info, now)
}

function waiting(view: PoolView, info: PointInfo, now: number): Explanation {
  const owner = info.claimedBy ?? info.lastEstablished?.peerId
  if (owner !== undefined && view.connection(owner) !== undefined)
    return explained('waiting', `its peer ${owner} is connected by another way`)
  if (info.barredUntil >= now) {
    const nextTryInMs = Math.ceil(info.barredUntil - now)
    const missedAt = lastMissAt(info)
    const failed = info.failures > 1 ? `${info.failures} tries in a row failed` : 'the last try failed'
    const ended = missedAt === undefined ? 'it was asked for lately' : 'its last connection ended lately'
    const why = missedAt === info.lastDisconnection?.at ? ended : failed
    return explained('waiting', `${why}; it may be tried again in ${Math.ceil(nextTryInMs / 1_000)} s`, { nextTryInMs })
  }
  const { active, bounds } = view
  if (active >= bounds.minThreshold)
    return explained('ready', `it would be dialed if connections fell below ${bounds.minThreshold}; there are ${active}`)
  return explained('ready', 'it will be dialed as soon as a dial is free', { nextTryInMs: 0 })
}

export function explainPeer(view: PoolView, peerId: PeerId): Explanation {
  const state = view.peer(peerId)?.state
  if (state?.kind === 'running') return explained('connected', `connected, ${state.connection.direction}`)
  if (state?.kind === 'accepted') return explained('connecting', 'a connection is being made')
  const rejection = checkPeer(view, peerId, undefined)
  if (rejection !== undefined) return explained('refused', describeRejection(rejection), { rejection })
  if (state === undefined) return explained('unknown', 'not a known peer')
  return explained('waiting', 'disconnected; its points, if any are known, are dialed when connections are wanted')
}
