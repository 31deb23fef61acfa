/**
 * Strangers who say random things to one pool: on connections that they opened, in handshakes that they began, and where the pool
 * dials them. They aim at what they could want to change: points and ids that the operator or a proof wrote something about.
 */
import type { Link, Point } from '../../src/core/index.ts'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import type { PoolMessage } from '../../src/core/wire/schema.ts'
import type { MemoryNetwork } from '../../src/testing/memory-network.ts'
import { helloOf } from './hostile-peer.ts'
import type { World } from './pools.ts'

/** What the strangers know of their victim. */
export interface Aims {
  readonly victim: Point
  readonly points: readonly string[]
  readonly peerIds: readonly string[]
  /** Some strangers have these hosts, too. */
  readonly sharedHosts: readonly string[]
}

/** At most so many strangers are connected at once. */
const crowd = 30

export class HostileCrowd {
  /** What was said since somebody emptied it; for the report of a failure. */
  said: { readonly by: string; readonly messages: readonly PoolMessage[] }[] = []
  /** Sequences said. */
  sequences = 0
  readonly #world: World
  readonly #aims: Aims
  readonly #next: () => number
  readonly #links = new Set<Link>()
  /** Answers wherever the pool dials and nobody else is. */
  readonly #listener: MemoryNetwork
  #names = 0

  constructor(world: World, aims: Aims, random: () => number) {
    this.#world = world
    this.#aims = aims
    this.#next = random
    this.#listener = world.hub.node('stranger0', { point: '/ip4/100.128.0.1/tcp/4001' })
    const incoming = (link: Link): void => {
      void drain(link)
      this.#say(link, [...(this.#once(0.8) ? [this.#hello()] : []), this.#once(0.6) ? { kind: 'ack' } : this.#any()])
      if (this.#once(0.5)) this.#links.add(link)
    }
    void this.#listener.start({ incoming, ownPointsChanged: () => undefined, discovered: () => undefined })
    // Protected peers are away: nobody answers for them.
    const away = new Set(aims.points)
    world.hub.elsewhere = (point) => (away.has(point) ? undefined : this.#listener)
  }

  /** Each stranger says something, seldom more than it may; a few come and go. */
  async round(): Promise<void> {
    for (const link of this.#links) {
      if (this.#once(0.03)) {
        this.#links.delete(link)
        this.#say(link, [{ kind: 'disconnect', code: this.#below(12), text: '', comeBackAfterMs: this.#below(2) * 3_600_000 }])
        void link.close()
      } else {
        this.#say(
          link,
          Array.from({ length: 1 + this.#below(3) }, () => this.#exchange())
        )
        if (this.#once(0.005)) this.#say(link, [this.#any()])
      }
    }
    for (let missing = Math.min(3, crowd - this.#links.size); missing > 0; missing--) void this.#come()
    await this.#world.clock.advance(this.#once(0.01) ? 90_000 : 100 + this.#below(100))
  }

  async #come(): Promise<void> {
    const name = `stranger${++this.#names}`
    const shared = this.#once(0.2) ? this.#pick(this.#aims.sharedHosts) : undefined
    const point = `/ip4/${shared ?? `198.51.${this.#below(256)}.${this.#below(256)}`}/tcp/${20_000 + this.#names}`
    const node = this.#world.hub.node(name, { point })
    this.#world.hub.nodes.delete(node.point)
    try {
      const link = await node.dialRaw(this.#aims.victim)
      void drain(link)
      this.#say(link, [this.#hello(), this.#once(0.9) ? { kind: 'ack' } : this.#any()])
      this.#links.add(link)
    } catch {
      // Its host is banned or greylisted by now.
    }
  }

  #say(link: Link, messages: readonly PoolMessage[]): void {
    this.sequences++
    this.said.push({ by: link.remoteAddress, messages })
    try {
      link.send(encodeMessages(messages))
    } catch {
      this.#links.delete(link)
    }
  }

  #any(): PoolMessage {
    const acts: readonly (() => PoolMessage)[] = [
      () => this.#hello(),
      () => ({ kind: 'ack' }),
      () => ({ kind: 'nack', motive: this.#below(7), points: this.#points() }),
      () => this.#exchange()
    ]
    return this.#pick(acts)()
  }

  #exchange(): PoolMessage {
    const acts: readonly (() => PoolMessage)[] = [
      () => ({ kind: 'swap-request', point: this.#point(), peerId: this.#peerId() }),
      () => ({ kind: 'swap-request', point: this.#point(), peerId: this.#peerId() }),
      () => ({ kind: 'swap-ack', point: this.#point(), peerId: this.#peerId() }),
      () => ({ kind: 'advertise', points: this.#points(), ownPoints: this.#once(0.5) ? this.#points() : undefined }),
      () => ({ kind: 'bootstrap', transports: this.#once(0.5) ? [] : ['tcp'] }),
      () => ({ kind: 'application', payload: new Uint8Array(this.#below(3)) })
    ]
    return this.#pick(acts)()
  }

  #hello(): PoolMessage {
    const instance = Uint8Array.of(...Array.from({ length: 8 }, () => this.#below(256)))
    return helloOf({
      points: this.#points(),
      instance,
      isPrivate: this.#once(0.3),
      discovery: this.#once(0.9),
      network: this.#once(0.03) ? 'other' : 'test',
      signedPeerRecord: this.#once(0.05) ? Uint8Array.of(1, 2, 3) : new Uint8Array(0)
    })
  }

  #points(): string[] {
    return Array.from({ length: this.#below(4) }, () => this.#point())
  }

  #point(): string {
    const base = this.#once(0.6) ? this.#pick(this.#aims.points) : `/ip4/100.${128 + this.#below(64)}.${this.#below(256)}.1/tcp/4001`
    if (this.#once(0.1)) return `${base}/p2p/${this.#peerId()}`
    if (this.#once(0.1)) return `/ip4/100.128.0.1/tcp/4001/p2p/stranger0/p2p-circuit/p2p/${this.#peerId()}`
    return this.#once(0.02) ? 'nothing' : base
  }

  #peerId(): string {
    return this.#once(0.7) ? this.#pick(this.#aims.peerIds) : this.#once(0.5) ? 'stranger0' : `nobody${this.#below(50)}`
  }

  #once(probability: number): boolean {
    return this.#next() < probability
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }
}

/** Reads what comes and forgets it, until the end. */
async function drain(link: Link): Promise<void> {
  try {
    for await (const _ of link.chunks);
  } catch {
    // It broke: the pool ended it.
  }
  await link.close()
}
