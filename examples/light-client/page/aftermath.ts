/**
 * What became of each proven liar, from the events of the pool: was it greylisted, when was it gone, who came instead. Kept for the
 * list of lies; decides nothing.
 */
import type { PeerId, PeerPool } from 'p2p-pool'
import type { ChainMessage } from '../wire/message.ts'

export interface Aftermath {
  readonly greylisted: boolean
  /** Wall clock, ms since 1970. */
  readonly goneAt: number | undefined
  readonly replacement: { readonly peerId: PeerId; readonly at: number } | undefined
}

/** The oldest goes first. */
const maxKept = 50

export class Aftermaths {
  readonly #byPeer = new Map<PeerId, Aftermath>()

  constructor(pool: Pick<PeerPool<ChainMessage>, 'addEventListener'>) {
    pool.addEventListener('peer-reported', ({ detail: { peerId, kind, greylisted } }) => {
      if (kind === 'fault') this.#set(peerId, { greylisted })
    })
    pool.addEventListener('connection-closed', ({ detail: { peerId }, at }) => {
      if (this.#byPeer.has(peerId)) this.#set(peerId, { goneAt: at })
    })
    pool.addEventListener('connection-opened', ({ detail: { peerId }, at }) => {
      // Each newcomer stands in for one of them.
      for (const [liar, { goneAt, replacement }] of this.#byPeer) {
        if (goneAt === undefined || replacement !== undefined || liar === peerId) continue
        this.#set(liar, { replacement: { peerId, at } })
        return
      }
    })
  }

  of(peerId: PeerId): Aftermath | undefined {
    return this.#byPeer.get(peerId)
  }

  #set(peerId: PeerId, known: Partial<Aftermath>): void {
    const before = this.#byPeer.get(peerId) ?? { greylisted: false, goneAt: undefined, replacement: undefined }
    this.#byPeer.set(peerId, { ...before, ...known })
    for (const oldest of this.#byPeer.keys()) {
      if (this.#byPeer.size <= maxKept) break
      this.#byPeer.delete(oldest)
    }
  }
}
