/**
 * A Gossipsub room on connections of the pool: real nodes on TCP, of which some leave and others come all the time, while each second
 * somebody says something. Run for seconds by `gossip.test.ts`, for ten minutes by `npm run long -- gossip`.
 */
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import type { Point } from '../../src/core/index.ts'
import type { Random } from '../../src/core/values/ports.ts'
import { type Libp2pPeerPool, withPool } from '../../src/libp2p/index.ts'

export const topic = 'room'
/** Gossipsub's own defaults: it keeps six peers in its mesh, and looks for more below four. */
export const meshBounds = { low: 4, high: 12 }
export const band = { minConnections: 6, expectedConnections: 8, maxConnections: 12 }

/** What was said has reached all by then, ms: gossip repairs what the mesh lost within some heartbeats of a second. */
const reachMs = 5_000
const sampleMs = 500
const startWithinMs = 30_000

export interface RoomOptions {
  readonly nodes: number
  readonly forMs: number
  /** One node leaves and another comes so often, ms. */
  readonly churnMs: number
  readonly sayMs: number
  readonly random: Random
}

export interface RoomFigures {
  /** Nodes that came, the first ones included. */
  readonly came: number
  readonly said: number
  /** Pairs of a message and a node that should have it. */
  readonly expected: number
  readonly missed: number
  /** Of those that came, ms. */
  readonly latencyMs: readonly number[]
  /** How long each node that came later took until its mesh was as large as Gossipsub wants, ms. From then on it counts. */
  readonly meshedAfterMs: readonly number[]
  /** The mesh of each node that counts, sampled. */
  readonly meshes: readonly number[]
  /** The longest time that the mesh of a node that counts was below Gossipsub's lower bound, ms. */
  readonly longestThinMs: number
  /** Grafts and prunes of nodes that count, per node and minute. */
  readonly changesPerMinute: number
  /** The most connections that a node had: of the pool, and in libp2p. */
  readonly mostConnections: number
  readonly mostInLibp2p: number
}

interface Message {
  readonly id: number
  readonly at: number
  readonly from: Member
  readonly due: readonly Member[]
}

/** What the implementation has beside the interface. */
interface Meshed extends GossipSub {
  getMeshPeers(topic: string): readonly string[]
}

class Member {
  readonly node: Libp2p<{ pool: Libp2pPeerPool; pubsub: GossipSub }>
  readonly #startedAt = performance.now()
  /** How long it took until its mesh was as large as Gossipsub wants, ms. From then on the node counts. */
  meshedAfterMs: number | undefined
  /** When each message came. */
  readonly heard = new Map<number, number>()
  /** When it left. */
  goneAt: number | undefined
  /** Since when its mesh is below Gossipsub's lower bound. */
  thinSince: number | undefined
  #changes = 0

