/**
 * A running connection: reads until the end, keeps a bounded queue of application messages for their one reader, and sends through its
 * outbox. Pool messages go to the exchange. The first reason ends it, and `ended` changes the state in the same turn.
 */
import type { Attempt, ConnectionKind, Direction, OtherUse, RoundTrips, RunningConnection } from '../values/attempt.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { Clock, Link, Transport } from '../values/ports.ts'
import { type DisconnectReason, type Ending, PoolError } from '../values/reason.ts'
import type { Codec, PoolConfig } from '../values/settings.ts'
import type { ConnectionInfo } from '../values/snapshot.ts'
import { reason as checkReason, whileWaiting } from '../verbs.ts'
import { describeReason, disconnectMessage, reasonOf } from '../wire/disconnect.ts'
import { applicationFrame, encodeMessage } from '../wire/encode.ts'
import { WireFault } from '../wire/fault.ts'
import type { ExchangeMessage, HelloMessage, ReceivedMessage, UnknownMessage } from '../wire/schema.ts'
import type { Channel } from './channel.ts'
import { abortLink, closeLink } from './closing.ts'
import type { EventHub } from './event-hub.ts'
import { Inbox } from './inbox.ts'
import { Meter } from './meter.ts'
import { Outbox } from './outbox.ts'
import { decodePayload, encodePayload } from './payload.ts'
import type { Buckets } from './token-bucket.ts'
import type { Turns } from './turns.ts'

/** An application that is behind can read on for so long after the other side left, ms; then the slot is free. */
const unreadLingerMs = 5_000

const lost: Ending = { by: 'network', reason: { kind: 'lost' } }
const closedByPeer: Ending = { by: 'them', reason: { kind: 'closed-by-peer' } }

/** Counters of a connection. */
export interface ConnectionStat {
  /** Bytes so far. */
  readonly bytesReceived: number
  /** Bytes so far. */
  readonly bytesSent: number
  /** Bytes per second over the last ten seconds or so. */
  readonly receivedPerSecond: number
  /** Bytes per second over the last ten seconds or so. */
  readonly sentPerSecond: number
  /** Messages of the application so far. */
  readonly messagesReceived: number
  /** Messages of the application so far. */
  readonly messagesSent: number
  /** Messages of `broadcast` that this peer was left out of because too much waited for it already. */
  readonly messagesDropped: number
}

/** What the end of a handshake gives a connection: see `handshake.ts`. */
export interface ConnectionParts<ConnMeta> {
  readonly channel: Channel
  readonly attempt: Attempt
  readonly hello: Pick<HelloMessage, 'isPrivate' | 'discovery'>
  readonly instance: string
  readonly remoteMetadata: ConnMeta | undefined
  /** Of the handshake; `undefined`: nothing was asked. */
  readonly roundTripMs: number | undefined
  readonly context: { readonly clock: Clock; readonly config: PoolConfig; readonly events: EventHub }
  /** Takes the pool messages. */
  readonly exchange: { received(connection: Connection, message: ExchangeMessage | UnknownMessage): void }
  /** Of all connections of the pool together. */
  readonly turns: Turns
  /** Synchronous; the state is changed here. */
  readonly ended: (ending: Ending, comeBackAfterMs: number) => void
}

/** A running connection with one peer. It is had from `pool.connect` or `pool.connections`, and ends once. */
export class Connection<Msg = Uint8Array, ConnMeta = Uint8Array> implements RunningConnection {
  /** The attempt that it came of. */
  readonly attempt: Attempt
  readonly establishedAt: number
  readonly startedAt: number
  readonly isPrivate: boolean
  /** The peer takes part in the exchange of points. */
  readonly discovery: boolean
  readonly instance: string
  /** What the peer said of this connection when it was made; `undefined` if it is plain. */
  readonly remoteMetadata: ConnMeta | undefined
  /** Application messages in order, for one reader; ends with the connection, after what had come before. */
  readonly messages: AsyncIterable<Msg>
  /** The peer that introduced both to each other; set by `introductions.ts` alone. */
  declare introducer?: PeerId | undefined
  /** @internal What the peer may still send of the exchange; of `exchange.ts` alone. */
  declare allowance?: Buckets<string>
  readonly #parts: ConnectionParts<ConnMeta>
  readonly #inbox: Inbox<Msg>
  readonly #outbox: Outbox
  #messagesReceived = 0
  #rttMs: RoundTrips | null = null
  #ending: Ending | undefined
  /** The link is closed too. */
  #isClosed = false
  #cancelLinger: (() => void) | undefined
  // Made on demand: many connections never need them, and each takes a share of the heap.
  #meters: { readonly received: Meter; readonly sent: Meter } | undefined
  #closing: PromiseWithResolvers<Ending> | undefined

