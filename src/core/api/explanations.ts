/** `pool.explain`: what decisions say, with what only the running pool knows. */
import { type Circumstances, type Explanation, explainPeer, explainPoint } from '../decisions/explain.ts'
import type { FlowContext } from '../flows/context.ts'
import type { Exchange } from '../flows/exchange.ts'
import { hostOf } from '../values/address.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { describeBars } from './snapshot.ts'

/** Of a point or a peer id. */
export function explain<Msg, PeerMeta, ConnMeta>(
  { state, config, clock }: FlowContext<Msg, PeerMeta, ConnMeta>,
  what: Point | PeerId,
  { circumstances, exchange }: { circumstances: Circumstances; exchange: Exchange<Msg, PeerMeta, ConnMeta> | undefined }
): Explanation {
  const isPoint = what.startsWith('/')
  const explanation = isPoint ? explainPoint(state, what as Point, circumstances) : explainPeer(state, what as PeerId, circumstances)
  const { rejection, text } = explanation
  const connection = isPoint ? undefined : state.connection(what as PeerId)
  if (connection !== undefined && exchange?.mayTell(connection) === 0)
    return { ...explanation, text: `${text}; it has told of as many points as it may for now` }
  const peerId = rejection?.kind === 'peer-banned' ? rejection.peerId : undefined
  const host = rejection?.kind === 'point-banned' ? hostOf(rejection.point) : undefined
  if (peerId === undefined && host === undefined) return explanation
  const bar = describeBars(state.access, config.ipGreylistCleanupDelayMs).find(
    (one) => one.peerId === (peerId ?? null) && one.host === (host ?? null)
  )
  if (bar === undefined) return explanation
  if (bar.endsAt === null) return { ...explanation, text: `${text}, until that is lifted` }
  const nextTryInMs = Math.max(0, Math.ceil(bar.endsAt - clock.date()))
  return { ...explanation, text: `${text}, for ${Math.ceil(nextTryInMs / 60_000)} min more at most`, nextTryInMs }
}
