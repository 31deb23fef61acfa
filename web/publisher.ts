/**
 * Sends the tabs that follow what the pool shows and what happens, as far as a person sees them. Tabs that
 * are hidden get messages of peers and nothing else; while nobody looks, nothing ticks here.
 */
import type { Connection } from '../src/core/flows/connection.ts'
import type { PeerPool } from '../src/core/peer-pool.ts'
import { type PoolEvent, type PoolEventName, poolEventNames } from '../src/core/values/events.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import type { Log } from '../src/core/values/ports.ts'
import { maxHears, type OwnerNews, type OwnerNotice } from './tab-messages.ts'

/** Ten pictures a second are a moving one. Also the longest wait for events that are sent together, ms. */
const newsEveryMs = 100
/** A tab that looks says so every second; one that said nothing for so long looks no more, ms. */
const lookLastsMs = 3_500
/** Tabs that look at once; the one that looked first goes. */
const maxLooking = 64
/** Events that wait for the next news; the oldest goes. */
const maxEvents = 256

interface Looking {
  readonly until: number
  readonly hears: readonly string[]
}

export interface PublisherParts<Msg, PeerMeta, ConnMeta> {
  readonly pool: PeerPool<Msg, PeerMeta, ConnMeta>
  readonly about: () => OwnerNotice
  /** Posts to one tab, or to all. */
  readonly say: (news: OwnerNews, to?: string) => void
  /** What happened, for this tab's own listeners. */
  readonly happened: (event: PoolEvent) => void
  /** An application message came. */
  readonly received: (peerId: PeerId, message: Msg) => void
  /** A person begins to look at some tab that follows, or no one does any more. */
  readonly watched: (isWatched: boolean) => void
  readonly log: Log
}

export class Publisher<Msg, PeerMeta, ConnMeta> {
  readonly #parts: PublisherParts<Msg, PeerMeta, ConnMeta>
  readonly #looking = new Map<string, Looking>()
  readonly #relayed = new Set<PoolEventName>()
  #ownNames: readonly string[] = []
  #isReading = false
  #events: PoolEvent[] = []
  #saidVersion = -1
  #timer: ReturnType<typeof setTimeout> | undefined
  #expiry: ReturnType<typeof setTimeout> | undefined
  #wasWatched = false

  constructor(parts: PublisherParts<Msg, PeerMeta, ConnMeta>) {
    this.#parts = parts
    parts.pool.addEventListener('change', this.#changed)
    this.sayState()
  }

  /** A person looks at some tab that follows. */
  get isWatched(): boolean {
    const now = performance.now()
    return [...this.#looking.values()].some(({ until }) => until > now)
  }

  /** A tab asks what is new since the version it has seen; -1: it has seen none of ours. */
  looked(from: string, { seen, hears }: { seen: number; hears: readonly string[] }): void {
    this.#looking.delete(from)
    this.#looking.set(from, { until: performance.now() + lookLastsMs, hears: hears.slice(0, maxHears) })
    const [oldest] = this.#looking.keys()
    if (this.#looking.size > maxLooking && oldest !== undefined) this.#looking.delete(oldest)
    this.#relay()
    this.#watched()
    this.tellNow()
    const snapshot = this.#parts.pool.snapshot()
    if (seen < 0) this.sayState()
    else if (seen === snapshot.version) {
      const { takenAt, connections, storage } = snapshot
      this.#parts.say({ kind: 'counters', takenAt, connections, storage, about: this.#parts.about() }, from)
    }
  }

  away(from: string): void {
    this.#looking.delete(from)
    this.#relay()
    this.#watched()
  }

  /** While a tab is seen, it is noticed in time that it is not any more: a tab may end without a message. */
  #watched(): void {
    clearTimeout(this.#expiry)
    const { isWatched } = this
    if (isWatched) this.#expiry = setTimeout(() => this.#watched(), lookLastsMs)
    if (isWatched === this.#wasWatched) return
    this.#wasWatched = isWatched
    // What waits to be sent is from before: a tab that is hidden has the state of then, and gets nothing later.
    if (!isWatched && this.#timer !== undefined) this.tellNow()
    this.#parts.watched(isWatched)
  }

  /** The events that this tab's own listeners wait for. */
  hears(names: readonly string[]): void {
    this.#ownNames = names
    this.#relay()
  }

  stop(): void {
    const { pool } = this.#parts
    clearTimeout(this.#timer)
    clearTimeout(this.#expiry)
    pool.removeEventListener('change', this.#changed)
    pool.removeEventListener('connection-opened', this.#established)
    for (const name of this.#relayed) pool.removeEventListener(name, this.#happened)
  }

  /** Listens to what a tab listens to, and to nothing else. A name that is no event of ours never happens. */
  #relay(): void {
    const { pool } = this.#parts
    const names = new Set([...this.#ownNames, ...[...this.#looking.values()].flatMap(({ hears }) => hears)])
    names.delete('change')
    this.#readIf(names)
    const wanted = new Set([...names].filter((name) => Object.hasOwn(poolEventNames, name)) as PoolEventName[])
    for (const name of this.#relayed) if (!wanted.has(name)) pool.removeEventListener(name, this.#happened)
    for (const name of wanted) if (!this.#relayed.has(name)) pool.addEventListener(name, this.#happened)
    this.#relayed.clear()
    for (const name of wanted) this.#relayed.add(name)
  }

  readonly #happened = (event: PoolEvent): void => {
    this.#parts.happened(event)
    if (this.#looking.size === 0) return
    this.#events.push(event)
    if (this.#events.length > maxEvents) this.#events.shift()
    this.#later()
  }

  readonly #changed = (event: PoolEvent): void => {
    this.#parts.happened(event)
    this.#later()
  }

  #later(): void {
    if (this.#timer !== undefined || !this.isWatched) return
    this.#timer = setTimeout(() => this.tellNow(), newsEveryMs)
  }

  /** What waits for the next news. */
  tellNow(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { pool, say } = this.#parts
    if (this.#events.length > 0) say({ kind: 'events', events: this.#events })
    this.#events = []
    if (pool.snapshot().version !== this.#saidVersion) this.sayState()
  }

  /** Also to those who do not look. */
  sayState(): void {
    const { pool, about, say } = this.#parts
    const snapshot = pool.snapshot()
    this.#saidVersion = snapshot.version
    say({ kind: 'state', snapshot, about: about() })
  }

  /** From the first time that a tab wants messages: a program that reads them by other means never does. */
  #readIf(wanted: ReadonlySet<string>): void {
    if (this.#isReading || !wanted.has('message')) return
    this.#isReading = true
    const { pool } = this.#parts
    pool.addEventListener('connection-opened', this.#established)
    for (const connection of pool.connections.list()) void this.#read(connection)
  }

  readonly #established = ({ detail }: PoolEvent<'connection-opened'>): void => {
    const connection = this.#parts.pool.connections.findByPeerId(detail.peerId)
    if (connection !== undefined) void this.#read(connection)
  }

  /** The one reader of a connection. */
  async #read(connection: Connection<Msg, ConnMeta>): Promise<void> {
    try {
      for await (const message of connection.messages) this.#parts.received(connection.peerId, message)
    } catch (error) {
      // The messages of a connection never fail by themselves: the program reads them too.
      this.#parts.log.error(`messages of ${connection.peerId} reach no other tab now`, error)
    }
  }
}
