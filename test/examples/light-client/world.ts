/**
 * A network in one thread and on a virtual clock, around one light client: honest peers that mine and hear of each other
 * late, liars, slow and silent ones. Everything that may never happen is checked after every event; all chance is seeded.
 */
import { type Hash, type Header, hashOf } from '../../../examples/light-client/chain/header.ts'
import { HeaderTree } from '../../../examples/light-client/chain/header-tree.ts'
import type { Deceit } from '../../../examples/light-client/node/deceit.ts'
import type { Action } from '../../../examples/light-client/sync/action.ts'
import type { SyncLimits } from '../../../examples/light-client/sync/deadlines.ts'
import { SyncClient } from '../../../examples/light-client/sync/sync-client.ts'
import { chainCodec } from '../../../examples/light-client/wire/codec.ts'
import type { ChainMessage, GetHeadersMessage } from '../../../examples/light-client/wire/message.ts'
import { answerTo, statusOf } from '../../../examples/light-client/wire/serving.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { genesisOf, grow, nextHeader, startS, testRules } from './chains.ts'

/** How a peer of the world is. */
export interface Manner {
  /** From a question to its answer; infinite: none ever comes. */
  readonly answerMs: number
  readonly deceit?: Deceit
  /** Never tells its head. */
  readonly mute?: boolean
  /** Hears of no header of others any more from this instant on. */
  readonly deafFromMs?: number
}

interface WorldPeer extends Manner {
  readonly peerId: string
  readonly tree: HeaderTree
  connected: boolean
}

export interface WorldOptions {
  readonly seed: number
  readonly manners: readonly Manner[]
  /** Headers that all peers have at the beginning. */
  readonly history: number
  readonly limits?: Partial<SyncLimits> | undefined
}

export class World {
  readonly client: SyncClient
  readonly peers: readonly WorldPeer[]
  readonly reports: Extract<Action<string>, { kind: 'report' }>[] = []
  readonly left: string[] = []
  /** Heads that the client showed, in order. */
  readonly shown: Hash[] = []
  now = 0
  readonly #honestHashes = new Set<Hash>()
  readonly #random: () => number
  readonly #events: { at: number; order: number; act: () => void }[] = []
  #order = 0
  readonly #lastAt = new Map<WorldPeer, number>()

