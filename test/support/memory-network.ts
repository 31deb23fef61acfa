/**
 * A network in memory: many `Network` ports joined by one hub, with latency on a (virtual) clock, refusals, partitions and
 * broken links. Points are `/ip4/…/tcp/…` texts, those of pages `/ip4/…/tcp/…/p2p/RELAY/p2p-circuit/webrtc/p2p/ID`, and peer ids any text: nothing here speaks libp2p.
 */
import { hostOf } from '../../src/core/values/address.ts'
import type { ParsedPoint, PeerId, Point } from '../../src/core/values/ids.ts'
import {
  type Clock,
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
} from '../../src/core/values/ports.ts'
import { PoolError } from '../../src/core/values/reason.ts'
import { linkPair, type MemoryLink, type Owner, type Wires } from './memory-link.ts'

export interface HubOptions {
  readonly clock: Clock
  readonly random: Random
  /** One-way delay of bytes and dials, ms; drawn anew for each. */
  readonly latencyMs?: ((from: Owner, to: Owner) => number) | undefined
}

/** The world between the nodes. */
export class MemoryHub implements Wires {
  readonly clock: Clock
  readonly random: Random
  latencyMs: (from: Owner, to: Owner) => number
  readonly nodes = new Map<Point, MemoryNetwork>()
  /** False: bytes and dials between the two do not get through, and nobody says so. */
  reaches: (from: Owner, to: Owner) => boolean = () => true
  /** Who answers where no node is: hostile scenarios have more hosts than they can make beforehand. */
  stranger: (point: Point) => MemoryNetwork | undefined = () => undefined
  readonly #members = new Set<MemoryNetwork>()
  /** What every text means. */
  readonly parsed = new Map<string, ParsedPoint>()

  constructor({ clock, random, latencyMs = () => 5 }: HubOptions) {
    this.clock = clock
    this.random = random
    this.latencyMs = latencyMs
  }

  /** A node at a public address, in an address group of its own; `listens: false` makes one that only dials, `speaks` one without the pool protocol. */
  node(
    name: string,
    { point, listens = true, speaks }: { point?: string | undefined; listens?: boolean | undefined; speaks?: readonly string[] } = {}
  ): MemoryNetwork {
    const own = (point ?? `/ip4/${45 + (this.nodes.size >> 8)}.${this.nodes.size & 255}.0.1/tcp/4001`) as Point
    const node = new MemoryNetwork(this, { peerId: name as PeerId, point: own, listens, speaks })
    this.nodes.set(own, node)
    this.#members.add(node)
    return node
  }

