/**
 * A running connection: reads until the end, keeps a bounded queue of application messages for their one reader, and
 * sends through its outbox. What pool messages mean is the matter of `exchange.ts`. It ends once, by whoever comes first, and tells
 * its owner through `onEnd`, which runs in the same turn.
 */

import type { Attempt, ConnectionKind, Direction, RunningConnection } from '../values/attempt.ts'
import type { PoolConfig } from '../values/config.ts'
import type { Host, PeerId, Point } from '../values/ids.ts'
import type { ExchangeMessage, HelloMessage, ReceivedMessage, UnknownMessage } from '../values/message.ts'
import type { Clock, Transport } from '../values/ports.ts'
import { type DisconnectReason, describeReason, type Ending, PoolError } from '../values/reason.ts'
import type { ConnectionInfo } from '../values/snapshot.ts'
import { reason as checkReason, whileWaiting } from '../verbs.ts'
import { disconnectMessage, reasonOf } from '../wire/disconnect.ts'
import { WireFault } from '../wire/fault.ts'
import type { Channel } from './channel.ts'
import { abortLink, closeLink } from './closing.ts'
import { Inbox } from './inbox.ts'
import { Meter } from './meter.ts'
import { Outbox } from './outbox.ts'
import { decodePayload, encodePayload } from './payload.ts'
import type { Turns } from './turns.ts'

/** What came before the other side left can still be read for so long by an application that is behind, ms; then the place is free. */
const unreadLingerMs = 5_000

export interface ConnectionStat {
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Bytes per second over the last ten seconds or so. */
  readonly receivedPerSecond: number
  readonly sentPerSecond: number
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Messages of `broadcast` that this peer was left out of because too much waited for it already. */
  readonly messagesDropped: number
}

/** What its maker gives a connection. */
export interface ConnectionParts<Msg, ConnMeta> {
  readonly channel: Channel
  readonly attempt: Attempt
  readonly hello: Pick<HelloMessage, 'isPrivate' | 'discovery'>
  readonly remoteMetadata: ConnMeta | undefined
  readonly roundTripMs: number | undefined
  readonly instance: string
  readonly clock: Clock
  /** Of all connections of the pool together. */
  readonly turns: Turns
  readonly config: Pick<PoolConfig<Msg>, 'messageCodec' | 'maxMessageBytes' | 'maxUndeliveredMessages'>
  /** Synchronous; the state is changed here. */
  readonly onEnd: (connection: Connection<Msg, ConnMeta>, ending: Ending, comeBackAfterMs: number) => void
  /** Throws `WireFault` for what a peer must not send. */
  readonly onExchange: (connection: Connection<Msg, ConnMeta>, message: ExchangeMessage | UnknownMessage) => void
  /** Messages, and their bytes, that were dropped since the last call: once a second at most, and at the end. */
  readonly onDropped: (connection: Connection<Msg, ConnMeta>, messages: number, bytes: number) => void
}

export class Connection<Msg = Uint8Array, ConnMeta = Uint8Array> implements RunningConnection {
  readonly attempt: Attempt
  readonly establishedAt: number
  readonly startedAt: number
  readonly isPrivate: boolean
  /** The peer takes part in the exchange of points. */
  readonly discovery: boolean
  readonly instance: string
  readonly roundTripMs: number | undefined
  /** What the peer told of this connection when it was made; `undefined` if it is plain. */
  readonly remoteMetadata: ConnMeta | undefined
  /** Application messages in order, for one reader; ends with the connection, after what had come before. */
  readonly messages: AsyncIterable<Msg>
  readonly #parts: ConnectionParts<Msg, ConnMeta>
  readonly #inbox: Inbox<Msg>
  #ending: Ending | undefined
  /** The same, once the link is closed too. */
  #closedAs: Ending | undefined
  #cancelLinger: (() => void) | undefined
  readonly #outbox: Outbox
  #messagesReceived = 0
  // What many connections never need, made when it is: there are hundreds of them, each with a share of the heap.
  #meters: { readonly received: Meter; readonly sent: Meter } | undefined
  #closing: PromiseWithResolvers<Ending> | undefined