  constructor(parts: ConnectionParts<ConnMeta>) {
    this.#parts = parts
    this.attempt = parts.attempt
    this.instance = parts.instance
    if (parts.roundTripMs !== undefined) this.#measured(parts.roundTripMs)
    this.remoteMetadata = parts.remoteMetadata
    this.isPrivate = parts.hello.isPrivate
    this.discovery = parts.hello.discovery
    const { clock, config, events } = parts.context
    this.establishedAt = clock.date()
    this.startedAt = clock.now()
    this.#inbox = new Inbox(config.maxUndeliveredMessages)
    this.messages = this.#inbox
    this.#outbox = new Outbox({
      channel: parts.channel,
      clock,
      turns: parts.turns,
      stalled: () => void this.disconnect({ kind: 'not-reading' }),
      broken: () => this.#fallen(lost),
      dropped: (messages, bytes) => events.emit('messages-dropped', { peerId: this.peerId, messages, bytes })
    })
  }

  get #link(): Link {
    return this.#parts.channel.link
  }

  /** `plain`: the peer does not speak the pool protocol. It counts as any other, but no messages go to it and none come. */
  get kind(): ConnectionKind {
    return this.#link.plain === undefined ? 'pool' : 'plain'
  }

  /** The peer at the other end. */
  get peerId(): PeerId {
    return this.#link.peerId
  }

  /** An incoming connection may get it later, when a dial of ours shows where the peer is. */
  get point(): Point | undefined {
    return this.attempt.point
  }

  /** Who dialed. */
  get direction(): Direction {
    return this.attempt.direction
  }

  /** Where the peer is; `undefined`: relayed, or incoming by WebRTC. */
  get host(): Host | undefined {
    return this.#link.host
  }

  /** How the link travels. */
  get transport(): Transport {
    return this.#link.transport
  }

  get use(): OtherUse | undefined {
    return this.#link.use
  }

  /** The address seen at the other end, for people. */
  get remoteAddress(): string {
    return this.#link.remoteAddress
  }

  /** What there is to know of it, as plain JSON. The counters are in `stat`. */
  get info(): ConnectionInfo {
    const { peerId, kind, direction, transport, host = null, remoteAddress, point = null, introducer = null } = this
    const { establishedAt, isPrivate, discovery, rttMs } = this
    return { peerId, kind, direction, transport, host, remoteAddress, point, introducer, establishedAt, isPrivate, discovery, rttMs }
  }

  /** Resolves when it has ended, with the reason. */
  get closed(): Promise<Ending> {
    this.#closing ??= Promise.withResolvers()
    if (this.#isClosed && this.#ending !== undefined) this.#closing.resolve(this.#ending)
    return this.#closing.promise
  }

  /** How it ended; `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Round trips, ms; `null`: none was measured yet. */
  get rttMs(): RoundTrips | null {
    return this.#rttMs
  }

  /** Messages of the application so far. */
  get messagesReceived(): number {
    return this.#messagesReceived
  }

  /** Counters. Read anew at each access. */
  get stat(): ConnectionStat {
    const { clock } = this.#parts.context
    const { bytesReceived, bytesSent } = this
    this.#meters ??= { received: new Meter(clock, this.startedAt), sent: new Meter(clock, this.startedAt) }
    return {
      bytesReceived,
      bytesSent,
      receivedPerSecond: this.#meters.received.rate(bytesReceived),
      sentPerSecond: this.#meters.sent.rate(bytesSent),
      messagesReceived: this.#messagesReceived,
      messagesSent: this.#outbox.messagesSent,
      messagesDropped: this.#outbox.messagesDropped
    }
  }

  /**
   * Sends one application message. Resolves when the link took it, which a slow peer delays: await it. Messages are sent in the order of
   * the calls. Bytes are not copied: do not change them before it resolves, nor at all once the signal has fired. At most 256 messages and
   * 2 MiB wait, or one larger message. Rejects with `PoolError` `plain-peer`, `not-connected` once the connection has ended,
   * `message-too-large`, `too-many-waiting`, `invalid-argument`, or the signal's reason: then the message was not sent. A peer that reads
   * nothing for 30 s while messages wait is disconnected as `not-reading`.
   */
  send(message: Msg, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    try {
      if (options !== undefined) whileWaiting(options, { code: 'invalid-argument', name: 'connection.send' })
      return this.sendPayload(encodePayload<unknown>(this.#parts.context.config, message), options?.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** @internal `send` for bytes that the codec made already. */
  sendPayload(payload: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.kind !== 'plain') return this.#outbox.write(applicationFrame(payload), signal)
    return Promise.reject(new PoolError('plain-peer', `${this.peerId} does not speak the pool protocol`))
  }

  /** The frame of an application message. The same for all connections. */
  frameOf(payload: Uint8Array): Uint8Array {
    return encodeMessage({ kind: 'application', payload })
  }

  /**
   * @internal Sends the frame of an application message without waiting. False, and nothing sent, if the peer is plain, the connection has ended,
   * or too much waits already: that is counted in `stat`.
   */
  offerFrame(frame: Uint8Array): boolean {
    return this.kind !== 'plain' && this.#outbox.offer(frame)
  }

  /** @internal Sends a pool message; false if the peer is plain, or the link behind or gone: none of these is worth a wait. */
  sendExchange(message: ExchangeMessage): boolean {
    return this.kind !== 'plain' && this.#outbox.pass(message)
  }

  /** @internal Bytes of the link so far. */
  get bytesReceived(): number {
    return this.#parts.channel.bytesReceived
  }

  /** @internal The same. */
  get bytesSent(): number {
    return this.#parts.channel.bytesSent
  }

  /** @internal Resolves when the other side answered; never throws at once. */
  async probe(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.context
    const askedAt = clock.now()
    await this.#link.probe(signal)
    this.#measured(clock.now() - askedAt)
  }

  #measured(last: number): void {
    this.#rttMs = { last, least: Math.min(last, this.#rttMs?.least ?? last) }
  }

  /** @internal Another connection can be made to where this one leads: we dialed it. */
  get canReach(): boolean {
    return this.#link.reach !== undefined
  }

  /** @internal Makes a second connection to the same address and closes it; never throws at once. */
  async reach(signal: AbortSignal): Promise<void> {
    await this.#link.reach?.(signal)
  }

  /** @internal The other side gave no answer: ends as lost, at once. */
  lose(): void {
    if (!this.#end(lost)) return
    abortLink(this.#link, 'no answer', { dead: true })
    this.#closed()
  }

  /**
   * Says goodbye with the reason, or with a text as an explicit one, and closes; resolves when that is done. The first reason counts.
   * Rejects with `PoolError` `invalid-argument`.
   */
  async disconnect(given: DisconnectReason | string, comeBackAfterMs = 0): Promise<void> {
    const reason = checkReason(given, { code: 'invalid-argument', name: 'connection.disconnect' }) as DisconnectReason
    if (this.#end({ by: 'us', reason }, comeBackAfterMs)) {
      try {
        this.#parts.channel.send(disconnectMessage(reason, comeBackAfterMs))
      } catch {
        // The link is gone already: nobody hears the goodbye.
      }
      void this.#close()
    }
    await this.closed
  }

  /** @internal Reads until the end. Called once, by the flow that made the connection; never rejects. */
  async serve(): Promise<void> {
    const { channel, turns, context } = this.#parts
    // An application that does not read does not see the end: without this a peer that left would keep its slot.
    const over = (): void => {
      if (this.#ending === undefined) this.#cancelLinger = context.clock.schedule(unreadLingerMs, () => this.#fallen(closedByPeer))
    }
    const limits = { maxApplicationBytes: context.config.maxMessageBytes }
    try {
      void channel.link.over.then(over, over)
      do {
        for (let message = channel.take(limits); message !== undefined; message = channel.take(limits)) {
          this.#handle(message)
          if (this.#inbox.isFull) await this.#inbox.room()
          if (turns.count()) await turns.next()
          if (this.#ending !== undefined) return
        }
      } while (await channel.fill())
      this.#fallen(closedByPeer)
    } catch (error) {
      if (error instanceof WireFault) await this.disconnect({ kind: 'fault', detail: error.message })
      else this.#fallen(lost)
    }
  }

  #handle(message: ReceivedMessage): void {
    switch (message.kind) {
      case 'application':
        this.#messagesReceived++
        this.#inbox.put(
          decodePayload(this.#parts.context.config.messageCodec as unknown as Codec<Msg>, message.payload),
          message.payload.length
        )
        return
      case 'disconnect':
        this.#fallen({ by: 'them', reason: reasonOf(message) }, message.comeBackAfterMs)
        return
      case 'hello':
      case 'ack':
      case 'nack':
        throw new WireFault(`a running connection expects no ${message.kind}`)
      default:
        this.#parts.exchange.received(this as unknown as Connection, message)
    }
  }

  /** The other side or the network ended it. */
  #fallen(ending: Ending, comeBackAfterMs = 0): void {
    if (this.#end(ending, comeBackAfterMs)) void this.#close()
  }

  /** True for the first reason. */
  #end(ending: Ending, comeBackAfterMs = 0): boolean {
    if (this.#ending !== undefined) return false
    this.#ending = ending
    this.#cancelLinger?.()
    this.#inbox.end()
    this.#parts.ended(ending, comeBackAfterMs)
    const text = `the connection with ${this.peerId} has ended: ${describeReason(ending.reason)}`
    this.#outbox.end(new PoolError('not-connected', text, { ending }))
    return true
  }

  async #close(): Promise<void> {
    await closeLink(this.#link, this.#parts.context.clock)
    this.#closed()
  }

  #closed(): void {
    this.#isClosed = true
    if (this.#ending !== undefined) this.#closing?.resolve(this.#ending)
  }
}
