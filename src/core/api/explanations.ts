/** `pool.explain` and `pool.explainBand`: what decisions say, with what only the running pool knows. */

import { type Explanation, explainPeer, explainPoint } from '../decisions/explain.ts'
import { type BandExplanation, explainBand } from '../decisions/explain-band.ts'
import type { Circumstances } from '../decisions/foresight.ts'
import type { FlowContext } from '../flows/context.ts'
import type { Exchange } from '../flows/exchange.ts'
import type { Maintenance } from '../flows/maintenance.ts'
import type { PeerId, Point } from '../values/ids.ts'
import { rangeTest } from '../values/ip.ts'
import type { Random } from '../values/ports.ts'
import { describeRejection } from '../values/reason.ts'
import type { PoolStatus } from '../values/snapshot.ts'
import { describeBlocks } from './snapshot.ts'

/** Peers remembered; the one that was refused longest ago goes first. */
const maxRefusals = 128

/** What is said to a person draws no lots, and leaves the pool's own as they are. */
const evenChance: Random = { next: () => 0.5, bytes: (length) => new Uint8Array(length) }

export class Explanations {
  readonly #context: FlowContext
  readonly #parts: { readonly exchange: Exchange; readonly maintenance: Maintenance }
  /** Peers that dialed us and were refused: when last, by the monotonic clock, and why. Memory only. */
  readonly #refused = new Map<PeerId, { readonly at: number; readonly why: string }>()

  constructor(context: FlowContext, parts: { exchange: Exchange; maintenance: Maintenance }) {
    this.#context = context
    this.#parts = parts
    context.events.addEventListener('handshake-refused', ({ detail: { direction, peerId, rejection } }) => {
      if (direction !== 'incoming' || peerId === undefined) return
      this.#refused.delete(peerId)
      this.#refused.set(peerId, { at: context.clock.now(), why: describeRejection(rejection) })
      const [oldest] = this.#refused.keys()
      if (this.#refused.size > maxRefusals && oldest !== undefined) this.#refused.delete(oldest)
    })
  }

  /** Of a point or a peer id. */
  explain(what: Point | PeerId, status: PoolStatus): Explanation {
    const { state } = this.#context
    const circumstances = this.#circumstances(status)
    if (what.startsWith('/')) return explainPoint(state, what as Point, circumstances)
    const explanation = explainPeer(state, what as PeerId, circumstances)
    const connection = state.connection(what as PeerId)
    if (connection === undefined || this.#parts.exchange.mayAdvertise(connection) > 0) return explanation
    return { ...explanation, text: `${explanation.text}; it has advertised as many points as it may for now` }
  }

  explainBand(status: PoolStatus): BandExplanation {
    return explainBand(this.#context.state, this.#circumstances(status))
  }

  #circumstances(status: PoolStatus): Circumstances {
    const { state, clock, network } = this.#context
    const { maintenance, exchange } = this.#parts
    const now = clock.now()
    return {
      ...maintenance.planOptions(now),
      random: evenChance,
      ...maintenance.status,
      status,
      transports: network.transports,
      peersToAsk: [...state.connections()].filter((connection) => exchange.mayAsk(connection)).length,
      blockOf: (concerned) => this.#blockOf(concerned),
      refusalOf: (peerId) => {
        const refusal = this.#refused.get(peerId)
        return refusal === undefined ? undefined : { agoMs: now - refusal.at, why: refusal.why }
      }
    }
  }

  /** Of several that hold the one that ends last. */
  #blockOf({ peerId, host }: Parameters<Circumstances['blockOf']>[0]): ReturnType<Circumstances['blockOf']> {
    const { state, config, clock } = this.#context
    const blocks = describeBlocks(state.access, config.ipGreylistCleanupDelayMs)
      .filter((block) =>
        peerId === undefined ? host !== undefined && (block.host === host || rangeTest([block.host ?? ''])(host)) : block.peerId === peerId
      )
      .map(({ kind, endsAt }) => ({ kind, endsInMs: endsAt === null ? undefined : endsAt - clock.date() }))
    const never = Number.POSITIVE_INFINITY
    return blocks.sort((a, b) => (b.endsInMs ?? never) - (a.endsInMs ?? never) || 0)[0]
  }
}
