/**
 * The rest of an attempt, once it has a link: the handshake, its checks, and the connection that comes of it. `connect.ts` hands over its
 * dials; an incoming link begins here. A page loads this beside its start: no dial waits for it.
 */
import { type Admission, checkAgain, checkHello } from '../decisions/admission-hello.ts'
import { checkIncoming } from '../decisions/handshake-places.ts'
import type { AttemptRecord } from '../tables/attempt.ts'
import { isWordless, type Outcome } from '../tables/outcome.ts'
import type { Attempt } from '../values/attempt.ts'
import type { Link } from '../values/ports.ts'
import { messageOf, PoolError, type Rejection } from '../values/reason.ts'
import type { HelloMessage } from '../wire/schema.ts'
import type { ApplicationCheck } from './application-check.ts'
import { outcomeOf, type Progress, watch } from './attempt-end.ts'
import { Channel } from './channel.ts'
import { abortLink, closeLink } from './closing.ts'
import { Connection } from './connection.ts'
import type { FlowConnection, FlowContext } from './context.ts'
import type { Exchange } from './exchange.ts'
import { instanceText, nackFor, ourHello, parsePoints, readHello, readMetadata, readSigned, readVerdict } from './hello.ts'
import { Turns } from './turns.ts'
import { abortable } from './waits.ts'

/** The check ends by itself in its time. What loads it may not. */
const checkGraceMs = 5_000

/** From the beginning of a connection to the check of the peer's signed record, ms. */
const certifyAfterMs = 1_000

export class Handshakes {
  readonly #context: FlowContext
  readonly #exchange: Exchange
  /** Shared by all connections. */
  readonly #turns: Turns
  /** Loaded by a pool that has `onAdmit`. */
  #check: ApplicationCheck | undefined

  constructor(context: FlowContext, exchange: Exchange) {
    this.#context = context
    this.#exchange = exchange
    this.#turns = new Turns(context.clock)
    // Begun before it is needed: later the server of a page may be gone.
    if (context.config.onAdmit !== undefined) this.#loadCheck().catch(() => undefined)
  }

