/** A link in memory with its two ends: ordered, delayed on the clock of the hub, with a bounded buffer in each direction. */
import { hostOf, transportOf } from '../core/values/address.ts'
import type { Host, PeerId, Point } from '../core/values/ids.ts'
import type { Clock, Link, PlainPeer, Transport } from '../core/values/ports.ts'

/** The node that holds one end of a link. */
export interface LinkOwner {
  readonly peerId: PeerId
  /** Its number in the hub, from 0. */
  readonly index: number
  /** Where it is. */
  readonly point: Point
  /** Its ends of open links. */
  readonly links: Set<MemoryLink>
  /** Called when something is about to reach it. */
  readonly touched: () => void
  /** True: nothing gets to it or from it. */
  readonly isOffline: boolean
  /** True: its program does not run for now, and takes nothing that arrives. */
  readonly isAsleep: boolean
  /** What it has sent so far. */
  readonly sent: { writes: number; bytes: number }
}

/** What links run through: the hub. */
export interface Wires {
  /** The clock of the network. */
  readonly clock: Clock
  /** One-way delay of each piece, ms. */
  latencyMs: (from: LinkOwner, to: LinkOwner) => number
  /** False: nothing gets through now; it is sent again until it does. */
  connects(from: LinkOwner, to: LinkOwner): boolean
}

/** Bytes on their way in one direction before `send` says no. */
const bufferBytes = 256 * 1024

/** What did not get through is sent again after this, ms. */
const retransmitMs = 1_000
/** A link on which something has not got through for so long is broken, ms. */
const keepAliveIntervalMs = 30_000

type Item = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'end' } | { readonly kind: 'broken' }

interface Posted {
  readonly item: Item
  readonly sentAt: number
  readonly arrivesAt: number
}

const ended: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined }

/** A link with a page, whose point ends with `/webrtc/p2p/ID`, is a WebRTC one at both ends. */
export function linkPair(hub: Wires, dialer: LinkOwner, listener: LinkOwner): [MemoryLink, MemoryLink] {
  const transport = transportOf(listener.point) === 'webrtc' ? 'webrtc' : 'memory'
  const ours = new MemoryLink(hub, { owner: dialer, remote: listener, direction: 'outgoing', transport })
  const theirs = new MemoryLink(hub, { owner: listener, remote: dialer, direction: 'incoming', transport })
  ours.peer = theirs
  theirs.peer = ours
  return [ours, theirs]
}

/** One end of a link. A pool gets it as its `Link`; a test may break it. */
export class MemoryLink implements Link {
  /** The node of this end. */
  readonly owner: LinkOwner
  /** The node of the other end. */
  readonly remote: LinkOwner
  readonly direction: 'outgoing' | 'incoming'
  readonly host: Host | undefined
  readonly transport: Transport
  plain: PlainPeer | undefined
  readonly over: Promise<void>
  readonly #isOver: () => void
  /** The other end. */
  peer: MemoryLink | undefined
  readonly #hub: Wires
  readonly #inbox: Item[] = []
  #reader:
    | { readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void; readonly reject: (error: unknown) => void }
    | undefined
  /** On their way to the other end, in order. */
  readonly #wire: Posted[] = []
  #cancelArrival: (() => void) | undefined
  /** Bytes that were sent and not read yet. */
  inFlight = 0
  #closed = false
  /** True: nothing gets through from this end, whatever the hub says, and nobody is notified. */
  isStale = false
  /** How the other end is reached; set it in tests that are about it. @default unknown */
  reach: Link['reach']
  /** What else the host uses the connection for; set it in tests that are about it. @default nothing */
  use: Link['use']
  /** The program that held it was killed; what reaches it is answered by a reset. */
  isDead = false
  #drains: Set<() => void> | undefined

  constructor(hub: Wires, { owner, remote, direction, transport }: Pick<MemoryLink, 'owner' | 'remote' | 'direction' | 'transport'>) {
    this.#hub = hub
    this.owner = owner
    this.remote = remote
    this.direction = direction
    this.transport = transport
    this.host = hostOf(remote.point)
    const over = Promise.withResolvers<void>()
    this.over = over.promise
    this.#isOver = over.resolve
    owner.links.add(this)
  }

  get peerId(): PeerId {
    return this.remote.peerId
  }

  get remoteAddress(): string {
    return this.remote.point
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#read() }) }
  }

