/**
 * A Yjs provider on a peer pool: the tabs and browsers that name the same document edit it together, while a server runs and after it is
 * gone. Its face is that of y-webrtc. What it says is made of the messages of y-protocols.
 */
import * as decoding from 'lib0/decoding'
import { ObservableV2 } from 'lib0/observable'
import type { PeerId } from 'p2p-pool'
import { Awareness } from 'y-protocols/awareness'
import { messageYjsSyncStep1, messageYjsSyncStep2, messageYjsUpdate } from 'y-protocols/sync'
import * as Y from 'yjs'
import type { DocumentPool } from './document-pool.ts'
import { type ContentKind, checkUpdate, GuardedDocument, plainText } from './guarded-document.ts'
import { Members } from './members.ts'
import { type Message, Messages } from './messages.ts'
import { Pieces } from './pieces.ts'
import { Presence } from './presence.ts'
import { Sender, updateMessage } from './sender.ts'
import { Tabs } from './tabs.ts'

export interface PoolProviderOptions {
  /** @default a new one, which `destroy` ends */
  readonly awareness?: Awareness
  /** Others cannot make the document larger than this, and a larger one is not sent. @default 16 MiB */
  readonly maxDocumentBytes?: number
  /** What the document may hold. A peer that sends something else is at fault. @default `plainText`, what a `Y.Text` without formats holds */
  readonly content?: readonly ContentKind[]
  /** After each such time some peer is asked for what was missed, ms. @default 30 s */
  readonly resyncEveryMs?: number
  /** Do not talk to other tabs of this site. @default false in a page, true elsewhere */
  readonly disableBc?: boolean
}

export type PoolProviderEvents = {
  /** Whether a peer that has this document is connected. */
  status: (state: { readonly connected: boolean }) => void
  /** Whether the whole document of a connected peer, or of another tab, has come. */
  synced: (state: { readonly synced: boolean }) => void
  /** The connected peers that have this document. */
  peers: (state: { readonly peers: readonly PeerId[] }) => void
  /** A change by a peer was not taken, or ours was not sent (no `peerId`), since the document would be larger than `maxDocumentBytes`. */
  refused: (what: { readonly peerId: PeerId | undefined; readonly reason: string }) => void
}

/** Where a message came from: a peer, or another tab of this site. */
type Source = PeerId | 'tab'

export class PoolProvider extends ObservableV2<PoolProviderEvents> {
  readonly room: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  /** What was last asked for: `connect` or `disconnect`. */
  shouldConnect = true
  readonly #pool: DocumentPool
  readonly #options: Required<Omit<PoolProviderOptions, 'awareness'>>
  readonly #ownsAwareness: boolean
  readonly #document: GuardedDocument
  readonly #messages: Messages
  readonly #pieces: Pieces
  readonly #sender: Sender
  readonly #members = new Members()
  readonly #presence: Presence
  /** Who sent what is being applied. */
  #source: Source | undefined
  /** While the provider is connected. */
  #tabs: Tabs | undefined
  #tabSynced = false
  #shown = { connected: false, synced: false }
  #timer: ReturnType<typeof setInterval> | undefined

