/**
 * One libp2p stream as the core's `Link`. It owns the stream from the moment the protocol is negotiated: reading with
 * back-pressure, sending, closing within a deadline. `network.ts` makes links; `connection-keeper.ts` decides what becomes of the
 * connection below when the stream is gone for good.
 *
 * libp2p's own ways of reading are not used: its async iterator never pauses the stream, its `onDrain` stays resolved
 * after the first drain, and what comes to a paused stream it keeps as a list of pieces, of any number. So the link takes the bytes
 * before libp2p stores them, and joins small pieces.
 */
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Host, PeerId } from '../core/values/ids.ts'
import type { Link, Transport } from '../core/values/ports.ts'
import type { ConnectionKeeper } from './connection-keeper.ts'
import { otherUseOf, watchUse } from './connection-use.ts'
import type { LinkAddress } from './link-address.ts'
import { probe } from './probe.ts'

/** Bytes read ahead of the core. About one first window of yamux: enough to keep it moving, little to lose. */
const readAheadBytes = 256 * 1024
/** What a piece costs beside its bytes, roughly. */
const pieceOverheadBytes = 64
/** Pieces that wait are joined to blocks of this size: a sender of single bytes must not cost a hundred times what it sends. */
const blockBytes = 8 * 1024
/** Reading goes on when so little is left. */
const resumeBelowBytes = readAheadBytes / 2
/**
 * What may wait unread before the stream is broken off. Yamux' largest window, since an honest sender may have that
 * much in flight when we pause; the presets keep windows at 1 MiB. WebRTC streams cannot be paused at all: there this
 * is where a sender that outruns its reader loses the link.
 */
const maxUnreadBytes = 16 * 1024 * 1024
/** Unused by libp2p 3 as yet; a silent pool connection is a good one, so it must not begin to matter. */
const noInactivityTimeoutMs = 2_147_483_647
/** What the port promises: closing never takes longer. */
export const closeDeadlineMs = 1_000

/** A piece, or a list of pieces. */
type Received = StreamMessageEvent['data']

/** What libp2p's own streams have beside the interface: they call it with all that comes. */
interface ReceivingStream extends Stream {
  onData?: (data: Received) => void
}

interface LinkParts {
  readonly connection: Connection
  readonly keeper: Pick<ConnectionKeeper, 'release' | 'components'>
  /** As in the port. */
  readonly reach?: Link['reach']
}

/** Its own iterable and iterator: hundreds of silent links would each keep what else it takes. */
export class StreamLink implements Link, AsyncIterableIterator<Uint8Array, undefined> {
  readonly peerId: PeerId
  readonly direction: 'outgoing' | 'incoming'
  readonly host: Host | undefined
  readonly transport: Transport
  readonly remoteAddress: string
  readonly over: Promise<void>
  readonly reach: Link['reach']
  isRefused = false
  readonly #isOver: () => void
  readonly #stream: Stream
  readonly connection: Connection
  readonly #keeper: LinkParts['keeper']
  /** Read and not yet pulled, from `#next` on, then `#block`: bounded by pausing at `readAheadBytes`, plus what is in flight then. */
  #unread: Uint8Array[] = []
  #next = 0
  /** Small pieces, joined; filled up to `#filled`. */
  #block: Uint8Array | undefined
  #filled = 0
  /** Of both. */
  #unreadBytes = 0
  #paused = false
  /** The other side sent everything it had to send. */
  #finished = false
  #end: { readonly error: Error | undefined } | undefined
  #wake: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(stream: Stream, address: LinkAddress, { connection, keeper, reach }: LinkParts) {
    watchUse(connection, keeper.components)
    this.reach = reach
    this.peerId = address.peerId
    this.host = address.host
    this.transport = address.transport
    this.direction = stream.direction === 'outbound' ? 'outgoing' : 'incoming'
    this.remoteAddress = connection.remoteAddr.toString()
    this.#stream = stream
    this.connection = connection
    this.#keeper = keeper
    const over = Promise.withResolvers<void>()
    this.over = over.promise
    this.#isOver = over.resolve
    stream.inactivityTimeout = noInactivityTimeoutMs
    stream.maxReadBufferLength = maxUnreadBytes
    this.#listen()
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  send(...pieces: readonly Uint8Array[]): boolean {
    // A list is encrypted as it is: joining large pieces costs more than all else of a message.
    return this.#stream.send(new Uint8ArrayList(...pieces))
  }