  constructor(parts: ConnectionParts<Msg, ConnMeta>) {
    this.#parts = parts
    this.attempt = parts.attempt
    this.instance = parts.instance
    this.roundTripMs = parts.roundTripMs
    this.remoteMetadata = parts.remoteMetadata
    this.isPrivate = parts.hello.isPrivate
    this.discovery = parts.hello.discovery
    this.establishedAt = parts.clock.date()
    this.startedAt = parts.clock.now()
    this.#inbox = new Inbox(parts.config.maxUndeliveredMessages)
    this.messages = this.#inbox
    this.#outbox = new Outbox({
      channel: parts.channel,
      clock: parts.clock,
      turns: parts.turns,
      stalled: () => void this.disconnect({ kind: 'not-reading' }),
      broken: () => void this.#fallen({ by: 'network', reason: { kind: 'lost' } }),
      dropped: (messages, bytes) => parts.onDropped(this, messages, bytes)
    })
  }

  /** `plain`: the peer does not speak the pool protocol. It counts as any other, but no messages go to it and none come. */
  get kind(): ConnectionKind {
    return this.#parts.channel.link.plain === undefined ? 'pool' : 'plain'
  }

  get peerId(): PeerId {
    return this.#parts.channel.link.peerId
  }

  /** One that came in may have none at first, and get it when a dial of ours shows where the peer is. */
  get point(): Point | undefined {
    return this.attempt.point
  }

  get direction(): Direction {
    return this.attempt.direction
  }

  get host(): Host | undefined {
    return this.#parts.channel.link.host
  }

  get transport(): Transport {
    return this.#parts.channel.link.transport
  }

  /** The address seen at the other end, for people. */
  get remoteAddress(): string {
    return this.#parts.channel.link.remoteAddress
  }

  /** What there is to know of it, as plain JSON. The counters are in `stat`. */
  get info(): ConnectionInfo {
    const { peerId, kind, direction, transport, remoteAddress, establishedAt, isPrivate, discovery } = this
    const { host = null, point = null, roundTripMs = null } = this
    return { peerId, kind, direction, transport, host, remoteAddress, point, establishedAt, isPrivate, discovery, roundTripMs }
  }

  /** Resolves when it has ended, with the reason. */
  get closed(): Promise<Ending> {
    this.#closing ??= Promise.withResolvers()
    if (this.#closedAs !== undefined) this.#closing.resolve(this.#closedAs)
    return this.#closing.promise
  }

  /** How it ended; `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  get messagesReceived(): number {
    return this.#messagesReceived
  }

  get stat(): ConnectionStat {
    const { channel, clock } = this.#parts
    const { bytesReceived, bytesSent } = channel
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
   * the calls. At most 256 messages and 2 MiB wait, or one larger message. Rejects with `PoolError` `plain-peer`, `not-connected` once the
   * connection has ended, `message-too-large`, `too-many-waiting`, `invalid-argument`, or the signal's reason: then the message was not
   * sent. A peer that reads nothing for 30 s while messages wait is disconnected as `not-reading`.
   */
  send(message: Msg, options?: { signal?: AbortSignal | undefined }): Promise<void> {
    try {
      if (options !== undefined) whileWaiting(options, { code: 'invalid-argument', name: 'connection.send' })
      return this.sendPayload(encodePayload(this.#parts.config, message), options?.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** `send` for bytes that the codec made already. */
  sendPayload(payload: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.kind !== 'plain') return this.#outbox.write(this.#parts.channel.frameOf({ kind: 'application', payload }), signal)
    return Promise.reject(new PoolError('plain-peer', `${this.peerId} does not speak the pool protocol: it takes no messages`))
  }

  /**
   * Sends the frame of an application message without waiting. False, and nothing sent, if the peer is plain, the connection has ended,
   * or too much waits already: that is counted in `stat`.
   */
  offerFrame(frame: Uint8Array): boolean {
    return this.kind !== 'plain' && this.#outbox.offer(frame)
  }

  /** Sends a pool message; false if the peer is plain, or the link behind or gone, for none of these is worth a wait. */
  sendExchange(message: ExchangeMessage): boolean {
    return this.kind !== 'plain' && !this.#outbox.isBehind && this.#outbox.pass(this.#parts.channel.frameOf(message))
  }

  /** Bytes of the link so far. */
  get bytesReceived(): number {
    return this.#parts.channel.bytesReceived
  }

  /** Resolves when the other side gave a sign of life; never throws at once, whatever the link does. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#parts.channel.link.probe(signal)
  }

  /** Another connection can be made to where this one leads: we dialed it. */
  get canReach(): boolean {
    return this.#parts.channel.link.reach !== undefined
  }

  /** Makes one and closes it; never throws at once. */
  async reach(signal: AbortSignal): Promise<void> {
    await this.#parts.channel.link.reach?.(signal)
  }

  /** It gave none: ended as lost, at once. */
  lose(): void {
    const ending: Ending = { by: 'network', reason: { kind: 'lost' } }
    if (!this.#finish(ending, 0)) return
    abortLink(this.#parts.channel.link, 'no sign of life', { dead: true })
    this.#resolveClosed(ending)
  }

  /**
   * Says goodbye with the reason, or with a text as an explicit one, and closes; resolves when that is done. The first reason counts.
   * Rejects with `PoolError` `invalid-argument`.
   */
  async disconnect(given: DisconnectReason | string, comeBackAfterMs = 0): Promise<void> {
    const reason = checkReason(given, { code: 'invalid-argument', name: 'connection.disconnect' }) as DisconnectReason
    if (this.#finish({ by: 'us', reason }, comeBackAfterMs)) {
      const { channel } = this.#parts
      try {
        channel.send(disconnectMessage(reason, comeBackAfterMs))
      } catch {
        // The link is gone already: there is nobody to say goodbye to.
      }
      await closeLink(channel.link, this.#parts.clock)
      this.#resolveClosed({ by: 'us', reason })
    }
    await this.closed
  }

  /** Reads until the end. Called once, by the flow that made the connection; never rejects. */
  async serve(): Promise<void> {
    const { channel, config, turns } = this.#parts
    // Whoever does not read does not see the end: without this a peer that left would keep its place.
    const over = (): void => {
      if (this.#ending === undefined)
        this.#cancelLinger = this.#parts.clock.schedule(
          unreadLingerMs,
          () => void this.#fallen({ by: 'them', reason: { kind: 'closed-by-peer' } })
        )
    }
    const limits = { maxApplicationBytes: config.maxMessageBytes }
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
      await this.#fallen({ by: 'them', reason: { kind: 'closed-by-peer' } })
    } catch (error) {
      if (error instanceof WireFault) await this.disconnect({ kind: 'fault', detail: error.message })
      else await this.#fallen({ by: 'network', reason: { kind: 'lost' } })
    }
  }

  #handle(message: ReceivedMessage): void {
    switch (message.kind) {
      case 'application':
        this.#messagesReceived++
        this.#inbox.put(decodePayload(this.#parts.config.messageCodec, message.payload), message.payload.length)
        return
      case 'disconnect':
        void this.#fallen({ by: 'them', reason: reasonOf(message) }, message.comeBackAfterMs)
        return
      case 'hello':
      case 'ack':
      case 'nack':
        throw new WireFault(`a running connection expects no ${message.kind}`)
      default:
        this.#parts.onExchange(this, message)
    }
  }

  /** The other side or the network ended it. */
  async #fallen(ending: Ending, comeBackAfterMs = 0): Promise<void> {
    if (!this.#finish(ending, comeBackAfterMs)) return
    await closeLink(this.#parts.channel.link, this.#parts.clock)
    this.#resolveClosed(ending)
  }

  /** True for the caller that ended it. */
  #finish(ending: Ending, comeBackAfterMs: number): boolean {
    if (this.#ending !== undefined) return false
    this.#ending = ending
    this.#cancelLinger?.()
    this.#inbox.end()
    this.#parts.onEnd(this, ending, comeBackAfterMs)
    const { peerId } = this
    const error = new PoolError('not-connected', `the connection with ${peerId} has ended: ${describeReason(ending.reason)}`, { ending })
    this.#outbox.end(error)
    return true
  }

  #resolveClosed(ending: Ending): void {
    this.#closedAs = ending
    this.#closing?.resolve(ending)
  }
}
