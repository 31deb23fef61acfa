/** The page of shared-pool.test.ts: one tab that shares a pool, driven from the test through `globalThis.tab`. */
import { createWebPeer, type PeerId, type PoolSnapshot, type SharedPool, type TabRole, type WebPeerInit } from '../../web/index.ts'

/** Of the test. */
declare const roleTold: (role: TabRole) => Promise<void>

let shared: SharedPool | undefined
const heard: string[] = []
const others: unknown[] = []
const stored: string[] = []

const tab = {
  get shared(): SharedPool {
    if (shared === undefined) throw new Error('not opened')
    return shared
  },

  /** Messages of peers, in the order they came. */
  heard,

  /** Events about the storage. */
  stored,

  /** Other versions that were told of. */
  others,

  async open(init: WebPeerInit): Promise<TabRole> {
    shared = await createWebPeer(init)
    shared.addEventListener('storage-failed', ({ detail }) => stored.push(`failed ${detail.failure}`))
    shared.addEventListener('storage-recovered', () => stored.push('recovered'))
    shared.addEventListener('other-version', ({ detail }) => others.push(detail.theirs))
    shared.addEventListener('message', ({ detail }) => heard.push(`${detail.peerId} ${new TextDecoder().decode(detail.message)}`))
    shared.addEventListener('role-changed', ({ detail: { role } }) => {
      if (role !== before) void roleTold(role)
      before = role
    })
    let before = shared.role
    return before
  },

  /** What the tab shows of the pool. */
  view(): Pick<PoolSnapshot, 'peerId' | 'bannedPeers' | 'active' | 'version'> & {
    role: TabRole
    hasOwner: boolean
    trusted: PeerId[]
    points: string[]
  } {
    const { role, hasOwner } = tab.shared
    const snapshot = tab.shared.snapshot()
    if (snapshot === undefined) throw new Error('nothing is known of the pool')
    const { peerId, bannedPeers, active, version, peers, points } = snapshot
    return {
      ...{ role, hasOwner, peerId, bannedPeers, active, version },
      trusted: peers.filter(({ trusted }) => trusted).map((peer) => peer.peerId),
      points: points.map(({ point }) => point)
    }
  }
}

export type SharedTab = typeof tab

Object.assign(globalThis, { tab })