  /** `room` is the name of the document: the tabs and peers that give the same one edit it together. Connects at once. */
  constructor(room: string, doc: Y.Doc, pool: DocumentPool, options: PoolProviderOptions = {}) {
    super()
    const { awareness, content = plainText, maxDocumentBytes = 16 * 2 ** 20, resyncEveryMs = 30_000 } = options
    const { disableBc = typeof document === 'undefined' } = options
    this.room = room
    this.doc = doc
    this.awareness = awareness ?? new Awareness(doc)
    this.#ownsAwareness = awareness === undefined
    this.#presence = new Presence({
      ...{ awareness: this.awareness, origin: this },
      send: (update, isOurs) => this.#sendAwareness(this.#messages.awareness(update), isOurs)
    })
    this.#options = { content, maxDocumentBytes, resyncEveryMs, disableBc }
    this.#pool = pool
    this.#document = new GuardedDocument(doc, maxDocumentBytes)
    this.#messages = new Messages(room, doc.clientID)
    this.#pieces = new Pieces(maxDocumentBytes)
    this.#sender = new Sender({
      ...{ doc, pool, maxDocumentBytes, messages: this.#messages },
      tooLarge: (bytes) => this.#refuse('tab', `our ${bytes} bytes`),
      notConnected: (peerId) => this.#leave(peerId)
    })
    this.#listenToPage('addEventListener')
    doc.on('destroy', this.#destroyed)
    this.#start()
  }

  /** Whether a peer that has this document is connected. */
  get connected(): boolean {
    return this.#members.size > 0
  }

  /** Whether the whole document of a connected peer, or of another tab, has come. */
  get synced(): boolean {
    return this.#tabSynced || this.#members.anySynced
  }

  /** Undoes `disconnect`. Idempotent. */
  connect(): void {
    this.shouldConnect = true
    this.#start()
  }

  /** The others see no cursor of ours any more. What they and we write stays apart until `connect`. Idempotent. */
  disconnect(): void {
    this.shouldConnect = false
    this.#stop()
  }

  /** Ends for good. The pool and the document stay. Idempotent. */
  override destroy(): void {
    this.disconnect()
    this.#listenToPage('removeEventListener')
    this.doc.off('destroy', this.#destroyed)
    if (this.#ownsAwareness) this.awareness.destroy()
    super.destroy()
  }

  #start = (): void => {
    if (this.#tabs !== undefined || !this.shouldConnect) return
    const { disableBc: alone, resyncEveryMs } = this.#options
    this.#tabs = new Tabs(`p2p-pool-yjs:${this.room}`, { alone, heard: (bytes) => this.#receive(bytes, 'tab') })
    this.doc.on('update', this.#updated)
    this.#listenToPool('addEventListener')
    this.#timer = setInterval(() => this.#resync(), resyncEveryMs)
    this.#presence.start()
    this.#greet()
  }

  #stop = (): void => {
    if (this.#tabs === undefined) return
    this.#presence.stop()
    this.#listenToPool('removeEventListener')
    this.doc.off('update', this.#updated)
    clearInterval(this.#timer)
    this.#tabs.close()
    this.#tabs = undefined
    this.#members.clear()
    this.#tabSynced = false
    this.#membersChanged()
  }

  readonly #destroyed = (): void => this.destroy()

  /** A page that is left says goodbye; one that comes back by the back button connects again. */
  #listenToPage(verb: 'addEventListener' | 'removeEventListener'): void {
    if (typeof document === 'undefined') return
    globalThis[verb]('pagehide', this.#stop)
    globalThis[verb]('pageshow', this.#start)
  }

  #listenToPool(verb: 'addEventListener' | 'removeEventListener'): void {
    this.#pool[verb]('message', this.#messageCame)
    this.#pool[verb]('connection-opened', this.#connectionOpened)
    this.#pool[verb]('connection-closed', this.#connectionEnded)
    this.#pool[verb]('connection-lost', this.#connectionEnded)
    this.#pool[verb]('role-changed', this.#roleChanged)
  }

  readonly #messageCame = ({ detail }: { detail: { peerId: PeerId; message: Uint8Array } }): void =>
    this.#receive(detail.message, detail.peerId)
  readonly #connectionOpened = ({ detail }: { detail: { peerId: PeerId } }): void => this.#ask(detail.peerId)
  readonly #connectionEnded = ({ detail }: { detail: { peerId: PeerId } }): void => this.#leave(detail.peerId)
  /** Another tab runs the pool now: what was sent meanwhile may be lost. */
  readonly #roleChanged = ({ detail }: { detail: { hasOwner: boolean } }): void => {
    if (detail.hasOwner) this.#greet()
  }

  // What others send.

  #receive(bytes: Uint8Array, source: Source): void {
    let act: (() => void) | undefined
    try {
      act = this.#read(bytes, source)
    } catch (error) {
      // Only the bytes were looked at so far. A provider like this one never sends such bytes.
      if (source === 'tab' || this.#tabs?.isSpeaker !== true) return
      const reason = `shared text: ${error instanceof Error ? error.message : String(error)}`.slice(0, 200)
      this.#pool.peers.report(source, { kind: 'fault', reason }).catch(() => undefined) // the pool has stopped
      return
    }
    this.#source = source
    try {
      act?.()
    } catch (error) {
      console.error('a listener of the shared text failed', error)
    } finally {
      this.#source = undefined
    }
  }

  /** What is to be done about a message, if anything. Throws if it is broken; changes nothing that a listener sees. */
  #read(bytes: Uint8Array, source: Source): (() => void) | undefined {
    const message = this.#messages.read(bytes)
    if (message === undefined) return undefined
    const then = this.#readBody(message, source)
    return () => {
      if (source !== 'tab') this.#join(source, message.from)
      then?.()
    }
  }

  #readBody(message: Message, source: Source): (() => void) | undefined {
    if (message.kind !== 'piece')
      return message.kind === 'sync' ? this.#readSync(message.body, source) : this.#presence.read(message.body, source)
    const whole = this.#pieces.take(source === 'tab' ? `tab ${message.from}` : source, message)
    if (whole === 'missing') return () => this.#ask(source)
    if (whole === 'too-large') return () => this.#refuse(source, `a message of ${message.total} bytes`)
    return whole && this.#readSync(whole, source)
  }

  #readSync(message: Uint8Array, source: Source): () => void {
    const decoder = decoding.createDecoder(message)
    const type = decoding.readVarUint(decoder)
    const body = decoding.readVarUint8Array(decoder)
    if (type === messageYjsSyncStep1) {
      const theirs = Y.decodeStateVector(body)
      return () => this.#answer(source, { asked: body, theirs })
    }
    if (type !== messageYjsSyncStep2 && type !== messageYjsUpdate) throw new Error(`sync message of type ${type}`)
    checkUpdate(body, this.#options.content)
    return () => {
      const taken = this.#document.apply(body, this)
      if (taken === 'too-large') this.#refuse(source, `${body.byteLength} bytes more`)
      if (taken === 'gap') this.#ask(source)
      if (taken !== 'taken' || type !== messageYjsSyncStep2) return
      if (source === 'tab') this.#tabSynced = true
      else this.#members.synced(source)
      this.#show()
    }
  }

  #refuse(source: Source, what: string): void {
    const reason = `${what}; a document of more than ${this.#options.maxDocumentBytes} bytes is not taken`
    this.emit('refused', [{ peerId: source === 'tab' ? undefined : source, reason }])
  }

  // Who is there.

  #join(peerId: PeerId, client: number): void {
    if (this.#members.join(peerId, client)) this.#membersChanged()
  }

  #leave(peerId: PeerId): void {
    this.#pieces.forget(peerId)
    const clients = this.#members.leave(peerId)
    if (clients === undefined) return
    this.#presence.remove(clients)
    this.#membersChanged()
  }

  #membersChanged(): void {
    this.emit('peers', [{ peers: this.#members.list() }])
    this.#show()
  }

  #show(): void {
    const before = this.#shown
    const { connected, synced } = this
    this.#shown = { connected, synced }
    if (before.connected !== connected) this.emit('status', [{ connected }])
    if (before.synced !== synced) this.emit('synced', [{ synced }])
  }

  // What we send.

  readonly #updated = (update: Uint8Array, origin: unknown): void => {
    const source = origin === this ? this.#source : undefined
    if (source === undefined) this.#tellTabs(updateMessage(update))
    if (source === undefined || this.#passesOn(source)) this.#sender.update(update, source)
  }

  #sendAwareness(message: Uint8Array, isOurs: boolean): void {
    if (isOurs) this.#tabs?.send(message)
    if (!isOurs && !this.#passesOn(this.#source)) return
    const except = isOurs || this.#source === undefined ? [] : [this.#source as PeerId]
    this.#pool.broadcast(message, { except }).catch(() => undefined) // it is said again
  }

  /** Of the tabs with this document one passes on what a peer says; what another tab says that one sends itself. */
  #passesOn(source: Source | undefined): source is PeerId | undefined {
    return source !== 'tab' && this.#tabs?.isSpeaker === true
  }

  #tellTabs(message: Uint8Array): void {
    for (const bytes of this.#messages.sync(message)) this.#tabs?.send(bytes)
  }

  /** To all: what have you that we have not? And: we are here. */
  #greet(): void {
    const step1 = this.#sender.step1()
    this.#tellTabs(step1)
    void this.#sender.broadcast(step1)
    this.#presence.say()
  }

  #resync(): void {
    const peer = this.#members.pick()
    if (peer === undefined) this.#greet()
    else this.#ask(peer)
  }

  #ask(source: Source): void {
    if (source !== 'tab' && this.#members.mayAsk(source)) void this.#sender.send(source, this.#sender.step1())
  }

  #answer(source: Source, { asked, theirs }: { asked: Uint8Array; theirs: Map<number, number> }): void {
    if (source !== 'tab' && !this.#members.mayAnswer(source)) return
    this.#presence.say()
    const others = this.#messages.awareness(this.#presence.all())
    if (source === 'tab') {
      this.#tabs?.send(others)
      this.#tellTabs(this.#sender.step2(asked))
    } else if (this.#passesOn(source)) {
      if ([...theirs].some(([client, clock]) => clock > Y.getState(this.doc.store, client))) this.#ask(source)
      this.#pool.send(source, others).catch(() => undefined) // the answer finds that out too
      void this.#sender.answer(source, asked)
    }
  }
}
