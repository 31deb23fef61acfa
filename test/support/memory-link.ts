/** Two ends of one link in memory: ordered, delayed on the hub's clock, with a bounded buffer in each direction. */
import { hostOf } from '../../src/core/values/address.ts'
import type { Host, PeerId, Point } from '../../src/core/values/ids.ts'
import type { Clock, Link, Transport } from '../../src/core/values/ports.ts'

/** Who holds an end. */
export interface Owner {
  readonly peerId: PeerId
  readonly point: Point
}

/** The world that links run through. */
export interface Wires {
  readonly clock: Clock
  /** Open links, both ends; for faults. */
  readonly links: Set<MemoryLink>
  /** One-way delay of each piece, ms. */
  latencyMs(): number
  /** False: what is sent is lost without a word. */
  reaches(from: Owner, to: Owner): boolean
}

/** Bytes on their way in one direction before `send` says no. */
const bufferBytes = 256 * 1024

type Item = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'end' } | { readonly kind: 'broken' }

export function linkPair(hub: Wires, dialer: Owner, listener: Owner): [MemoryLink, MemoryLink] {
  const ours = new MemoryLink(hub, { owner: dialer, remote: listener, direction: 'outgoing' })
  const theirs = new MemoryLink(hub, { owner: listener, remote: dialer, direction: 'incoming' })
  ours.peer = theirs
  theirs.peer = ours
  return [ours, theirs]
}

export class MemoryLink implements Link {
  readonly owner: Owner
  readonly peerId: PeerId
  readonly direction: 'outgoing' | 'incoming'
  readonly host: Host | undefined
  readonly transport: Transport = 'memory'
  readonly remoteAddress: string
  readonly chunks: AsyncIterable<Uint8Array>
  readonly over: Promise<void>
  readonly #isOver: () => void
  peer: MemoryLink | undefined
  readonly #hub: Wires
  readonly #remote: Owner
  readonly #inbox: Item[] = []
  #reader: (() => void) | undefined
  inFlight = 0
  #closed = false
  #lastArrival = 0
  readonly drains = new Set<() => void>()

  constructor(hub: Wires, { owner, remote, direction }: { owner: Owner; remote: Owner; direction: 'outgoing' | 'incoming' }) {
    this.#hub = hub
    this.owner = owner
    this.#remote = remote
    this.peerId = remote.peerId
    this.direction = direction
    this.host = hostOf(remote.point)
    this.remoteAddress = remote.point
    this.chunks = this.#read()
    const over = Promise.withResolvers<void>()
    this.over = over.promise
    this.#isOver = over.resolve
    hub.links.add(this)
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed) throw new Error('the link is closed')
    this.inFlight += bytes.length
    this.#post({ kind: 'bytes', bytes })
    return this.inFlight < bufferBytes
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
      const check = (): void => {
        if (this.#closed) reject(new Error('the link is closed'))
        else if (this.inFlight < bufferBytes / 2) resolve()
        else return
        this.drains.delete(check)
      }
      this.drains.add(check)
      signal.addEventListener('abort', () => {
        this.drains.delete(check)
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

  /** The wire is cut. */
  breakBoth(): void {
    this.arrive({ kind: 'broken' })
    this.peer?.arrive({ kind: 'broken' })
    this.shut()
    this.peer?.shut()
  }

  shut(): void {
    this.#closed = true
    this.#hub.links.delete(this)
    for (const check of this.drains) check()
    this.arrive({ kind: 'end' })
  }

  /** In order, whatever latency each piece draws. */
  #post(item: Item): void {
    const { clock } = this.#hub
    this.#lastArrival = Math.max(this.#lastArrival, clock.now() + this.#hub.latencyMs())
    clock.schedule(this.#lastArrival - clock.now(), () => {
      if (this.#hub.reaches(this.owner, this.#remote)) this.peer?.arrive(item)
    })
  }

  arrive(item: Item): void {
    this.#inbox.push(item)
    if (item.kind !== 'bytes') this.#isOver()
    this.#reader?.()
    this.#reader = undefined
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const item = this.#inbox.shift()
      if (item === undefined) {
        await new Promise<void>((resolve) => {
          this.#reader = resolve
        })
        continue
      }
      if (item.kind === 'end') return
      if (item.kind === 'broken') throw new Error('the link broke')
      const { peer } = this
      if (peer !== undefined) {
        peer.inFlight -= item.bytes.length
        for (const check of [...peer.drains]) check()
      }
      yield item.bytes
    }
  }
}
