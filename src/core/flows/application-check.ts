/**
 * `onAdmit`, the application's own check of a peer, between the handshake and the connection. Called by `handshake.ts`; only pools that have
 * the option load it. What the application throws, or does not answer in time, refuses the peer and costs nothing else.
 *
 * A peer that it refused and that comes back at once is refused without asking: the peer would make the application work as often as it likes.
 */
import type { Attempt } from '../values/attempt.ts'
import type { PeerId } from '../values/ids.ts'
import type { Link } from '../values/ports.ts'
import type { Rejection } from '../values/reason.ts'
import type { FlowContext } from './context.ts'
import { abortable, deadline } from './waits.ts'

/** A refused peer that comes in again within this time is refused as before, ms; or within half of the back-off that an honest one keeps. */
const rememberedMs = 30_000
/** Refused peers that are remembered; the one that was refused longest ago goes first. */
const maxRemembered = 1_024
/** A longer reason is cut: the table keeps it with the point. */
const maxDetail = 200

export class ApplicationCheck {
  readonly #context: FlowContext
  /** Peers that came in and were refused, the last one last. */
  readonly #refused = new Map<PeerId, { readonly rejection: Rejection; readonly until: number }>()

  constructor(context: FlowContext) {
    this.#context = context
  }

  /**
   * The rejection, if any, of a peer whose attempt has just been admitted. Rejects when the attempt is cancelled or the link ends: nothing is
   * known of the peer then.
   */
  async judge(attempt: Attempt, { link, metadata }: { link: Link; metadata: unknown }): Promise<Rejection | undefined> {
    const { state, clock } = this.#context
    const { peerId } = link
    const recent = this.#refused.get(peerId)
    link.isRefused = true
    if (attempt.direction === 'incoming' && recent !== undefined && clock.now() < recent.until) return recent.rejection
    const trusted = state.access.isTrusted(peerId, attempt.point)
    const refusal = await this.#ask(attempt, { link, metadata, trusted })
    if (refusal === undefined) {
      link.isRefused = false
      return undefined
    }
    const rejection: Rejection = { kind: 'not-admitted', peerId, detail: refusal.slice(0, maxDetail) }
    if (attempt.direction === 'incoming') this.#remember(peerId, rejection)
    return rejection
  }

  /** Why not; `undefined`: the application admits the peer. */
  async #ask(attempt: Attempt, about: { link: Link; metadata: unknown; trusted: boolean }): Promise<string | undefined> {
    const { config, clock, log } = this.#context
    const { admitTimeoutMs } = config
    const gone = new AbortController()
    void about.link.over.then(() => gone.abort(new Error('the link ended while the application decided')))
    const patience = deadline(clock, admitTimeoutMs, { given: [attempt.signal, gone.signal], reason: new Error('too late') })
    try {
      const answer: unknown = await abortable(this.#answer(attempt, about, patience.signal), patience.signal)
      if (answer === true) return undefined
      if (answer === false) return 'no reason given'
      if (typeof answer === 'string') return answer
      log.error('onAdmit gave what is no answer: expected true, false or a text', answer)
      return 'onAdmit gave no answer'
    } catch (error) {
      attempt.signal.throwIfAborted()
      gone.signal.throwIfAborted()
      if (!patience.isOver())
        return error instanceof Error && typeof error.message === 'string' ? error.message : 'onAdmit threw what is no error'
      log.error(`onAdmit gave no answer within ${admitTimeoutMs} ms`, error)
      return `onAdmit gave no answer within ${admitTimeoutMs} ms`
    } finally {
      patience.cancel()
    }
  }

  /** What a function throws at once counts like a rejection. */
  async #answer(
    { direction, point }: Attempt,
    { link, metadata, trusted }: { link: Link; metadata: unknown; trusted: boolean },
    signal: AbortSignal
  ): Promise<unknown> {
    const { peerId, transport, remoteAddress, connection, plain } = link
    const kind = plain === undefined ? 'pool' : 'plain'
    const candidate = {
      peerId,
      kind,
      direction,
      point,
      remoteAddress,
      transport,
      trusted,
      metadata: metadata as Uint8Array,
      connection
    } as const
    return this.#context.config.onAdmit?.(Object.freeze(candidate), signal)
  }

  #remember(peerId: PeerId, rejection: Rejection): void {
    this.#refused.delete(peerId)
    const { clock, config } = this.#context
    const forMs = Math.min(rememberedMs, config.reconnection.afterConnectionMs / 2)
    this.#refused.set(peerId, { rejection, until: clock.now() + forMs })
    const [oldest] = this.#refused.keys()
    if (this.#refused.size > maxRemembered && oldest !== undefined) this.#refused.delete(oldest)
  }
}
