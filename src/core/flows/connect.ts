/**
 * One attempt from its first check to its end, one function per direction: the table "an attempt" of docs/architecture.md as code. There
 * is one deadline and one way out: `finally` ends an attempt that made no connection and closes its link. Called by the pool for the
 * application and for incoming links, by maintenance, and by swaps.
 */
import { type Admission, checkDial, checkDialed, checkHello, checkHostLimit, checkPeer } from '../decisions/admission.ts'
import { checkIncoming } from '../decisions/handshake-places.ts'
import type { AttemptRecord } from '../tables/attempt.ts'
import { isWordless, type Outcome } from '../tables/attempt.ts'
import { soughtAt } from '../tables/point.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { readPoint } from '../values/address.ts'
import type { Attempt } from '../values/attempt.ts'
import type { PeerId, Point } from '../values/ids.ts'
import type { HelloMessage } from '../values/message.ts'
import { DialError, type Link } from '../values/ports.ts'
import { type AttemptStep, nackMotive, PoolError, type Rejection } from '../values/reason.ts'
import { WireFault } from '../wire/fault.ts'
import { abortLink, Channel, closeLink } from './channel.ts'
import { Connection } from './connection.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import type { Exchange } from './exchange.ts'
import { instanceText, LinkEnded, nackFor, ourHello, parsePoints, readHello, readMetadata, readSigned, readVerdict } from './handshake.ts'
import { Turns } from './turns.ts'

export interface ConnectOptions {
  /** Trust the point from now on. */
  readonly trusted?: boolean | undefined
  /** Only this peer may answer. */
  readonly expectedPeerId?: PeerId | undefined
  /** Dial and handshake together, ms. @default config.connectionTimeoutMs */
  readonly timeoutMs?: number
  /** Ends the attempt; nothing of it remains. */
  readonly signal?: AbortSignal | undefined
}

export class Connector {
  readonly #context: FlowContext
  readonly #exchange: Exchange
  /** Shared by all connections. */
  readonly #turns: Turns

  constructor(context: FlowContext, exchange: Exchange) {
    this.#context = context
    this.#exchange = exchange
    this.#turns = new Turns(context.clock)
  }

  /**
   * The operator connects to a point: what the options say of it holds from now on, and its back-off is forgotten. Rejects with
   * `PoolError` `rejected` (or `table-full` for an unknown point that finds no place); the point is then as disconnected as before,
   * and the call may be repeated.
   */
  connect(point: Point, options: ConnectOptions): Promise<Connection> {
    return this.#dial(point, options, 'operator')
  }

  /**
   * The pool dials a point that it knows, by itself or on a peer's word. It writes nothing that is the operator's: `expectedPeerId`
   * holds for this attempt alone. Rejects as `connect`.
   */
  dial(point: Point, expectedPeerId?: PeerId): Promise<Connection> {
    return this.#dial(point, { expectedPeerId }, 'pool')
  }