  send(...pieces: readonly Uint8Array[]): boolean {
    if (this.#closed) throw new Error('the link is closed')
    if (this.plain !== undefined) throw new Error('the peer is plain')
    const bytes = joined(pieces)
    this.inFlight += bytes.length
    this.owner.sent.writes++
    this.owner.sent.bytes += bytes.length
    this.#post({ kind: 'bytes', bytes })
    return this.inFlight < bufferBytes
  }

  /** Whether data gets from this end to the other now. */
  get getsThrough(): boolean {
    return !this.isStale && this.#hub.connects(this.owner, this.remote)
  }

  get unsentBytes(): number {
    return this.inFlight
  }

  drained(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the link is closed'))
        return
      }
      if (this.inFlight < bufferBytes) {
        resolve()
        return
      }
      const drains = this.#drains ?? new Set()
      this.#drains = drains
      const check = (): void => {
        if (this.#closed) reject(new Error('the link is closed'))
        else if (this.inFlight < bufferBytes / 2) resolve()
        else return
        drains.delete(check)
      }
      drains.add(check)
      signal.addEventListener('abort', () => {
        drains.delete(check)
        reject(signal.reason)
      })
    })
  }

  close(): Promise<void> {
    if (!this.#closed) this.#post({ kind: 'end' })
    this.shut()
    return Promise.resolve()
  }

  abort(): void {
    if (!this.#closed) this.#post({ kind: 'broken' })
    this.shut()
  }

  /** Resolves when the machine at the other end answers, even if data waits unread there; asked again until then. */
  probe(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#hub
      const ask = (delayMs: number): (() => void) => {
        const [there, back] = [this.getsThrough, this.peer?.getsThrough]
        return clock.schedule(delayMs, () => {
          if (this.isDead || this.#closed) return
          this.owner.touched()
          if (there && back === true && this.peer?.isDead === false) resolve()
          else cancel = ask(retransmitMs)
        })
      }
      let cancel = ask(this.#hub.latencyMs(this.owner, this.remote) + this.#hub.latencyMs(this.remote, this.owner))
      signal.addEventListener('abort', () => {
        cancel()
        reject(signal.reason)
      })
    })
  }

  /** Breaks the link at both ends at once, as if the wire were cut. */
  breakBoth(): void {
    for (const end of [this, this.peer]) {
      if (end === undefined || end.isDead) continue
      end.cut()
      end.arrive({ kind: 'broken' })
    }
    for (const end of [this, this.peer]) if (end?.isDead === false) end.shut()
  }

  /** The program of this end is gone, and the end does nothing any more. `resets`: its machine is there and resets the link. */
  die(resets: boolean): void {
    this.cut()
    if (resets && !this.#closed) this.#post({ kind: 'broken' })
    this.isDead = true
    this.#forget()
    this.#reader = undefined
  }

  /** Loses what is on its way to the other end. */
  cut(): void {
    this.#cancelArrival?.()
    this.#cancelArrival = undefined
    this.#wire.length = 0
  }

  /** @internal Something reached this end; called by the other end. */
  arrive(item: Item): void {
    this.#inbox.push(item)
    if (this.owner.isAsleep) return
    this.owner.touched()
    this.#hand(item)
  }

  /** @internal Its program is awake again, and gets what has arrived. */
  awake(): void {
    const last = this.#inbox.at(-1)
    if (last === undefined) return
    this.owner.touched()
    this.#hand(last)
  }

  #hand({ kind }: Item): void {
    if (kind !== 'bytes') this.#isOver()
    const reader = this.#reader
    if (reader === undefined) return
    this.#reader = undefined
    try {
      const result = this.#take()
      if (result !== undefined) reader.resolve(result)
    } catch (error) {
      reader.reject(error)
    }
  }

  /** Closes this end alone. */
  shut(): void {
    this.#forget()
    for (const check of this.#drains ?? []) check()
    this.arrive({ kind: 'end' })
  }

  #forget(): void {
    this.#closed = true
    this.owner.links.delete(this)
  }

  /** In order, whatever latency each piece draws. */
  #post(item: Item): void {
    const { clock } = this.#hub
    const sentAt = clock.now()
    const arrivesAt = Math.max(this.#wire.at(-1)?.arrivesAt ?? 0, sentAt + this.#hub.latencyMs(this.owner, this.remote))
    this.#wire.push({ item, sentAt, arrivesAt })
    if (this.#cancelArrival === undefined) this.#await(arrivesAt - sentAt)
  }

  #await(delayMs: number): void {
    this.#cancelArrival = this.#hub.clock.schedule(delayMs, () => {
      this.#cancelArrival = undefined
      this.#deliver()
    })
  }

  #deliver(): void {
    const [first] = this.#wire
    if (first === undefined) return
    const now = this.#hub.clock.now()
    if (!this.getsThrough) {
      if (now - first.sentAt >= keepAliveIntervalMs) this.breakBoth()
      else this.#await(retransmitMs)
      return
    }
    this.#wire.shift()
    if (this.peer?.isDead === true) {
      this.breakBoth()
      return
    }
    this.peer?.arrive(first.item)
    const [next] = this.#wire
    if (next !== undefined && this.#cancelArrival === undefined) this.#await(Math.max(0, next.arrivesAt - now))
  }

  #read(): Promise<IteratorResult<Uint8Array, undefined>> {
    return new Promise((resolve, reject) => {
      const result = this.#take()
      if (result === undefined) this.#reader = { resolve, reject }
      else resolve(result)
    })
  }

  /** What has arrived, if anything has. Throws once the link broke. */
  #take(): IteratorResult<Uint8Array, undefined> | undefined {
    const [item] = this.#inbox
    if (item === undefined) return undefined
    if (item.kind === 'end') return ended
    if (item.kind === 'broken') throw new Error('the link broke')
    this.#inbox.shift()
    const { peer } = this
    if (peer !== undefined) {
      peer.inFlight -= item.bytes.length
      if (peer.#drains !== undefined) for (const check of [...peer.#drains]) check()
    }
    return { done: false, value: item.bytes }
  }
}

/** The caller may change several pieces once `send` gave true, while they are on their way here: a copy. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces
  if (first !== undefined && pieces.length === 1) return first
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
