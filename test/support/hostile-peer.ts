/** A peer without a pool: it says on a link what a test wants, and writes down what it hears. */
import type { Link, Point } from '../../src/core/index.ts'
import { decodeMessage } from '../../src/core/wire/decode.ts'
import { encodeMessages } from '../../src/core/wire/encode.ts'
import { FrameReader } from '../../src/core/wire/frame.ts'
import type { HelloMessage, PoolMessage } from '../../src/core/wire/schema.ts'
import type { MemoryNetwork } from '../../src/testing/memory-network.ts'
import type { World } from './pools.ts'

const limits = { maxApplicationBytes: 1_048_576 }

export function helloOf(more: Partial<HelloMessage> = {}): HelloMessage {
  const nothing = new Uint8Array(0)
  return {
    kind: 'hello',
    network: 'test',
    protocolVersions: [1],
    applicationVersions: [0],
    isPrivate: false,
    discovery: true,
    points: [],
    signedPeerRecord: nothing,
    instance: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    metadata: nothing,
    transports: [],
    invitation: '',
    ...more
  }
}

export class HostilePeer {
  readonly world: World
  readonly network: MemoryNetwork
  /** What came on the link last opened. */
  heard: PoolMessage[] = []
  /** How that link ended: `open`, `closed`, `broken`. */
  end = 'open'

  constructor(world: World, name: string, point?: string) {
    this.world = world
    this.network = world.hub.node(name, { point })
  }

  /** Dials and keeps the link; says nothing. */
  async dial(point: Point): Promise<Link> {
    const link = await this.world.clock.until(this.network.dialRaw(point))
    void this.#listen(link)
    return link
  }

  /** Answers each link that comes in by what `greet` does. */
  async listen(greet: (link: Link) => void): Promise<void> {
    const incoming = (link: Link): void => {
      void this.#listen(link)
      greet(link)
    }
    await this.network.start({ incoming, ownPointsChanged: () => undefined, discovered: () => undefined })
  }

  kinds(): string[] {
    return this.heard.map(({ kind }) => kind)
  }

  async #listen(link: Link): Promise<void> {
    const heard: PoolMessage[] = []
    this.heard = heard
    this.end = 'open'
    try {
      for await (const message of messagesOf(link)) heard.push(message)
      this.end = 'closed'
    } catch {
      this.end = 'broken'
    }
    await link.close()
  }
}

export interface Talk {
  /** It is let in. */
  readonly joined: () => void
  /** A message that is no part of a handshake. */
  readonly heard: (message: PoolMessage) => void
  /** Why it is not let in, with the points that a Nack has. */
  readonly refused?: (points: readonly string[]) => void
}

/** The handshake of a hostile peer, dialed or dialing, and what comes after it. Resolves when the other side or the link ends. Never rejects. */
export async function talk(link: Link, hello: PoolMessage, { joined, heard, refused }: Talk): Promise<void> {
  const isDialer = link.direction === 'outgoing'
  try {
    if (isDialer) say(link, hello)
    for await (const message of messagesOf(link)) {
      if (message.kind === 'hello') {
        if (!isDialer) say(link, hello, { kind: 'ack' })
      } else if (message.kind === 'ack') {
        if (isDialer) say(link, { kind: 'ack' })
        joined()
      } else if (message.kind === 'nack') return refused?.(message.points)
      else if (message.kind === 'disconnect') return
      else heard(message)
    }
  } catch {
    // The link broke: that is its end, as any other.
  }
}

/** What comes on a link, until it ends; throws what the link or the decoder throws. */
export async function* messagesOf(link: Link): AsyncGenerator<PoolMessage> {
  const reader = new FrameReader()
  for await (const chunk of link.chunks) {
    reader.push(chunk)
    for (let frame = reader.next(limits); frame !== undefined; frame = reader.next(limits)) {
      const message = decodeMessage(frame, limits)
      if (message !== undefined) yield message
    }
  }
}

export function say(link: Link, ...messages: PoolMessage[]): void {
  link.send(encodeMessages(messages))
}
