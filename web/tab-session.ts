/**
 * One tab's part in a shared pool: owner or follower, and the way from one to the other. Listens to the other tabs, runs the node
 * while this tab is the owner, and brings requests to the owner. `shared-pool.ts` is its face.
 */
import { EventHub } from '../src/core/flows/event-hub.ts'
import { Guard } from '../src/core/flows/guards.ts'
import { checkOptions } from '../src/core/values/config.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import { messageOf, PoolError } from '../src/core/values/reason.ts'
import type { PoolConfig } from '../src/core/values/settings.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'
import { systemClock } from '../src/libp2p/system.ts'
import { defaultName } from './default-name.ts'
import { inherit } from './handover.ts'
import { Leadership, randomName } from './leadership.ts'
import { loadAll } from './load-all.ts'
import { lookEveryMs, Ownership } from './ownership.ts'
import type { RequestName } from './requests.ts'
import type { TabLock } from './tab-lock.ts'
import {
  type Envelope,
  errorOf,
  type IdentityNotice,
  isNews,
  maxHears,
  type OwnerMessage,
  type OwnerNotice,
  readTabMessage,
  type StrangeMessage,
  type TabMessage,
  tabVersion
} from './tab-messages.ts'
import { followTab } from './tab-page.ts'
import { pagePool, startOwnPeer, startSharedPeer, type TabPeer, type TabPeerInit } from './tab-peer.ts'
import { type SharedPoolEvents, sharedEventNames, type TabRole, type WebPeerInit, webPeerOptions } from './tab-sharing.ts'
import { type WaitingRequest, WaitingRequests } from './waiting-requests.ts'

/** A tab knows its role by then, whatever the others do, ms. */
const openingMs = 3_000
/** A node that could not start is tried again after this, by this tab or the next in line, ms. */
const retryMs = 5_000
/** Other versions that are reported. */
const maxOtherVersions = 8

const log = new Guard({ error: (message, cause) => console.error(`p2p-pool: ${message}`, cause) }, systemClock)

export class TabSession<Msg, PeerMeta, ConnMeta> {
  readonly config: PoolConfig<Msg, PeerMeta, ConnMeta>
  readonly events = new EventHub<SharedPoolEvents<Msg>>(sharedEventNames, { clock: systemClock, guard: log })
  readonly #init: TabPeerInit<Msg, PeerMeta, ConnMeta>
  readonly #tabs: WebPeerInit['tabs']
  readonly #onOwner: WebPeerInit<Msg, PeerMeta, ConnMeta>['onOwner']
  readonly #name: string
  readonly #self = randomName()
  readonly #requests = new WaitingRequests()
  readonly #ownership: Ownership
  readonly #opened = Promise.withResolvers<void>()
  readonly #otherVersions = new Set<unknown>()
  readonly #hears = new Set<string>()
  #channel: BroadcastChannel | undefined
  #unfollow: () => void = () => undefined
  #ticking: ReturnType<typeof setInterval> | undefined
  #hasMoreToHear = false
  #isStopped = false
  #role: TabRole = 'follower'
  #hasOwner = false
  /** While this tab has the lock. */
  #term: Leadership<Msg, PeerMeta, ConnMeta> | undefined
  /** The node of an earlier term, until it is gone: a new one waits for that. */
  #ending: Promise<unknown> = Promise.resolve()
  /** The term of another tab that this one follows, and what was heard of it. */
  #followed = ''
  #snapshot: PoolSnapshot | undefined
  /** The same object until something but the counters changed. */
  #unchanged: PoolSnapshot | undefined
  #about: OwnerNotice | undefined
  /** The owner is of another version of the page. */
  #otherVersion: PoolError | undefined