  get use(): Link['use'] {
    return otherUseOf(this.connection, this.#keeper.components)
  }

  get unsentBytes(): number {
    return this.#stream.writeBufferLength
  }

  drained(signal: AbortSignal): Promise<void> {
    const stream = this.#stream
    return new Promise((resolve, reject) => {
      const settle = (result: () => void): void => {
        stream.removeEventListener('drain', drain)
        stream.removeEventListener('close', close)
        signal.removeEventListener('abort', abort)
        result()
      }
      const abort = (): void => settle(() => reject(signal.reason))
      const close = (): void => settle(() => reject(new Error('the link closed')))
      // The stream sends on what it holds in a microtask after the event, and may be full again then.
      const drain = (): void => queueMicrotask(() => stream.writableNeedsDrain || settle(resolve))
      if (signal.aborted) return abort()
      if (stream.writeStatus !== 'writable') return close()
      if (!stream.writableNeedsDrain) return resolve()
      stream.addEventListener('drain', drain)
      stream.addEventListener('close', close)
      signal.addEventListener('abort', abort)
    })
  }

  /** After its deadline the stream is aborted and the connection, if nobody else has it, too. */
  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  abort(detail: string, { dead } = { dead: false }): void {
    const error = new Error(detail)
    this.#stop(error)
    if (dead) this.connection.abort(error)
    else this.#stream.abort(error)
    this.#closed ??= this.#keeper.release(this.connection, this, AbortSignal.timeout(closeDeadlineMs))
  }

  probe(signal: AbortSignal): Promise<void> {
    return probe(this.connection, signal)
  }

  async #finish(): Promise<void> {
    this.#stop(undefined)
    const deadline = AbortSignal.timeout(closeDeadlineMs)
    try {
      await this.#stream.close({ signal: deadline })
      await gone(this.#stream, deadline)
    } catch (error) {
      this.#stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
    await this.#keeper.release(this.connection, this, deadline)
  }

  /** Ends the reading from our side: what is unread is dropped, and what comes still, so that the other side can finish. */
  #stop(error: Error | undefined): void {
    this.#end ??= { error }
    this.#isOver()
    this.#unread = []
    this.#next = 0
    this.#block = undefined
    this.#filled = 0
    this.#unreadBytes = 0
    this.#resume()
    this.#rouse()
  }

  /** The next piece; for one reader. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const piece = this.#shift()
    if (piece !== undefined) {
      if (this.#unreadBytes <= resumeBelowBytes) this.#resume()
      return Promise.resolve({ done: false, value: piece })
    }
    if (this.#end === undefined)
      return new Promise((resolve) => {
        this.#wake = () => resolve(this.next())
      })
    return this.#end.error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.#end.error)
  }

  /** The first piece that waits, if any. */
  #shift(): Uint8Array | undefined {
    if (this.#next === this.#unread.length) this.#closeBlock()
    const piece = this.#unread[this.#next]
    if (piece === undefined) return undefined
    this.#next++
    this.#forget()
    this.#unreadBytes -= piece.byteLength + pieceOverheadBytes
    return piece
  }

  /** Drops what was pulled, now and then: `shift` moves the whole array each time once it is large. */
  #forget(): void {
    if (this.#next < this.#unread.length && this.#next < 1_024) return
    this.#unread = this.#unread.slice(this.#next)
    this.#next = 0
  }

  #rouse(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** A list holds the pieces as they came from the wire: no copy. */
  #take(data: Received): void {
    if (this.#end !== undefined) return
    for (const piece of data instanceof Uint8Array ? [data] : data) this.#add(piece)
    if (this.#unreadBytes > maxUnreadBytes) this.#stream.abort(new Error(`more than ${maxUnreadBytes} bytes wait unread`))
    else if (this.#unreadBytes >= readAheadBytes) this.#pause()
    this.#rouse()
  }

  /** A piece that must wait is copied if it is small, or the smaller part of the memory that it would keep. */
  #add(piece: Uint8Array): void {
    const waits = this.#next < this.#unread.length || this.#block !== undefined
    const { byteLength } = piece
    if (!waits || (byteLength >= blockBytes / 4 && 2 * byteLength >= piece.buffer.byteLength)) {
      this.#closeBlock()
      this.#unread.push(piece)
      this.#unreadBytes += byteLength + pieceOverheadBytes
      return
    }
    if (this.#block !== undefined && this.#filled + byteLength > this.#block.length) this.#closeBlock()
    this.#block ??= new Uint8Array(Math.max(blockBytes, byteLength))
    this.#block.set(piece, this.#filled)
    this.#filled += byteLength
    this.#unreadBytes += byteLength
  }

  #closeBlock(): void {
    if (this.#block === undefined) return
    this.#unread.push(this.#block.subarray(0, this.#filled))
    this.#unreadBytes += pieceOverheadBytes
    this.#block = undefined
    this.#filled = 0
  }

  #listen(): void {
    const stream: ReceivingStream = this.#stream
    const store = stream.onData
    // What came before the link was made waits in the stream and comes as an event, before anything else. A listener costs half a KiB.
    if (store === undefined || stream.readBufferLength > 0) stream.addEventListener('message', ({ data }) => this.#take(data))
    if (store !== undefined) {
      stream.onData = (data) => {
        const isReading = stream.readStatus === 'readable' || stream.readStatus === 'paused'
        if (isReading && stream.readBufferLength === 0) this.#take(data)
        else store.call(stream, data)
      }
    }
    stream.addEventListener('remoteCloseWrite', () => {
      this.#finished = true
      this.#isOver()
      this.#overOnceRead()
    })
    stream.addEventListener('close', ({ error }) => {
      this.#drain()
      this.#over(this.#finished ? undefined : (error ?? new Error('the link broke')))
    })
    if (stream.remoteWriteStatus === 'closed') this.#finished = true
    if (stream.status !== 'open') this.#over(new Error(`the stream was ${stream.status} before it could be used`))
    else if (this.#finished) this.#overOnceRead()
  }

  /** The other side closed: what a paused stream holds is still to come. */
  #overOnceRead(): void {
    if (this.#stream.readBufferLength === 0) this.#over(undefined)
    else this.#stream.addEventListener('end', () => this.#over(undefined))
  }

  /** The stream says that nothing more will come. What was read stays readable, then the end shows. */
  #over(error: Error | undefined): void {
    this.#end ??= { error }
    this.#isOver()
    this.#rouse()
  }

  /** A closed stream still holds what came while it was paused, or in this turn; resuming is what makes it deliver. */
  #drain(): void {
    if (this.#stream.readBufferLength === 0) return
    if (!this.#paused) this.#pause()
    this.#resume()
  }

  #pause(): void {
    if (this.#paused || this.#stream.readStatus !== 'readable') return
    this.#paused = true
    this.#stream.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#stream.readStatus !== 'paused') return
    try {
      this.#stream.resume()
    } catch (error) {
      // It delivers first and then tells the other side, which fails when the connection is gone.
      this.#stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** Resolves when both sides have closed, or the stream broke. */
function gone(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stream.status !== 'open' && stream.status !== 'closing') return resolve()
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    const close = (): void => {
      signal.removeEventListener('abort', abort)
      resolve()
    }
    stream.addEventListener('close', close, { once: true })
  })
}