  private constructor(node: Member['node']) {
    this.node = node
    const { pubsub } = node.services
    pubsub.addEventListener('message', ({ detail }) => {
      const { data } = detail
      if (detail.topic === topic) this.heard.set(new DataView(data.buffer, data.byteOffset).getUint32(0), performance.now())
    })
    for (const type of ['gossipsub:graft', 'gossipsub:prune'] as const) pubsub.addEventListener(type, () => this.#changes++)
    pubsub.subscribe(topic)
  }

  static async start(known: readonly Point[]): Promise<Member> {
    const node = await createLibp2p(
      withPool(
        {
          addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
          transports: [tcp()],
          services: {
            identify: identify(),
            // Its default refuses more than ten peers of one address; all of these have one.
            pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
          }
        },
        { network: 'gossip-room', ...band, allowPrivatePoints: true, inboundConnectionThreshold: 1_000 }
      )
    )
    for (const point of known) node.services.pool.registerPoint(point)
    void node.services.pool.maintain()
    return new Member(node as unknown as Member['node'])
  }

  get point(): Point {
    const [point] = this.node.services.pool.network.ownPoints()
    if (point === undefined) throw new Error('a node listens nowhere')
    return point
  }

  /** Peers in its mesh. */
  get mesh(): number {
    return (this.node.services.pubsub as Meshed).getMeshPeers(topic).length
  }

  /** Notes when its mesh is there. */
  look(): void {
    if (this.mesh >= meshBounds.low) this.meshedAfterMs ??= performance.now() - this.#startedAt
  }

  get isSettled(): boolean {
    return this.goneAt === undefined && this.meshedAfterMs !== undefined
  }

  /** Grafts and prunes of its mesh since the last call. */
  takeChanges(): number {
    const changes = this.#changes
    this.#changes = 0
    return changes
  }

  /** `kills`: as a process that is killed, without a goodbye. */
  async leave({ kills }: { readonly kills: boolean }): Promise<void> {
    this.goneAt = performance.now()
    if (kills) for (const connection of this.node.getConnections()) connection.abort(new Error('killed'))
    await this.node.stop()
  }
}

/** Resolves with what was measured; all nodes are stopped. Rejects if the first nodes do not find each other within half a minute. */
export async function runRoom({ nodes, forMs, churnMs, sayMs, random }: RoomOptions): Promise<RoomFigures> {
  const members: Member[] = []
  const messages: Message[] = []
  const moves: Promise<void>[] = []
  const seen: Samples = { meshes: [], longestThinMs: 0, mostConnections: 0, mostInLibp2p: 0, meshedAfterMs: [], settledMs: 0, changes: 0 }
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T
  const come = async (): Promise<void> => {
    members.push(await Member.start(members.length === 0 ? [] : [pick(members).point, pick(members).point]))
  }
  const say = (): void => {
    // What a node says that has no peers yet goes nowhere.
    const settled = members.filter(({ isSettled }) => isSettled)
    const from = pick(settled)
    const message = { id: messages.length, at: performance.now(), from, due: settled.filter((one) => one !== from) }
    messages.push(message)
    const data = new Uint8Array(4)
    new DataView(data.buffer).setUint32(0, message.id)
    // A node that is stopped meanwhile says nothing.
    from.node.services.pubsub.publish(topic, data).catch(() => undefined)
  }
  const change = (): void => {
    const [gone] = members.splice(Math.floor(random.next() * members.length), 1)
    if (gone === undefined) return
    moves.push(gone.leave({ kills: random.next() < 0.5 }), come())
  }
  try {
    for (let n = 0; n < nodes; n++) await come()
    await until(() => {
      for (const member of members) member.look()
      return members.every(({ isSettled }) => isSettled)
    }, startWithinMs)
    const timers = [setInterval(() => sample(members, seen), sampleMs), setInterval(say, sayMs), setInterval(change, churnMs)]
    await pause(forMs)
    for (const timer of timers) clearInterval(timer)
    await Promise.all(moves)
    await until(() => messages.every((message) => missing(message).length === 0), reachMs).catch(() => undefined)
    const expected = messages.reduce((sum, message) => sum + dueTo(message).length, 0)
    const missed = messages.reduce((sum, message) => sum + missing(message).length, 0)
    const latencyMs = messages.flatMap(({ id, at, due }) => due.flatMap(({ heard }) => (heard.get(id) ?? Number.NaN) - at || []))
    const { settledMs, changes, ...figures } = seen
    return {
      ...figures,
      said: messages.length,
      expected,
      missed,
      latencyMs,
      came: nodes + moves.length / 2,
      changesPerMinute: (changes * 60_000) / settledMs
    }
  } finally {
    await Promise.allSettled(moves)
    await Promise.all(members.map((member) => member.leave({ kills: false })))
  }
}

/** Who should have it. What a node said that was killed in that moment need not have left it, unless somebody has heard it. */
function dueTo({ id, at, from, due }: Message): readonly Member[] {
  const wasSent = from.goneAt === undefined || from.goneAt - at > reachMs || due.some(({ heard }) => heard.has(id))
  return wasSent ? due.filter(({ goneAt }) => goneAt === undefined || goneAt - at > reachMs) : []
}

function missing(message: Message): readonly Member[] {
  return dueTo(message).filter(({ heard }) => !heard.has(message.id))
}

interface Samples {
  readonly meshes: number[]
  /** Of nodes that came later. */
  readonly meshedAfterMs: number[]
  longestThinMs: number
  mostConnections: number
  mostInLibp2p: number
  /** Of all nodes together. */
  settledMs: number
  changes: number
}

function sample(members: readonly Member[], seen: Samples): void {
  const now = performance.now()
  for (const member of members) {
    const { mesh, node } = member
    seen.mostConnections = Math.max(seen.mostConnections, node.services.pool.activeConnections)
    seen.mostInLibp2p = Math.max(seen.mostInLibp2p, node.getConnections().length)
    const changes = member.takeChanges()
    const wasSettled = member.isSettled
    member.look()
    if (!wasSettled && member.meshedAfterMs !== undefined) seen.meshedAfterMs.push(member.meshedAfterMs)
    if (!wasSettled) continue
    seen.changes += changes
    seen.settledMs += sampleMs
    seen.meshes.push(mesh)
    member.thinSince = mesh < meshBounds.low ? (member.thinSince ?? now) : undefined
    if (member.thinSince !== undefined) seen.longestThinMs = Math.max(seen.longestThinMs, now - member.thinSince + sampleMs)
  }
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still not so after ${withinMs} ms: ${holds}`)
    await pause(20)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
