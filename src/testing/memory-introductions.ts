/** How nodes of a network in memory introduce each other: the part of a dial that runs over a common peer, and the reservations for it. */
import { onAbort } from '../core/flows/waits.ts'
import type { PeerId, Point } from '../core/values/ids.ts'
import { DialError, type IntroductionHandlers, type Introductions } from '../core/values/ports.ts'
import type { MemoryLink } from './memory-link.ts'

/** What passes through the introducer for one introduction: the signalling of a WebRTC connection, bytes. */
const introductionBytes = 6 * 1024
/** How long an introduction may last, ms. */
const maxIntroductionMs = 30_000

/** Where the id of the introducer stands in an introduction point. */
const idAt = '/p2p/'.length

/** What a node is to its introductions. */
export interface IntroducingNode {
  readonly peerId: PeerId
  /** Its open links. */
  readonly links: Iterable<MemoryLink>
  /** Its pool runs. */
  readonly isUp: boolean
  /** One of another node that is linked with this one. */
  introductionsOf(peerId: PeerId): MemoryIntroductions | undefined
  /** Waits until a message would be with the other end, or for ever if it does not get there. Rejects when the signal fires. */
  reach(link: MemoryLink, signal: AbortSignal): Promise<void>
  /** Rejects when the signal fires. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** The introductions of one node. */
export class MemoryIntroductions implements Introductions {
  /** Bytes that it has passed on for others. */
  passedBytes = 0
  /** How often it was introduced to another and agreed: each costs a page a WebRTC connection. */
  takenIntroductions = 0
  /** True: it takes requests and passes nothing on, and nobody is notified. */
  swallows = false
  /** True: the introductions that it takes part in lead to nothing, and last as long as they may. */
  stalls = false
  readonly #node: IntroducingNode
  readonly #guests = new Set<PeerId>()
  #handlers: IntroductionHandlers | undefined

  constructor(node: IntroducingNode) {
    this.#node = node
  }

  allow(handlers: IntroductionHandlers): void {
    this.#handlers = handlers
  }

  reserve(introducer: PeerId): void {
    const link = this.linkWith(introducer)
    if (link === undefined) return
    const arrived = this.#node.reach(link, new AbortController().signal)
    arrived.then(() => this.#node.introductionsOf(introducer)?.take(this.#node.peerId)).catch(() => undefined)
  }

  /** A peer reserves. */
  take(guest: PeerId): void {
    for (const one of this.#guests) if (this.linkWith(one) === undefined) this.#guests.delete(one)
    if (this.#handlers === undefined || this.linkWith(guest) === undefined) return
    this.#guests.add(guest)
    this.#handlers.reserved(guest)
  }

  pointOf(guest: PeerId): Point | undefined {
    return this.#guests.has(guest) && this.linkWith(guest) !== undefined ? introductionPoint(this.#node.peerId, guest) : undefined
  }

  /** Can this introduction point be dialed: is its introducer connected? Asked for each point in each look of a pool, so it reads as little as it can. */
  canDial(point: Point): boolean {
    if (this.#handlers === undefined) return false
    for (const { remote } of this.#node.links)
      if (point.startsWith(remote.peerId, idAt) && point[idAt + remote.peerId.length] === '/') return true
    return false
  }

  /** Asks the introducer for the peer; settles when that has agreed. Rejects with `DialError`. */
  async ask(introducer: PeerId, target: PeerId, signal: AbortSignal): Promise<void> {
    const link = this.linkWith(introducer)
    if (link === undefined) throw new DialError('unreachable', `${introducer} is not connected`)
    await this.#node.reach(link, signal)
    const there = this.#node.introductionsOf(introducer)
    if (there === undefined) throw new DialError('refused', `${introducer} introduces nobody`)
    await there.introduce(this.#node.peerId, target, signal)
    // By noise, over a real introducer.
    this.#node.introductionsOf(target)?.prove(this.#node.peerId, introducer)
    await this.#node.reach(link, signal)
  }

  /** Passes on what one peer has for another. Rejects with `DialError`. */
  async introduce(from: PeerId, to: PeerId, signal: AbortSignal): Promise<void> {
    if (this.swallows) await never(signal)
    const link = this.linkWith(to)
    const cut = new AbortController()
    const over = link === undefined || this.pointOf(to) === undefined ? undefined : this.#handlers?.introduces(from, to, () => cut.abort())
    if (link === undefined || over === undefined) throw new DialError('refused', `${this.#node.peerId} does not introduce ${to}`)
    try {
      await this.#node.reach(link, signal)
      this.passedBytes += introductionBytes
      const there = this.#node.introductionsOf(to)
      if (there === undefined || !there.#takes(from, this.#node.peerId)) throw new DialError('refused', `${to} was not introduced`)
      if (!there.stalls && this.#node.introductionsOf(from)?.stalls !== true) return
      const forget = onAbort(signal, () => cut.abort(signal.reason))
      await this.#node.wait(maxIntroductionMs, cut.signal).finally(forget)
      throw new DialError('refused', 'the time of the introduction is over')
    } finally {
      over()
    }
  }

  /** A peer has come to us over an introducer, and proved its id as noise does. */
  prove(from: PeerId, by: PeerId): void {
    this.#handlers?.proved(from, by)
  }

  #takes(from: PeerId, by: PeerId): boolean {
    const takes = this.#node.isUp && this.#handlers?.introduced(from, by) === true
    if (takes) this.takenIntroductions++
    return takes
  }

  /** The open link with a peer. */
  linkWith(peerId: PeerId): MemoryLink | undefined {
    for (const link of this.#node.links) if (link.remote.peerId === peerId) return link
    return undefined
  }

  /** Its program has ended. */
  end(): void {
    this.#guests.clear()
    this.#handlers = undefined
  }
}

/** Where a peer is reached through another that both are linked with. */
export function introductionPoint(introducer: PeerId, target: PeerId): Point {
  return `/p2p/${introducer}/p2p-circuit/webrtc/p2p/${target}` as Point
}

function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const aborted = (): void => reject(new DialError('aborted', 'the dial was aborted', signal.reason))
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
  })
}
