/**
 * The time of this tab as owner: the node that runs here, what the other tabs get, and the requests of all. Made by
 * `tab-session.ts` when it gets the lock, ended by it once and for all.
 */
import type { ConnectionBand } from '../src/core/values/bounds.ts'
import type { PoolEvent } from '../src/core/values/events.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import type { Log } from '../src/core/values/ports.ts'
import { PoolError } from '../src/core/values/reason.ts'
import type { PoolConfig } from '../src/core/values/settings.ts'
import { systemRandom } from '../src/libp2p/system.ts'
import { Publisher } from './publisher.ts'
import { type RequestName, runRequest } from './requests.ts'
import type { TabLock } from './tab-lock.ts'
import { type Envelope, type OwnerMessage, type OwnerNews, type OwnerNotice, plainError } from './tab-messages.ts'
import type { FollowingPeer, TabPeer } from './tab-peer.ts'

/** Requests of all tabs that the owner works at; one more is refused. */
const maxRunning = 512

export interface OwnerTermParts<Msg, PeerMeta, ConnMeta> {
  readonly config: PoolConfig<Msg, PeerMeta, ConnMeta>
  readonly lock: TabLock
  /** Posts to one tab, or to all. */
  readonly post: (message: OwnerMessage, to?: string) => void
  /** For this tab's own listeners. */
  readonly happened: (event: PoolEvent) => void
  readonly received: (peerId: PeerId, message: Msg) => void
  readonly log: Log
}

/** How a request went: an error if that is not undefined. */
export interface Outcome {
  readonly value?: unknown
  readonly error?: NonNullable<unknown> | undefined
}

export interface AnyRequest {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

export class Leadership<Msg, PeerMeta, ConnMeta> {
  /** Tells this time from that of other owners. */
  readonly name = randomName()
  /** Settles when the node runs or could not start. */
  readonly starting: Promise<FollowingPeer<Msg, PeerMeta, ConnMeta>>
  /** Fires when it is over. */
  readonly over = new AbortController()
  readonly #parts: OwnerTermParts<Msg, PeerMeta, ConnMeta>
  /** By tab and number. */
  readonly #running = new Map<string, AbortController>()
  #peer: FollowingPeer<Msg, PeerMeta, ConnMeta> | undefined
  #publisher: Publisher<Msg, PeerMeta, ConnMeta> | undefined
  #hasFollowers = false
  #band: ConnectionBand | undefined

  constructor(starting: Promise<FollowingPeer<Msg, PeerMeta, ConnMeta>>, parts: OwnerTermParts<Msg, PeerMeta, ConnMeta>) {
    this.starting = starting
    this.#parts = parts
    this.announce()
  }

  /** Once the node runs. */
  get peer(): TabPeer<Msg, PeerMeta, ConnMeta> | undefined {
    return this.#peer
  }

  /** There was a tab that follows. */
  get hasFollowers(): boolean {
    return this.#hasFollowers
  }

  /** `undefined` until the node runs. */
  get about(): OwnerNotice | undefined {
    return this.#peer === undefined ? undefined : aboutOf(this.#peer, this.#band)
  }

  /** The node runs: and the other tabs learn of it. `band` is what an earlier owner was asked for. */
  begin(
    peer: FollowingPeer<Msg, PeerMeta, ConnMeta>,
    { hears, band }: { hears: readonly string[]; band: ConnectionBand | undefined }
  ): void {
    const { config, happened, received, log } = this.#parts
    this.#peer = peer
    this.#band = band
    if (band !== undefined) peer.pool.setBand(band)
    this.#publisher = new Publisher({
      pool: peer.pool,
      about: () => aboutOf(peer, this.#band),
      say: (news, to) => this.#say(news, to),
      happened,
      received: (peerId, message) => {
        received(peerId, message)
        if (this.#hasFollowers) this.#say({ kind: 'message', peerId, payload: config.messageCodec.encode(message) })
      },
      watched: (isWatched) => peer.page.seenElsewhere(isWatched),
      log
    })
    this.hears(hears)
  }

  /** The events that this tab's own listeners wait for. */
  hears(names: readonly string[]): void {
    this.#publisher?.hears(names)
  }

  announce(to?: string): void {
    this.#say({ kind: 'owner', network: this.#parts.config.network }, to)
  }

  hear(message: Envelope): void {
    const { from } = message
    this.#hasFollowers = true
    switch (message.kind) {
      case 'look': {
        const isOurs = message.term === this.name
        if (!isOurs) this.announce(from)
        this.#publisher?.looked(from, { seen: isOurs ? message.seen : -1, hears: message.hears })
        break
      }
      case 'away':
        this.#publisher?.away(from)
        break
      case 'cancel':
        this.cancel(from, message.id)
        break
      case 'request':
        void this.carryOut(from, message).then((outcome) => {
          // A tab that is answered sees what it did; after many requests at once, with the last.
          if (this.#running.size === 0) this.#publisher?.tellNow()
          this.#answer(from, message.id, outcome)
        })
    }
  }

  /** Works at a request of any tab. What was done or called off when our time is over counts for nothing: the next owner gets it. */
  async carryOut(from: string, { id, name, args }: AnyRequest): Promise<Outcome> {
    if (this.#running.size >= maxRunning) {
      return { error: new PoolError('too-many-waiting', `${name}: ${maxRunning} requests are in progress`) }
    }
    const key = runningKey(from, id)
    const off = new AbortController()
    this.#running.set(key, off)
    try {
      const { pool } = await this.starting
      const value = await runRequest(pool, { name, args, signal: off.signal })
      if (name === ('setBand' satisfies RequestName)) {
        this.#band = args[0] as ConnectionBand
        this.#publisher?.sayState()
      }
      return { value }
    } catch (error) {
      return { error: error || new Error('no error') }
    } finally {
      this.#running.delete(key)
    }
  }

  /** Nobody waits for that request any more. */
  cancel(from: string, id: number): void {
    this.#running.get(runningKey(from, id))?.abort()
  }

  /** What can be done at once is done when it returns. Resolves when the node is gone. Rejects if it does not stop as it should. */
  end(): Promise<void> {
    this.over.abort()
    this.#publisher?.stop()
    if (this.#peer !== undefined) return this.#peer.stop()
    return this.starting.then(
      (late) => late.stop(),
      () => undefined // reported by those that wait for the start
    )
  }

  #answer(to: string, id: number, { value, error }: Outcome): void {
    try {
      this.#say({ kind: 'answer', id, value, error: error && plainError(error) }, to)
    } catch (unclonable) {
      // What an application keeps as metadata may be more than data.
      this.#answer(to, id, { error: unclonable as Error })
    }
  }

  #say(news: OwnerNews, to?: string): void {
    if (this.#parts.lock.isHeld && !this.over.signal.aborted) this.#parts.post({ ...news, term: this.name }, to)
  }
}

function aboutOf(
  { identity: { persistent, notice }, inheritedKey }: Pick<FollowingPeer<unknown, unknown, unknown>, 'identity' | 'inheritedKey'>,
  band: ConnectionBand | undefined
): OwnerNotice {
  return { identity: { persistent, notice }, band, inheritedKey }
}

/** Unlike that of any other tab or term. */
export function randomName(): string {
  return systemRandom.next().toString(36).slice(2)
}

function runningKey(tab: string, request: number): string {
  return `${tab} ${request}`
}
