/**
 * `onAdmit`, the application's own check of a peer, between the handshake and the connection. Called by `handshake.ts`; only pools that have
 * the option load it. What the application throws, or does not answer in time, refuses the peer and costs nothing else.
 *
 * A peer that comes in must not make the application work as often as it likes. One that was refused and comes back at once is refused without
 * asking. A peer, and an address group, has a few checks that did not admit anybody; then the application is not asked for a while.
 */
import type { Attempt } from '../values/attempt.ts'
import { cutText } from '../values/cut-text.ts'
import type { PeerId } from '../values/ids.ts'
import type { Link } from '../values/ports.ts'
import { messageOf, type Rejection } from '../values/reason.ts'
import type { FlowContext } from './context.ts'
import { abortable, deadline } from './waits.ts'

/** For how long a check that did not admit its peer is remembered, ms; or for half of the back-off that an honest peer keeps, if that is less. */
const rememberedMs = 30_000
/** Peers and address groups that are remembered; the one that failed longest ago goes first. */
const maxRemembered = 1_024
/** So many checks of one peer may be broken off in that time. */
const maxOfPeer = 3
/** So many checks of one address group may fail in that time, whichever the peers. */
const maxOfGroup = 16
/** A longer reason is cut: the table keeps it with the point. */
const maxDetail = 200

export class ApplicationCheck {
  readonly #context: FlowContext
  /** Failed checks of peers that came in, by peer and by address group, the last one last. */
  readonly #failures = new Map<string, Failures>()

  constructor(context: FlowContext) {
    this.#context = context
  }

  /**
   * The rejection, if any, of a peer whose attempt has just been admitted. Rejects when the attempt is cancelled or the link ends: nothing is
   * known of the peer then, but that its check failed.
   */
  async judge(attempt: Attempt, { link, metadata }: { link: Link; metadata: unknown }): Promise<Rejection | undefined> {
    const { peerId } = link
    link.isRefused = true
    const early = this.#tooOften(attempt, peerId)
    if (early !== undefined) return early
    const trusted = this.#context.state.access.isTrusted(peerId, attempt.point)
    let rejection: Rejection | undefined
    let isAdmitted = false
    try {
      const refusal = await this.#ask(attempt, { link, metadata, trusted })
      isAdmitted = refusal === undefined
      if (refusal !== undefined) rejection = { kind: 'not-admitted', peerId, detail: cutText(refusal, maxDetail) || 'no reason given' }
    } finally {
      // Also when the peer has left: else it would ask again at once, by leaving each time before the answer.
      if (!isAdmitted) this.#remember(attempt, peerId, rejection)
    }
    link.isRefused = !isAdmitted
    return rejection
  }

  /** Why the application is not even asked about a peer that came in; `undefined`: it is. */
  #tooOften({ place }: Attempt, peerId: PeerId): Rejection | undefined {
    if (place === undefined) return undefined
    const own = this.#failuresOf(peerId)
    if (own.rejection !== undefined) return own.rejection
    const isCrowd = this.#failuresOf(place.group).count >= maxOfGroup
    return isCrowd || own.count >= maxOfPeer ? { kind: 'too-many-handshakes' } : undefined
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
      log.error('onAdmit: expected true, false or a text', answer)
      return 'onAdmit gave no answer'
    } catch (error) {
      attempt.signal.throwIfAborted()
      gone.signal.throwIfAborted()
      if (!patience.isOver()) return messageOf(error)
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

  #remember({ place }: Attempt, peerId: PeerId, rejection: Rejection | undefined): void {
    if (place === undefined) return
    this.#note(peerId, rejection)
    this.#note(place.group, undefined)
  }

  #note(group: string, rejection: Rejection | undefined): void {
    const { clock, config } = this.#context
    const { count, until } = this.#failuresOf(group)
    const forMs = Math.min(rememberedMs, config.reconnection.afterConnectionMs / 2)
    this.#failures.delete(group)
    // Time begins with the first failure, so that a peer or a group that goes on is asked about again.
    const isFirst = count === 0 || rejection !== undefined
    this.#failures.set(group, { count: count + 1, until: isFirst ? clock.now() + forMs : until, rejection })
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > maxRemembered && oldest !== undefined) this.#failures.delete(oldest)
  }

  #failuresOf(group: string): Failures {
    const failures = this.#failures.get(group)
    return failures !== undefined && this.#context.clock.now() < failures.until ? failures : none
  }
}

interface Failures {
  readonly count: number
  /** Monotonic, ms. */
  readonly until: number
  /** The application's own answer about the peer. */
  readonly rejection: Rejection | undefined
}

const none: Failures = { count: 0, until: 0, rejection: undefined }