  /** Steps 3 to 6 of a dial. Rejects with the reason why there is no connection; the caller ends the attempt. */
  async finish(attempt: AttemptRecord<FlowConnection>, link: Link, progress: Progress): Promise<Connection> {
    const { state, network, config, clock } = this.#context
    const channel = new Channel(link)
    const askedAt = clock.now()
    channel.send(ourHello(this.#context, link))
    const hello = await readHello(channel, config, attempt.signal)
    const roundTripMs = clock.now() - askedAt
    const verdict = await readVerdict(channel, attempt.signal)
    attempt.signal.throwIfAborted()
    if (verdict.kind === 'nack') {
      const points = parsePoints(network, verdict.points)
      if (config.discovery) state.claims.learn(points, { peerId: link.peerId, host: link.host, discoverySource: 'nack' })
      const alternatives = points.map((parsed) => parsed.point)
      throw PoolError.rejected({ kind: 'rejected-by-peer', motive: verdict.motive, points: alternatives })
    }
    const metadata = readMetadata(hello, link, config)
    const rejection = this.#judge(attempt, link, hello) ?? (await this.#ask(attempt, { link, metadata, progress }))
    if (rejection !== undefined) {
      const nack = nackFor(rejection, [])
      if (nack !== undefined) channel.send(nack)
      throw PoolError.rejected(rejection)
    }
    channel.send({ kind: 'ack' })
    return this.#run(attempt, { channel, hello, metadata, roundTripMs })
  }

  /** Takes an incoming link through its handshake. Never rejects; resolves when the connection runs or the link is closed. */
  async accept(link: Link): Promise<void> {
    const { state, config, events, clock } = this.#context
    const { peerId, host } = link
    const entry = checkIncoming(state, { peerId, host, now: clock.now(), admitMs: config.onAdmit && config.admitTimeoutMs })
    if (entry.kind !== 'enter') {
      events.emit('handshake-refused', { attempt: 0, direction: 'incoming', point: undefined, peerId, rejection: entry })
      abortLink(link, entry.kind)
      return
    }
    if (entry.displaces !== undefined) this.#displace(entry.displaces, { kind: 'too-many-handshakes' })
    const attempt = state.beginIncoming(link, entry.place)
    const progress = watch(clock, attempt, { timeoutMs: config.authenticationTimeoutMs })
    progress.step = 'hello'
    let outcome: Outcome | undefined
    try {
      const channel = new Channel(link)
      const hello = await readHello(channel, config, attempt.signal)
      attempt.signal.throwIfAborted()
      const metadata = readMetadata(hello, link, config)
      const rejection = this.#judge(attempt, link, hello) ?? (await this.#ask(attempt, { link, metadata, progress }))
      if (rejection !== undefined) {
        const isFull = rejection.kind === 'too-many-connections' || rejection.kind === 'table-full'
        const nack = nackFor(rejection, isFull ? this.#exchange.alternatives(link, hello) : [])
        if (nack !== undefined) channel.send(ourHello(this.#context, link), nack)
        throw PoolError.rejected(rejection)
      }
      const askedAt = clock.now()
      channel.send(ourHello(this.#context, link), { kind: 'ack' })
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
    const { state, network, clock, invitations } = this.#context
    const { peerId } = link
    const instance = instanceText(hello.instance)
    const points = parsePoints(network, hello.points)
    const isInvited = invitations?.invites(attempt, hello.invitation)
    const verdict = checkHello(state, attempt, { peerId, hello, points, instance, isInvited, now: clock.now() })
    if (verdict.kind !== 'admit') return verdict
    this.#makeRoom(verdict, link)
    const peer = state.peers.find(peerId)
    if (peer === undefined) return { kind: 'table-full' }
    const own = state.claims.learnOwn(points, { peerId, host: attempt.host, isPrivate: hello.isPrivate, trusted: peer.trusted })
    const free = own.filter((record) => record.state.kind === 'disconnected')
    state.admit(attempt, peerId, { instance, point: free.find((record) => record.trusted) ?? free[0] })
    return undefined
  }

  /**
   * The application's own check of a peer that was admitted. It has its own deadline: then the one of the attempt begins anew. Returns the
   * rejection, if any.
   */
  async #ask(
    attempt: AttemptRecord<FlowConnection>,
    { progress, ...about }: { link: Link; metadata: unknown; progress: Progress }
  ): Promise<Rejection | undefined> {
    const { config, state } = this.#context
    if (config.onAdmit === undefined) return undefined
    progress.step = 'admit'
    progress.limit(config.admitTimeoutMs + checkGraceMs)
    const check = await abortable(this.#loadCheck(), attempt.signal)
    const rejection = await check.judge(attempt, about)
    attempt.signal.throwIfAborted()
    progress.limit(config.authenticationTimeoutMs)
    return rejection ?? checkAgain(state, attempt, about.link.peerId)
  }

  /** Rejects if it cannot be loaded: the peer is then refused, and the next one tries again. */
  async #loadCheck(): Promise<ApplicationCheck> {
    if (this.#check === undefined) {
      const { ApplicationCheck } = await import('./application-check.ts')
      this.#check ??= new ApplicationCheck(this.#context)
    }
    return this.#check
  }

  /** A connection that is replaced ends in libp2p too, where it would keep a slot. */
  #makeRoom({ displaces, replaces, evicts }: Admission, link: Link): void {
    if (displaces !== undefined)
      this.#displace(displaces, { kind: 'cancelled', detail: 'both sides dialed; the other connection was kept' })
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
    const { state } = this.#context
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
    this.#certifyLater(connection, hello)
    return connection
  }

  /** A method of its own: what it waits with is not kept for as long as the connection. */
  #certifyLater(connection: Connection, hello: HelloMessage): void {
    this.#context.clock.schedule(certifyAfterMs, () => void this.#certify(connection, hello))
  }

  /**
   * On Node no event tells that the network changed. It shows when the last connection ends without a goodbye, so all back-offs are forgotten
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
   * Checks the peer's signed record if it can show something new. A signature takes longer than all other checks of a Hello together, no
   * decision needs it, and a peer that we refuse or that leaves at once must not cost us that much.
   */
  async #certify(connection: Connection, hello: HelloMessage): Promise<void> {
    const { state, network } = this.#context
    const { peerId } = connection
    if (connection.ending !== undefined) return
    try {
      state.claims.certify(await readSigned(hello, network, peerId), peerId)
    } catch (error) {
      await connection.disconnect({ kind: 'fault', detail: messageOf(error) })
    }
  }
}

/** What a handshake gave. */
interface Shaken {
  readonly channel: Channel
  readonly hello: HelloMessage
  readonly metadata: Uint8Array | undefined
  readonly roundTripMs: number
}