  /** Throws `PoolError` for options that make no sense. */
  constructor(given: WebPeerInit<Msg, PeerMeta, ConnMeta>) {
    const { tabs, onOwner, ...init } = checkOptions(given, webPeerOptions)
    this.#init = init
    this.#tabs = tabs
    this.#onOwner = onOwner
    this.#name = init.name ?? defaultName
    this.config = pagePool(init).config
    this.#ownership = new Ownership(`${this.#name}:owner`, {
      gained: (lock) => void this.#own(lock),
      lost: () => {
        this.#disown()
        this.#ownership.enter()
      }
    })
  }

  get role(): TabRole {
    return this.#role
  }

  get hasOwner(): boolean {
    return this.#hasOwner
  }

  /** While the pool runs in this tab. */
  get peer(): TabPeer<Msg, PeerMeta, ConnMeta> | undefined {
    return this.#role === 'owner' ? this.#term?.peer : undefined
  }

  get snapshot(): PoolSnapshot | undefined {
    return this.peer?.pool.snapshot() ?? this.#snapshot
  }

  /** The same object until something but the counters changed. */
  get unchanged(): PoolSnapshot | undefined {
    return this.peer?.pool.getSnapshot() ?? this.#unchanged
  }

  get identity(): IdentityNotice | undefined {
    return (this.#term?.about ?? this.#about)?.identity
  }

  /** Resolves when the tab knows its role, at the latest after three seconds. Rejects if it is the owner and its node does not start. */
  async open(): Promise<void> {
    if (this.#tabs === 'own') {
      await this.#own({ isHeld: true, release: () => undefined })
    } else {
      const join = (): void => {
        this.#listen()
        this.#ownership.enter()
      }
      join()
      this.#unfollow = followTab({
        shown: () => this.#watch(),
        hidden: () => this.#unwatch(),
        left: () => {
          this.#retire()
          // A page that is kept for the back button hears nothing, and is thrown away if something is said to it.
          this.#channel?.close()
          this.#channel = undefined
        },
        frozen: () => {
          if (this.#term?.hasFollowers === true) this.#retire()
        },
        back: join
      })
      this.#look()
    }
    const timer = setTimeout(() => this.#opened.resolve(), openingMs)
    try {
      await this.#opened.promise
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      clearTimeout(timer)
    }
    if (this.#role === 'follower') void loadAll(this.#init)
  }

  /** Ends this tab's part; another tab becomes the owner. Idempotent. Never rejects. */
  async stop(): Promise<void> {
    if (!this.#isStopped) {
      this.#isStopped = true
      this.#unfollow()
      this.#unwatch(true)
      this.#requests.rejectAll(new PoolError('destroyed', 'the shared pool was stopped in this tab'))
      this.#disown()
    }
    await this.#ending
    this.#ownership.leave()
    this.#channel?.close()
  }

  /** Brings a request to the owner, which may be this tab. Rejects with `PoolError`, or with the signal's reason. */
  request(name: RequestName, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    if (this.#isStopped) return Promise.reject(new PoolError('destroyed', `${name}: the shared pool was stopped in this tab`))
    if (this.#otherVersion !== undefined) return Promise.reject(this.#otherVersion)
    return this.#requests.make(
      { name, args, signal },
      {
        send: (request) => this.#send(request),
        cancelled: ({ id }) => {
          if (this.#term === undefined) this.#post({ kind: 'cancel', id })
          else this.#term.cancel(this.#self, id)
        }
      }
    )
  }

  /** A listener of this tab for that event came, or the last one went. */
  listened(name: keyof SharedPoolEvents<Msg>): void {
    if (this.events.hasListeners(name)) this.#hears.add(name)
    else this.#hears.delete(name)
    this.#term?.hears([...this.#hears])
    if (this.#term !== undefined || this.#ticking === undefined || this.#hasMoreToHear) return
    this.#hasMoreToHear = true
    queueMicrotask(() => this.#hearMore())
  }

  /** The owner knows what is listened to here before it gets a request, so that nothing that follows from it is missed. */
  #hearMore(): void {
    if (this.#hasMoreToHear) this.#look()
  }

  // From follower to owner and back.

  async #own(lock: TabLock): Promise<void> {
    const starting = this.#ending.then(() =>
      this.#tabs === 'own' ? startOwnPeer(this.#init) : startSharedPeer(this.#init, { lock, inheritedKey: this.#about?.inheritedKey })
    )
    const term = new Leadership(starting, {
      config: this.config,
      lock,
      post: (message, to) => this.#post(message, to),
      happened: ({ type, detail }) => this.events.emit(type, detail),
      received: (peerId, message) => this.events.emit('message', { peerId, message }),
      log
    })
    this.#term = term
    this.#otherVersion = undefined
    try {
      const peer = await starting
      if (this.#term !== term) return
      if (this.#snapshot !== undefined) inherit(peer.pool, this.#snapshot)
      term.begin(peer, { hears: [...this.#hears], band: this.#about?.band })
      this.#setRole('owner', true)
      log.call('onOwner', () => this.#onOwner?.(peer, term.over.signal), undefined)
      for (const request of this.#requests.unsent(term.name)) this.#send(request)
      this.#opened.resolve()
    } catch (error) {
      if (this.#term !== term) return
      term.over.abort()
      this.#term = undefined
      this.#ownership.leave()
      this.events.emit('owner-failed', { message: messageOf(error) })
      this.#opened.reject(error)
      setTimeout(() => this.#isStopped || this.#ownership.enter(), retryMs)
    }
  }

  /** What can be done at once is done when it returns: the page may be frozen in the next moment. */
  #disown(): void {
    const term = this.#term
    if (term === undefined) return
    this.#unchanged = this.unchanged
    this.#snapshot = this.snapshot
    this.#about = term.about ?? this.#about
    this.#term = undefined
    this.#ending = term.end().catch((error: unknown) => log.error('the node did not stop as it should', error))
    this.#setRole('follower', false)
  }

  /** The page is frozen or put aside in the next moment: another tab shall go on. Its node does nothing any more when the lock is let go. */
  #retire(): void {
    void this.#term?.peer?.pool.savePeers()
    this.#disown()
    this.#ownership.leave()
  }

  #setRole(role: TabRole, hasOwner: boolean): void {
    if (this.#role === role && this.#hasOwner === hasOwner) return
    this.#role = role
    this.#hasOwner = hasOwner
    this.events.emit('role-changed', { role, hasOwner })
    this.events.emit('change', { version: this.snapshot?.version ?? 0 })
  }

  // What a follower does by itself.

  #watch(): void {
    clearInterval(this.#ticking)
    this.#ticking = setInterval(() => this.#look(), lookEveryMs)
    this.#look()
  }

  #unwatch(gone = false): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    this.#post({ kind: 'away', gone })
  }

  #look(): void {
    this.#hasMoreToHear = false
    if (this.#term !== undefined) return
    this.#post({ kind: 'look', term: this.#followed, seen: this.#snapshot?.version ?? -1, hears: [...this.#hears].slice(0, maxHears) })
    void this.#ownership.looked()
  }

  #send(request: WaitingRequest): void {
    const term = this.#term
    if (term !== undefined) {
      request.term = term.name
      void term.carryOut(this.#self, request).then(({ value, error }) => {
        if (this.#term === term) error === undefined ? request.resolve(value) : request.reject(error)
      })
    } else if (this.#followed !== '') {
      this.#hearMore()
      request.term = this.#followed
      const { id, name, args } = request
      this.#post({ kind: 'request', id, name, args })
    }
  }

  // What the tabs say to each other.

  #listen(): void {
    if (this.#channel !== undefined) return
    this.#channel = new BroadcastChannel(`p2p-pool:${this.#name}`)
    this.#channel.onmessage = ({ data }) => this.#hear(data)
  }

  #post(message: TabMessage, to?: string): void {
    if (!this.#isStopped || message.kind === 'away') this.#channel?.postMessage({ version: tabVersion, from: this.#self, to, ...message })
  }

  #hear(data: unknown): void {
    const message = readTabMessage(data)
    if (message === undefined || (message.to !== undefined && message.to !== this.#self)) return
    if ('theirs' in message) this.#hearOtherVersion(message)
    else if (isNews(message)) this.#hearOwner(message)
    else this.#term?.hear(message)
  }

  /** A page of another version understands no more than that: who owns, and which version it has. */
  #hearOtherVersion({ theirs, kind, from }: StrangeMessage): void {
    // Not before a listener is there: it may come while the tab is opened.
    const isNew = this.events.hasListeners('other-version') && !this.#otherVersions.has(theirs)
    if (isNew && this.#otherVersions.size < maxOtherVersions) {
      this.#otherVersions.add(theirs)
      this.events.emit('other-version', { ours: tabVersion, theirs })
    }
    if (this.#term !== undefined) {
      if (kind !== 'owner') this.#term.announce(from)
      return
    }
    if (kind !== 'owner') return
    this.#ownership.heard()
    this.#otherVersion = new PoolError('not-understood', 'the tab that owns the pool has another version: reload both')
    this.#requests.rejectAll(this.#otherVersion)
    this.#opened.resolve()
  }

  #hearOwner(message: Envelope & OwnerMessage): void {
    if (this.#term !== undefined) return
    if (message.kind === 'owner') this.#follow(message)
    if (message.term !== this.#followed) return
    this.#ownership.heard()
    switch (message.kind) {
      case 'state':
        this.#snapshot = message.snapshot
        // The owner says it to all when a tab comes. Owners count versions each for itself.
        if (this.#unchanged?.version !== this.#snapshot.version || this.#unchanged.takenAt !== this.#snapshot.takenAt)
          this.#unchanged = this.#snapshot
        this.#about = message.about
        this.#setRole('follower', true)
        this.#opened.resolve()
        this.events.emit('change', { version: message.snapshot.version })
        break
      case 'counters':
        this.#about = message.about
        if (this.#snapshot === undefined) return
        this.#snapshot = { ...this.#snapshot, takenAt: message.takenAt, connections: message.connections, storage: message.storage }
        break
      case 'events':
        for (const { type, detail } of message.events) this.events.emit(type, detail)
        break
      case 'message':
        this.#receive(message)
        break
      case 'answer': {
        const request = this.#requests.get(message.id)
        if (message.error === undefined) request?.resolve(message.value)
        else request?.reject(errorOf(message.error))
      }
    }
  }

  #follow({ term, network }: { term: string; network: string }): void {
    if (network !== this.config.network) {
      this.#ownership.heard()
      const message = `another tab shares ${this.#name} for the network ${network}, not ${this.config.network}: give it another name`
      this.#opened.reject(new PoolError('invalid-config', message))
      return
    }
    if (term === this.#followed) return
    this.#followed = term
    this.#otherVersion = undefined
    this.#setRole('follower', false)
    for (const request of this.#requests.unsent(term)) this.#send(request)
  }

  #receive({ peerId, payload }: { peerId: PeerId; payload: Uint8Array }): void {
    try {
      this.events.emit('message', { peerId, message: this.config.messageCodec.decode(payload) })
    } catch (error) {
      log.error('messageCodec.decode threw', error)
    }
  }
}