  async #dial(point: Point, options: ConnectOptions, by: 'operator' | 'pool'): Promise<Connection> {
    const { state, network, config, events, clock } = this.#context
    const known = state.points.get(point)
    const expectedPeerId = options.expectedPeerId ?? (known === undefined ? readPoint(point).target : soughtAt(known))
    options.signal?.throwIfAborted()
    const refusal =
      checkDial(state, point, expectedPeerId, options.trusted) ?? (by === 'pool' ? checkHostLimit(state, point, clock.now()) : undefined)
    if (refusal !== undefined) {
      events.emit('handshake-refused', { attempt: 0, direction: 'outgoing', point, peerId: expectedPeerId, rejection: refusal })
      throw PoolError.rejected(refusal)
    }
    const info = by === 'operator' ? state.points.wanted(point, options) : known
    if (info === undefined) throw PoolError.rejected({ kind: 'cancelled', detail: `${point} is not known any more` })
    const attempt = state.beginOutgoing(info, expectedPeerId)
    const progress = this.#watch(attempt, options.timeoutMs ?? config.connectionTimeoutMs, options.signal)
    let outcome: Outcome | undefined
    let link: Link | undefined
    try {
      link = await network.dial(point, { expectedPeerId, signal: attempt.signal })
      state.prove(attempt, link.peerId)
      progress.step = 'hello'
      attempt.signal.throwIfAborted()
      const unwanted = checkDialed(state, link.peerId, attempt)
      if (unwanted !== undefined) throw PoolError.rejected(unwanted)
      const channel = new Channel(link)
      const askedAt = clock.now()
      channel.send(ourHello(this.#context))
      const hello = await readHello(channel, config, attempt.signal)
      const roundTripMs = clock.now() - askedAt
      const verdict = await readVerdict(channel, attempt.signal)
      attempt.signal.throwIfAborted()
      if (verdict.kind === 'nack') {
        const points = parsePoints(network, verdict.points)
        if (config.discovery) state.claims.learn(points, { peerId: link.peerId, host: link.host, discoverySource: 'nack' })
        const alternatives = points.map((parsed) => parsed.point)
        outcome = { kind: 'failed', rejection: { kind: 'rejected-by-peer', motive: verdict.motive, points: alternatives }, by: 'them' }
        throw PoolError.rejected(outcome.rejection)
      }
      const metadata = readMetadata(hello, link, config)
      const rejection = this.#judge(attempt, link, hello)
      if (rejection !== undefined) {
        const nack = nackFor(rejection, [])
        if (nack !== undefined) channel.send(nack)
        throw PoolError.rejected(rejection)
      }
      channel.send({ kind: 'ack' })
      return this.#run(attempt, { channel, hello, metadata, roundTripMs })
    } catch (error) {
      outcome ??= outcomeOf(error, { attempt, progress, link, state })
      throw outcome.kind === 'failed' ? PoolError.rejected(outcome.rejection, error) : error
    } finally {
      progress.done()
      if (attempt.connection === undefined) {
        if (outcome !== undefined) state.end(attempt, outcome)
        const why = outcome?.kind === 'failed' ? outcome.rejection.kind : undefined
        if (why === 'myself') state.points.addOwn(point)
        if (why === 'already-connected') state.locate(attempt)
        state.claims.failed(point)
        if (link !== undefined) void closeLink(link, clock)
      }
    }
  }

  /** Takes an incoming link through its handshake. Never rejects; resolves when the connection runs or the link is closed. */
  async accept(link: Link): Promise<void> {
    const { state, config, events, clock } = this.#context
    const { peerId, host } = link
    const entry = checkIncoming(state, { peerId, host, now: clock.now() })
    if (entry.kind !== 'enter') {
      events.emit('handshake-refused', { attempt: 0, direction: 'incoming', point: undefined, peerId, rejection: entry })
      abortLink(link, entry.kind)
      return
    }
    if (entry.displaces !== undefined) this.#displace(entry.displaces, { kind: 'too-many-handshakes' })
    const attempt = state.beginIncoming(link, entry.place)
    const progress = this.#watch(attempt, config.authenticationTimeoutMs, undefined)
    progress.step = 'hello'
    let outcome: Outcome | undefined
    try {
      const channel = new Channel(link)
      const hello = await readHello(channel, config, attempt.signal)
      attempt.signal.throwIfAborted()
      const metadata = readMetadata(hello, link, config)
      const rejection = this.#judge(attempt, link, hello)
      if (rejection !== undefined) {
        const isFull = rejection.kind === 'too-many-connections' || rejection.kind === 'table-full'
        const nack = nackFor(rejection, isFull ? this.#exchange.alternatives(link, hello) : [])
        if (nack !== undefined) channel.send(ourHello(this.#context), nack)
        throw PoolError.rejected(rejection)
      }
      const askedAt = clock.now()
      channel.send(ourHello(this.#context), { kind: 'ack' })
      progress.step = 'ack'
      const verdict = await readVerdict(channel, attempt.signal)
      attempt.signal.throwIfAborted()
      if (verdict.kind === 'nack') {
        outcome = { kind: 'failed', rejection: { kind: 'rejected-by-peer', motive: verdict.motive, points: [] }, by: 'them' }
      } else {
        this.#run(attempt, { channel, hello, metadata, roundTripMs: clock.now() - askedAt })
      }
    } catch (error) {
      outcome = outcomeOf(error, { attempt, progress, link, state })
    } finally {
      progress.done()
      if (attempt.connection === undefined) {
        if (outcome !== undefined) state.end(attempt, outcome)
        // Others wait for its place: no second is left for a goodbye.
        if (outcome?.kind === 'failed' && outcome.rejection.kind === 'too-many-handshakes') abortLink(link, outcome.rejection.kind)
        else void closeLink(link, clock)
      }
    }
  }

  /** Step 4 in one turn: check, make room, admit. Returns the rejection, if any; else the attempt is accepted. */
  #judge(attempt: AttemptRecord<FlowConnection>, link: Link, hello: HelloMessage): Rejection | undefined {
    const { state, network, clock } = this.#context
    const { peerId } = link
    const instance = instanceText(hello.instance)
    const points = parsePoints(network, hello.points)
    const verdict = checkHello(state, attempt, { peerId, hello, points, instance, now: clock.now() })
    if (verdict.kind !== 'admit') return verdict
    this.#makeRoom(verdict, link)
    const peer = state.peers.find(peerId)
    if (peer === undefined) return { kind: 'table-full' }
    const own = state.claims.learnOwn(points, { peerId, host: attempt.host, isPrivate: hello.isPrivate, trusted: peer.trusted })
    const free = own.filter((record) => record.state.kind === 'disconnected')
    state.admit(attempt, peerId, { instance, point: free.find((record) => record.trusted) ?? free[0] })
    return undefined
  }

  /** A connection that is replaced ends in libp2p too, where it would keep a slot. */
  #makeRoom({ displaces, replaces, evicts }: Admission, link: Link): void {
    if (displaces !== undefined)
      this.#displace(displaces, { kind: 'cancelled', detail: 'both sides dialed; the other of the two connections was kept' })
    if (replaces !== undefined) {
      void replaces.disconnect({ kind: 'replaced' })
      this.#context.network.endOlder?.(link)
    }
    if (evicts !== undefined) void evicts.disconnect({ kind: 'too-many-connections' })
  }

  /** Ends another attempt at once, so that its slot is free. */
  #displace(displaced: Attempt, rejection: Rejection): void {
    const { state } = this.#context
    for (const other of [...state.attempts()]) {
      if (other !== displaced) continue
      other.cancel(rejection)
      state.end(other, { kind: 'failed', rejection, by: 'us' })
    }
  }

  /** Step 6: first the state, then reading, then the first message of the exchange. */
  #run(attempt: AttemptRecord<FlowConnection>, { channel, hello, metadata, roundTripMs }: Shaken): Connection {
    const { state, clock } = this.#context
    const connection = new Connection({
      channel,
      attempt,
      // Not the message: it keeps the packet that it came in.
      hello: { isPrivate: hello.isPrivate, discovery: hello.discovery },
      instance: instanceText(hello.instance),
      remoteMetadata: metadata,
      roundTripMs: channel.link.plain === undefined ? roundTripMs : undefined,
      context: this.#context,
      exchange: this.#exchange,
      turns: this.#turns,
      ended: (ending, comeBackAfterMs) => this.#ended(attempt, { kind: 'closed', ending, comeBackAfterMs })
    })
    state.run(attempt, connection)
    void connection.serve()
    this.#exchange.established(connection)
    clock.schedule(0, () => void this.#certify(connection, hello))
    return connection
  }

  /**
   * Node never says that the network has changed. It shows when the last connection ends without a goodbye, so all back-offs are forgotten
   * then. Not after a young connection: a peer that comes and goes all the time would be dialed as often.
   */
  #ended(attempt: AttemptRecord<FlowConnection>, outcome: Outcome & { kind: 'closed' }): void {
    const { state, clock, config, network } = this.#context
    state.end(attempt, outcome)
    const said = outcome.ending.by === 'us' ? undefined : outcome.ending.reason.kind
    if (attempt.peerId !== undefined) state.claims.left(attempt.peerId, (point) => said === 'going-away' || !network.canDial(point))
    const isSettled = clock.now() - attempt.startedAt >= config.reconnection.afterConnectionMs
    if (state.active === 0 && isSettled && isWordless(outcome.ending)) state.resetReconnections()
  }

  /**
   * Checks the peer's signed record in a later turn. A signature takes longer than all other checks of a Hello together, no decision needs
   * it, and a peer that we refuse must not cost us that much.
   */
  async #certify(connection: Connection, hello: HelloMessage): Promise<void> {
    const { network, state } = this.#context
    const { peerId } = connection
    if (connection.ending !== undefined || state.claims.areCertified(hello.points, peerId)) return
    try {
      state.claims.certify(await readSigned(hello, network, peerId), peerId)
    } catch (error) {
      await connection.disconnect({ kind: 'fault', detail: error instanceof Error ? error.message : String(error) })
    }
  }

  /** The one deadline of an attempt, which names the step that ran out, and the caller's own signal. */
  #watch(attempt: AttemptRecord<FlowConnection>, timeoutMs: number, signal: AbortSignal | undefined): Progress {
    const progress: Progress = { step: 'dial', done: () => undefined }
    const stopTimer = this.#context.clock.schedule(timeoutMs, () =>
      attempt.cancel({ kind: 'timeout', step: progress.step, afterMs: timeoutMs })
    )
    const aborted = (): void => attempt.cancel({ kind: 'cancelled', detail: 'by the caller' })
    if (signal?.aborted === true) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
    progress.done = () => {
      stopTimer()
      signal?.removeEventListener('abort', aborted)
    }
    return progress
  }
}

