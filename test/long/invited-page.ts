/** The page of `invitations.ts`: one peer that invites and joins, driven from Node through `globalThis.long`. */
import { createTabPeer, type Invitation, type PeerId, type TabPeer, type TabPeerInit } from '../../web/index.ts'

let peer: TabPeer | undefined
let invitation: Invitation | undefined
let begun = 0
let inBand: Promise<number> | undefined

function running(): TabPeer {
  if (peer === undefined) throw new Error('no peer was started')
  return peer
}

const long = {
  async start(init: TabPeerInit): Promise<PeerId> {
    peer = await createTabPeer(init)
    return peer.pool.peerId
  },

  async invite(): Promise<string> {
    invitation = await running().pool.invite()
    return invitation.text
  },

  async accept(answer: string): Promise<void> {
    await invitation?.accept(answer)
  },

  /** Resolves with the answer. From now on the time counts. */
  join(text: string): Promise<string> {
    const { pool } = running()
    begun = performance.now()
    return new Promise((resolve, reject) => {
      const joined = pool.join(text, { onAnswer: resolve })
      joined.catch(reject)
      inBand = joined.then(async () => {
        while (pool.activeConnections < pool.band.min) await pool.next('connection-opened')
        return performance.now() - begun
      })
    })
  },

  /** How long it took from the call of `join` until the band was reached, ms; nothing if that was not within so long. */
  reached(withinMs: number): Promise<number | undefined> | undefined {
    const late = new Promise<undefined>((resolve) => {
      setTimeout(resolve, withinMs)
    })
    return inBand && Promise.race([inBand, late])
  },

  connections: (): number => running().pool.activeConnections
}

export type InvitedPage = typeof long

Object.assign(globalThis, { long })