  /** Open links, both ends. */
  get links(): ReadonlySet<MemoryLink> {
    return new Set([...this.#members].flatMap((node) => [...node.links]))
  }

  /** Both ends of a link know after a while that nothing gets through any more, though nobody writes: links ask for signs of life. */
  breakSilentLinks(): void {
    for (const link of this.links) {
      const isSilent = link.peer?.isDead === true || !this.reaches(link.owner, link.remote) || !this.reaches(link.remote, link.owner)
      if (isSilent) link.breakBoth()
    }
  }
}

export class MemoryNetwork implements Network {
  readonly peerId: PeerId
  readonly transports: readonly Transport[] = ['tcp', 'webrtc']
  /** Set by tests that are about signed records: `plainRecords`. */
  records: SignedRecords | undefined = undefined
  /** Where it is; listed in `ownPoints` only while it listens. */
  readonly point: Point
  readonly #hub: MemoryHub
  readonly #listens: boolean
  /** The protocols of a plain peer. */
  readonly #speaks: readonly string[] | undefined
  #own: readonly Point[]
  #handlers: NetworkHandlers | undefined
  /** The adapter's gater. */
  gate: Gate | undefined
  /** Takes links and never says a word on them. */
  silent = false
  dials = 0
  readonly links = new Set<MemoryLink>()
  touched: () => void = () => undefined
  place = -1
  /** Its machine is off or away: in a simulation nothing gets to it or from it. */
  isDark = false
  /** Timers of its dials. */
  readonly #waits = new Set<() => void>()

  constructor(
    hub: MemoryHub,
    { peerId, point, listens, speaks }: { peerId: PeerId; point: Point; listens: boolean; speaks: readonly string[] | undefined }
  ) {
    this.#speaks = speaks
    this.#hub = hub
    this.peerId = peerId
    this.point = point
    this.#own = [point]
    this.#listens = listens
  }

  ownPoints(): readonly Point[] {
    return this.#listens ? this.#own : []
  }

  /** It can be reached there from now on, and nowhere else. */
  announce(...points: Point[]): void {
    for (const point of this.#own) this.#hub.nodes.delete(point)
    for (const point of points) this.#hub.nodes.set(point, this)
    this.#own = points
    this.#handlers?.ownPointsChanged()
  }

  /** Another discovery found something. */
  discover(found: ParsedPoint): void {
    this.#handlers?.discovered(found)
  }

  get isUp(): boolean {
    return this.#handlers !== undefined
  }

  /** Each text is parsed once for all: thousands of pools hear of the same points, and then share one string. */
  parsePoint(text: string): ParsedPoint {
    const known = this.#hub.parsed.get(text)
    if (known !== undefined) return known
    const parsed = parse(text)
    this.#hub.parsed.set(text, parsed)
    return parsed
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
    return point.includes('/tcp/')
  }

  async dial(point: Point, { expectedPeerId, signal }: DialOptions): Promise<Link> {
    const hub = this.#hub
    this.dials++
    const there = hub.nodes.get(point) ?? this
    await this.#wait(hub.latencyMs(this, there) + hub.latencyMs(there, this), signal)
    const target = hub.nodes.get(point) ?? hub.stranger(point)
    if (target === undefined || !hub.reaches(this, target)) {
      if (target === undefined) throw new DialError('refused', `nobody listens on ${point}`)
      await this.#wait(1_000_000, signal)
    }
    if (target === undefined || !target.isUp || !target.#listens) throw new DialError('refused', `nobody listens on ${point}`)
    if (expectedPeerId !== undefined && expectedPeerId !== target.peerId)
      throw new DialError('wrong-peer-id', `${target.peerId} answered on ${point}`)
    if (
      target.gate?.deniesIncoming(hostOf(this.point)) === true ||
      target.gate?.deniesPeer(this.peerId, hostOf(this.point), 'incoming') === true
    ) {
      throw new DialError('refused', 'closed at once')
    }
    if (!this.#takes(target)) throw new DialError('no-pool', `${target.peerId} does not speak what is asked for`)
    const [ours, theirs] = linkPair(hub, this, target)
    ours.plain = target.#asPlain
    theirs.plain = this.#asPlain
    target.touched()
    if (!target.silent && target.#takes(this)) target.#handlers?.incoming(theirs)
    return ours
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

  /** Raw access for tests that play a hostile peer: no pool on this side. */
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

  /** Its links break, nothing is said. */
  crash(): void {
    this.#handlers = undefined
    for (const link of [...this.links]) link.breakBoth()
  }

  /**
   * The program is killed: it hears nothing any more, and its dials lead nowhere. The others learn of it when its machine
   * says so; `told` false: the machine is gone too.
   */
  die({ told }: { told: boolean }): void {
    this.#handlers = undefined
    for (const cancel of this.#waits) cancel()
    this.#waits.clear()
    for (const link of [...this.links]) link.die(told)
  }

  /** Never settles if the program is killed meanwhile. */
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

function parse(text: string): ParsedPoint {
  const match = /^(\/(?:ip[46]|dns4)\/[^/]+\/tcp\/[1-9][0-9]*(?:\/p2p\/[^/]+\/p2p-circuit(?:\/webrtc)?)?)(?:\/p2p\/([^/]+))?$/.exec(text)
  if (match?.[1] === undefined) throw new PoolError('invalid-point', `a multiaddr was expected, got ${JSON.stringify(text)}`)
  const relayed = match[1].includes('/p2p-circuit')
  return { point: (relayed ? text : match[1]) as Point, expectedPeerId: match[2] as PeerId | undefined }
}

/** Records that anybody can forge: the id and the points as text. One of another's id is broken. */
export function plainRecords(peerId: PeerId, points: () => readonly Point[]): SignedRecords {
  return {
    get own() {
      return recordOf(peerId, ...points())
    },
    async open(bytes, signer) {
      const [head, ...named] = new TextDecoder().decode(bytes).split(' ')
      await Promise.resolve()
      if (head !== `signed-by:${signer}`) throw new Error(`expected the signature of ${signer}`)
      return named as Point[]
    }
  }
}

export function recordOf(peerId: PeerId, ...points: readonly Point[]): Uint8Array {
  return new TextEncoder().encode([`signed-by:${peerId}`, ...points].join(' '))
}