/** What a handshake gave. */
interface Shaken {
  readonly channel: Channel
  readonly hello: HelloMessage
  readonly metadata: Uint8Array | undefined
  readonly roundTripMs: number
}

interface Progress {
  step: AttemptStep
  done: () => void
}

/** What an error in the middle of an attempt means. */
function outcomeOf(
  error: unknown,
  { attempt, progress, link, state }: { attempt: AttemptRecord; progress: Progress; link: Link | undefined; state: PoolView }
): Outcome {
  const failed = (rejection: Rejection, by: 'us' | 'them'): Outcome => ({ kind: 'failed', rejection, by })
  const cancelled: unknown = attempt.signal.aborted ? attempt.signal.reason : undefined
  if (cancelled instanceof PoolError && cancelled.rejection !== undefined) {
    return failed(cancelled.rejection, cancelled.rejection.kind === 'timeout' ? 'them' : 'us')
  }
  if (error instanceof PoolError && error.rejection !== undefined) return failed(error.rejection, 'us')
  if (error instanceof WireFault) return failed({ kind: 'fault', detail: error.message }, 'us')
  if (error instanceof DialError) {
    if (error.failure === 'wrong-peer-id' && attempt.expectedPeerId !== undefined) {
      return failed({ kind: 'unexpected-peer-id', expected: attempt.expectedPeerId, received: link?.peerId ?? error.peerId }, 'us')
    }
    if (error.failure === 'myself') return failed({ kind: 'myself' }, 'us')
    if (error.failure === 'denied' && error.peerId !== undefined)
      return failed(checkPeer(state, error.peerId, attempt.host) ?? { kind: 'private-mode' }, 'us')
    return failed({ kind: 'dial-failed', failure: error.failure, detail: error.message }, 'them')
  }
  if (link === undefined)
    return failed({ kind: 'dial-failed', failure: 'other', detail: error instanceof Error ? error.message : String(error) }, 'them')
  if (error instanceof LinkEnded || error instanceof Error) return failed({ kind: 'link-lost', step: progress.step }, 'them')
  return failed({ kind: 'rejected-by-peer', motive: nackMotive.none, points: [] }, 'them')
}