  constructor({ seed, manners, history, limits }: WorldOptions) {
    this.#random = seededRandom(seed).next
    this.client = new SyncClient({ rules: testRules, limits })
    const source = new HeaderTree(testRules)
    grow(source, history)
    const headers = source.after(genesisOf(source), history)
    this.peers = manners.map((manner, index) => {
      const tree = new HeaderTree(testRules)
      for (const header of headers) tree.add(header)
      return { ...manner, peerId: `peer-${index}`, tree, connected: true }
    })
    this.#honestHashes.add(source.genesisHash)
    for (const header of headers) this.#honestHashes.add(source.at(header.height)?.hash ?? source.genesisHash)
    for (const peer of this.peers) {
      this.at(this.#random() * 50, () => {
        this.#perform(this.client.join(peer.peerId, this.#moment))
        if (peer.mute !== true) this.#tellStatus(peer)
      })
    }
  }

  at(delayMs: number, act: () => void): void {
    this.#events.push({ at: this.now + delayMs, order: ++this.#order, act })
  }

  /** From now on this header counts as made by an honest peer. */
  trust(header: Header): void {
    this.#honestHashes.add(hashOf(header))
  }

  /** An honest peer finds a header on its own head; the others hear of it a little later. */
  mine(miner: WorldPeer): void {
    const header = nextHeader(miner.tree, miner.tree.head, Math.max(miner.tree.head.header.time, Math.floor(this.#moment.date / 1_000)))
    miner.tree.add(header)
    this.#honestHashes.add(miner.tree.head.hash)
    if (miner.mute !== true) this.#tellStatus(miner)
    for (const peer of this.peers) {
      if (peer === miner || this.now >= (peer.deafFromMs ?? Number.POSITIVE_INFINITY)) continue
      this.at(10 + this.#random() * 300, () => {
        const before = peer.tree.head
        for (const known of miner.tree.after(genesisOf(miner.tree), Number.POSITIVE_INFINITY)) peer.tree.add(known)
        if (peer.tree.head !== before && peer.mute !== true) this.#tellStatus(peer)
      })
    }
  }

  /** Mines at random, `everyMs` on the average, for so long; then only waits until all is quiet. */
  run({ miningMs, everyMs, quietMs }: { miningMs: number; everyMs: number; quietMs: number }): void {
    const miners = this.peers.filter(({ deceit, mute, answerMs }) => deceit === undefined && mute !== true && Number.isFinite(answerMs))
    const mineNext = (): void => {
      const miner = miners[Math.floor(this.#random() * miners.length)]
      if (miner === undefined || this.now >= miningMs) return
      this.mine(miner)
      this.at(-Math.log(1 - this.#random()) * everyMs, mineNext)
    }
    this.at(this.#random() * everyMs, mineNext)
    this.until(miningMs + quietMs)
  }

  until(end: number): void {
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = this.#events[0]
      const due = this.client.nextDueAt(this.now)
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, due ?? Number.POSITIVE_INFINITY)
      if (at > end) break
      this.now = at
      if (next !== undefined && next.at <= at) {
        this.#events.shift()
        next.act()
      } else this.#perform(this.client.tick(this.#moment))
      this.#check()
    }
    this.now = end
    this.#perform(this.client.tick(this.#moment))
  }

  get #moment() {
    return { now: this.now, date: startS * 1_000 + 3_600_000 + this.now }
  }

  #tellStatus(peer: WorldPeer): void {
    this.say(peer, (peer.deceit?.status ?? statusOf)(peer.tree))
  }

  /** What one peer says arrives in the order in which it was said, as it comes out of the codec. */
  say(peer: WorldPeer, message: ChainMessage): void {
    const at = Math.max(this.now + 5 + this.#random() * 20, (this.#lastAt.get(peer) ?? 0) + 0.001)
    this.#lastAt.set(peer, at)
    this.at(at - this.now, () => {
      if (peer.connected) this.#perform(this.client.receive(peer.peerId, chainCodec.decode(chainCodec.encode(message)), this.#moment))
    })
  }

  #perform(actions: readonly Action<string>[]): void {
    for (const action of actions) {
      const peer = this.peers.find(({ peerId }) => peerId === action.peerId)
      if (peer === undefined) throw new Error(`an action for ${action.peerId}, whom nobody knows`)
      if (action.kind === 'send') {
        if (action.message.kind !== 'get-headers') throw new Error(`the client said ${action.message.kind}`)
        this.#answer(peer, action.message)
        continue
      }
      if (action.kind === 'report') this.reports.push(action)
      else this.left.push(action.peerId)
      if (action.kind === 'leave' || action.about === 'fault') this.#disconnect(peer)
    }
  }

  #answer(peer: WorldPeer, request: GetHeadersMessage): void {
    if (!Number.isFinite(peer.answerMs)) return
    this.at(peer.answerMs * (0.5 + this.#random() / 2), () => {
      if (peer.deceit !== undefined) this.#tellStatus(peer)
      this.say(peer, (peer.deceit?.answer ?? answerTo)(peer.tree, request))
    })
  }

  #disconnect(peer: WorldPeer): void {
    if (!peer.connected) return
    peer.connected = false
    this.at(1, () => this.#perform(this.client.leave(peer.peerId, this.#moment)))
  }

  /** What may never happen. */
  #check(): void {
    const { head } = this.client.tree
    if (this.shown.at(-1) !== head.hash) this.shown.push(head.hash)
    if (!this.#honestHashes.has(head.hash)) throw new Error(`at ${this.now} ms a head is shown that no honest peer made`)
    for (const { peerId, verdict } of this.client.view(this.#moment).peers) {
      const peer = this.peers.find((one) => one.peerId === peerId)
      if (verdict === 'lied' && peer?.deceit === undefined) throw new Error(`at ${this.now} ms ${peerId} is called a liar and is none`)
    }
  }
}
