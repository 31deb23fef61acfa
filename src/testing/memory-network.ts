/**
 * A network in memory: nodes joined by one hub, with latency on a virtual clock, refusals, partitions and broken links. A point is the
 * text `/ip4/…/tcp/…`, of a page `/ip4/…/tcp/…/p2p/RELAY/p2p-circuit/webrtc/p2p/ID` or `/p2p/INTRODUCER/p2p-circuit/webrtc/p2p/ID`, and a
 * peer id is any text that is not empty. Nothing here speaks libp2p.
 */
import { hostOf, isIntroduction, type PointAddress, readPoint } from '../core/values/address.ts'
import type { ParsedPoint, PeerId, Point } from '../core/values/ids.ts'
import {
  type Clock,
  type CopiedSignalling,
  DialError,
  type DialOptions,
  type Gate,
  type Link,
  type Network,
  type NetworkHandlers,
  type PlainPeer,
  type Random,
  type SignedRecords,
  type Transport
} from '../core/values/ports.ts'
import { PoolError } from '../core/values/reason.ts'
import { introductionPoint, MemoryIntroductions } from './memory-introductions.ts'
import { type LinkOwner, linkPair, type MemoryLink, type Wires } from './memory-link.ts'
import type { HubOptions, NodeOptions } from './memory-options.ts'
import { parseMemoryPoint } from './memory-point.ts'
import { CopiedTexts } from './memory-signalling.ts'

/** Texts whose meaning the hub remembers; then it forgets all. A world of 1,000 pages has some 50,000, and new ones for a day. */
const maxRemembered = 200_000

/** Joins the nodes of a network in memory: what lies between them. */
export class MemoryHub implements Wires {
  /** The clock of the network. */
  readonly clock: Clock
  /** For the latency function and other uses of the test. */
  readonly random: Random
  /** One-way delay between two nodes, ms. May be replaced at any time. */
  latencyMs: (from: LinkOwner, to: LinkOwner) => number
  /** The nodes by the points where they listen. */
  readonly nodes = new Map<Point, MemoryNetwork>()
  /** False: neither data nor dials get from one to the other, and nobody is notified. Replace it to partition the network. */
  reaches: (from: LinkOwner, to: LinkOwner) => boolean = () => true
  /** Returns the node that answers at a point where no node is; for tests with more hosts than they can make beforehand. */
  elsewhere: (point: Point) => MemoryNetwork | undefined = () => undefined
  /** Offers and answers on their way between its nodes. */
  readonly copiedTexts = new CopiedTexts<MemoryNetwork>()
  /** Each leads to its page once. */
  readonly #invitations = new Set<Point>()
  readonly #members = new Set<MemoryNetwork>()
  readonly #byPeerId = new Map<PeerId, MemoryNetwork>()
  #made = 0
  readonly #parsed = new Map<string, ParsedPoint>()
  readonly #read = new Map<Point, PointAddress>()

  constructor({ clock, random, latencyMs = () => 5 }: HubOptions) {
    this.clock = clock
    this.random = random
    this.latencyMs = latencyMs
  }

  /** Makes a node. `name` becomes its peer id. */
  node(name: string, { point, listens = true, page = false, speaks }: NodeOptions = {}): MemoryNetwork {
    const address = `/ip4/${45 + (this.nodes.size >> 8)}.${this.nodes.size & 255}.0.1/tcp/4001`
    const own = (point ?? (page ? `/webrtc/p2p/${name}` : address)) as Point
    const node = new MemoryNetwork(this, { peerId: name as PeerId, index: this.#made++, point: own, listens, page, speaks })
    if (!page) this.nodes.set(own, node)
    this.#members.add(node)
    this.#byPeerId.set(node.peerId, node)
    return node
  }

  /** The node of a peer; the last one made, if several have the same name. */
  nodeOf(peerId: PeerId): MemoryNetwork | undefined {
    return this.#byPeerId.get(peerId)
  }

  /** A point where this page is reached once, by the first node that dials it: an answer that was copied from page to page. */
  invite(node: MemoryNetwork): Point {
    const point = introductionPoint(`invitation-${this.#made++}` as PeerId, node.peerId)
    this.#invitations.add(point)
    return point
  }

  /** @internal Is the point an invitation? It is used up then. */
  takeInvitation(point: Point): boolean {
    return this.#invitations.delete(point)
  }

  /** Forgets a node that has ended and will not come back. Ended links of others name it: its pool must not stay in memory with it. */
  remove(node: MemoryNetwork): void {
    node.announce()
    node.gate = undefined
    this.#members.delete(node)
    if (this.#byPeerId.get(node.peerId) === node) this.#byPeerId.delete(node.peerId)
  }

  /** All open links, both ends of each. */
  get links(): ReadonlySet<MemoryLink> {
    return new Set([...this.#members].flatMap((node) => [...node.links]))
  }

  /**
   * Breaks both ends of each link on which nothing gets through, as the keep-alive of a real transport does after a while, even if nobody
   * writes.
   */
  breakSilentLinks(): void {
    for (const link of this.links) {
      const isSilent = link.peer?.isDead === true || !this.connects(link.owner, link.remote) || !this.connects(link.remote, link.owner)
      if (isSilent) link.breakBoth()
    }
  }

  /** Whether data gets from one to the other now: both are online, and `reaches` says so. */
  connects(from: LinkOwner, to: LinkOwner): boolean {
    return !from.isOffline && !to.isOffline && this.reaches(from, to)
  }

  /** Parses a point. Each text is parsed once for all nodes: thousands of pools learn the same points, and then share one string. Throws `PoolError` `invalid-point`. */
  parsePoint(text: string): ParsedPoint {
    const known = this.#parsed.get(text)
    if (known !== undefined) return known
    const parsed = parseMemoryPoint(text)
    if (this.#parsed.size >= maxRemembered) this.#parsed.clear()
    this.#parsed.set(text, parsed)
    return parsed
  }

  /** @internal What a point says, read once for all nodes. */
  read(point: Point): PointAddress {
    const known = this.#read.get(point)
    if (known !== undefined) return known
    const read = readPoint(point)
    if (this.#read.size >= maxRemembered) this.#read.clear()
    this.#read.set(point, read)
    return read
  }
}

/** The network of one peer: the port that `PeerPool` takes as `network`. Made by `MemoryHub.node`. */
export class MemoryNetwork implements Network {
  readonly peerId: PeerId
  /** Its number in the hub, from 0. */
  readonly index: number
  readonly transports: readonly Transport[] = ['tcp', 'webrtc']
  /** Signed records of peers; set it in tests that are about them. @default none */
  records: SignedRecords | undefined = undefined
  /** Where it is. It is one of `ownPoints` only if it listens. */
  readonly point: Point
  readonly #hub: MemoryHub
  readonly #listens: boolean
  /** The protocols of a plain peer. */
  readonly #speaks: readonly string[] | undefined
  #own: readonly Point[]
  #handlers: NetworkHandlers | undefined
  /** The `gate` of its pool, which refuses banned hosts and peers. Set it after the pool was made. */
  gate: Gate | undefined
  /** True: it takes links and sends nothing on them. */
  silent = false
  /** Dials that it made. */
  dials = 0
  /** Its ends of open links. */
  readonly links = new Set<MemoryLink>()
  /** Called when something is about to reach the node: data, the end of a link, the answer to a dial. */
  touched: () => void = () => undefined
  /** True: nothing gets to it or from it, and nobody is notified. */
  isOffline = false
  /** See `sleep`. */
  isAsleep = false
  /** What it has sent so far, over all links. */
  readonly sent = { writes: 0, bytes: 0 }
  #slept: MemoryLink[] = []
  /** Timers of its dials. */
  readonly #waits = new Set<() => void>()
  /** How it introduces others, and is introduced. */
  readonly introductions: MemoryIntroductions
  /** How it connects by copied texts. Set it to `undefined` for a peer that cannot. */
  signalling: CopiedSignalling | undefined

  constructor(hub: MemoryHub, options: Required<NodeOptions> & { peerId: PeerId; index: number; point: Point; listens: boolean }) {
    const { peerId, index, point, listens, page, speaks } = options
    this.#speaks = speaks
    this.#hub = hub
    this.peerId = peerId
    this.index = index
    this.point = point
    this.#own = page ? [] : [point]
    this.#listens = listens
    this.introductions = new MemoryIntroductions(this)
    this.signalling = hub.copiedTexts.of(this)
  }

  copiedSignalling(): Promise<CopiedSignalling | undefined> {
    return Promise.resolve(this.signalling)
  }

  ownPoints(): readonly Point[] {
    return this.#listens ? this.#own : []
  }

  /** Moves it: from now on it is reached at these points and nowhere else. */
  announce(...points: Point[]): void {
    for (const point of this.#own) this.#hub.nodes.delete(point)
    for (const point of points) this.#hub.nodes.set(point, this)
    this.#own = points
    this.#handlers?.ownPointsChanged()
  }

  /** Gives its pool a point, as another discovery (mDNS, a DHT) would. */
  discover(found: ParsedPoint): void {
    this.#handlers?.discovered(found)
  }

  /** Its pool has started it. */
  get isUp(): boolean {
    return this.#handlers !== undefined
  }

  parsePoint(text: string): ParsedPoint {
    return this.#hub.parsePoint(text)
  }

  tryParsePoint(text: string): ParsedPoint | undefined {
    try {
      return this.parsePoint(text)
    } catch {
      return undefined
    }
  }

  tryParsePeerId(text: string): PeerId | undefined {
    return text === '' ? undefined : (text as PeerId)
  }

  parsePeerId(text: string): PeerId {
    if (text === '') throw new PoolError('invalid-peer-id', 'a peer id was expected, got an empty text')
    return text as PeerId
  }

  canDial(point: Point): boolean {
    if (isIntroduction(point)) return this.introductions.canDial(point)
    return point.includes('/tcp/')
  }

  async dial(point: Point, { expectedPeerId, signal }: DialOptions): Promise<Link> {
    const hub = this.#hub
    this.dials++
    await this.#signal(point, signal)
    const there = this.#at(point) ?? this
    await this.#wait(hub.latencyMs(this, there) + hub.latencyMs(there, this), signal)
    const target = this.#at(point) ?? hub.elsewhere(point)
    if (target === undefined || !hub.connects(this, target)) {
      if (target === undefined) throw new DialError('refused', `nobody listens on ${point}`)
      await this.#wait(1_000_000, signal)
    }
    if (target === undefined || !target.isUp || !target.#listens) throw new DialError('refused', `nobody listens on ${point}`)
    if (expectedPeerId !== undefined && expectedPeerId !== target.peerId)
      throw new DialError('wrong-peer-id', `${target.peerId} answered on ${point}`)
    return this.meet(target)
  }

  /** @internal Links it with another node that is up. Throws `DialError`. */
  meet(target: MemoryNetwork): MemoryLink {
    if (!target.isUp) throw new DialError('refused', `${target.peerId} has stopped`)
    if (
      target.gate?.deniesIncoming(hostOf(this.point)) === true ||
      target.gate?.deniesPeer(this.peerId, hostOf(this.point), 'incoming') === true
    ) {
      throw new DialError('refused', 'closed at once')
    }
    if (!this.#takes(target)) throw new DialError('no-pool', `${target.peerId} does not speak what is asked for`)
    const [ours, theirs] = linkPair(this.#hub, this, target)
    ours.plain = target.#asPlain
    theirs.plain = this.#asPlain
    target.touched()
    if (!target.silent && target.#takes(this)) target.#handlers?.incoming(theirs)
    return ours
  }

  #at(point: Point): MemoryNetwork | undefined {
    const { target } = isIntroduction(point) ? this.#hub.read(point) : { target: undefined }
    return target === undefined ? this.#hub.nodes.get(point) : this.#hub.nodeOf(target)
  }

  /** The part of a dial that runs over a relay or an introducer. */
  async #signal(point: Point, signal: AbortSignal): Promise<void> {
    const { relay, target } = point.includes('/p2p-circuit') ? this.#hub.read(point) : {}
    if (relay === undefined || target === undefined) return
    const server = this.#hub.nodeOf(relay)
    if (this.#hub.takeInvitation(point)) return
    if (isIntroduction(point)) await this.introductions.ask(relay, target, signal)
    else if (server !== undefined && !(server.isUp && this.#hub.connects(this, server)))
      throw new DialError('refused', `the relay ${relay} does not answer`)
  }

  /** @internal For `MemoryIntroductions`. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return this.#wait(ms, signal)
  }

  /** @internal For `CopiedTexts`. */
  async arriveAt(other: MemoryNetwork, signal: AbortSignal): Promise<void> {
    await this.#wait(this.#hub.latencyMs(this, other), signal)
    if (!this.#hub.connects(this, other)) await this.#wait(1_000_000, signal)
  }

  /** @internal For `MemoryIntroductions`. */
  async reach(link: MemoryLink, signal: AbortSignal): Promise<void> {
    await this.#wait(this.#hub.latencyMs(this, link.remote), signal)
    if (!link.getsThrough) await this.#wait(1_000_000, signal)
  }

  /** @internal For `MemoryIntroductions`. */
  introductionsOf(peerId: PeerId): MemoryIntroductions | undefined {
    const node = this.#hub.nodeOf(peerId)
    return node?.isUp === true ? node.introductions : undefined
  }

  get #asPlain(): PlainPeer | undefined {
    return this.#speaks === undefined ? undefined : { points: this.ownPoints() }
  }

  /** A plain peer takes anybody. */
  #takes(other: MemoryNetwork): boolean {
    const asked = this.#handlers?.plainProtocols
    const spoken = other.#speaks
    if (this.#speaks !== undefined || spoken === undefined) return true
    return asked?.every((protocol) => spoken.includes(protocol)) ?? false
  }

  /** Dials without a pool, for tests that play a hostile peer: the test writes and reads the bytes itself. */
  async dialRaw(point: Point): Promise<Link> {
    return this.dial(point, { expectedPeerId: undefined, signal: new AbortController().signal })
  }

  start(handlers: NetworkHandlers): Promise<void> {
    this.#handlers = handlers
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.#handlers = undefined
    return Promise.resolve()
  }

  /** Breaks its links at both ends at once, without a goodbye. It is not up until its pool starts it again. */
  crash(): void {
    this.#handlers = undefined
    for (const link of [...this.links]) link.breakBoth()
  }

  /**
   * Ends the program: it receives nothing any more, and its dials lead nowhere. `resets`: its machine stays, and resets the connections;
   * false: the machine is gone too, and others learn of it by silence only.
   */
  kill({ resets }: { readonly resets: boolean }): void {
    this.#handlers = this.gate = undefined
    this.introductions.end()
    for (const cancel of this.#waits) cancel()
    this.#waits.clear()
    for (const link of [...this.links]) link.die(resets)
  }

  /**
   * Its machine sleeps: nothing gets to it or from it, and its program notices nothing until `wake`. Others learn of it by silence only
   * (`MemoryHub.breakSilentLinks`). Its timers are the matter of its clock.
   */
  sleep(): void {
    this.isOffline = this.isAsleep = true
    for (const cancel of this.#waits) cancel()
    this.#waits.clear()
    this.#slept = [...this.links]
  }

  /** Its machine is awake: the program learns what became of its links. */
  wake(): void {
    this.isOffline = this.isAsleep = false
    for (const link of this.#slept.splice(0)) link.awake()
  }

  /** Never settles if the program is killed or sleeps meanwhile. */
  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        cancel()
        this.#waits.delete(cancel)
        reject(new DialError('aborted', 'the dial was aborted', signal.reason))
      }
      const cancel = this.#hub.clock.schedule(ms, () => {
        this.#waits.delete(cancel)
        this.touched()
        signal.removeEventListener('abort', aborted)
        resolve()
      })
      this.#waits.add(cancel)
      if (signal.aborted) aborted()
      else signal.addEventListener('abort', aborted, { once: true })
    })
  }
}
