/** `subscribe` and `getSnapshot` of a pool that is shared: two parts of it in one page, which act as two tabs. */
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { createWebPeer, type PeerId, type SharedPool } from '../../../web/index.ts'

const someone = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5' as PeerId

let opened = 0
afterEach(() => void opened++)

async function open(): Promise<SharedPool> {
  const pool = await createWebPeer({ network: 'subscribe-test', name: `subscribe-${opened}` })
  onTestFinished(() => pool.stop())
  return pool
}

const nextCall = (pool: SharedPool): Promise<void> =>
  new Promise((resolve) => {
    const end = pool.subscribe(() => {
      end()
      resolve()
    })
  })

/** Resolves when the owner sent counters, which it does after each look of a follower. */
async function counters(follower: SharedPool): Promise<void> {
  const before = follower.snapshot()
  while (follower.snapshot() === before) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function until(pool: SharedPool, isSo: () => boolean): Promise<void> {
  while (!isSo()) await nextCall(pool)
}

describe('subscribe and getSnapshot of a shared pool', () => {
  it('need no this, and the owner gets the same object until something changed', async () => {
    const pool = await open()
    const { getSnapshot, subscribe } = pool
    await until(pool, () => getSnapshot()?.storage.mode === 'persistent' && !getSnapshot()?.storage.unsavedChanges)
    const before = getSnapshot()
    expect(getSnapshot()).toBe(before)
    const called = new Promise<void>((resolve) => {
      onTestFinished(subscribe(resolve))
    })
    await pool.peers.trust(someone)
    await called
    expect(getSnapshot()).not.toBe(before)
    expect(getSnapshot()?.peers.map(({ peerId }) => peerId)).toContain(someone)
  })

  it('a follower gets the same object while the owner says nothing new, also when another tab comes', async () => {
    const [owner, follower] = [await open(), await open()]
    expect([owner.role, follower.role]).toEqual(['owner', 'follower'])
    await owner.savePeers()
    await until(follower, () => follower.getSnapshot()?.version === owner.getSnapshot()?.version)
    const before = follower.getSnapshot()
    const version = owner.getSnapshot()?.version
    await open()
    for (let looks = 0; looks < 2; looks++) await counters(follower)
    expect(owner.getSnapshot()?.version).toBe(version)
    expect(follower.getSnapshot()).toBe(before)
  })

  it('goes on through a handover: the follower keeps its snapshot until it owns the pool, and is called then', async () => {
    const [owner, follower] = [await open(), await open()]
    await until(follower, () => follower.getSnapshot() !== undefined)
    const roles: unknown[] = []
    const seen = new Set<unknown>()
    onTestFinished(
      follower.subscribe(() => {
        roles.push(follower.role)
        seen.add(follower.getSnapshot()?.peerId)
      })
    )
    await owner.peers.ban(someone)
    await owner.stop()
    expect(owner.getSnapshot()?.bannedPeers).toEqual([someone])
    await until(follower, () => follower.role === 'owner' && follower.getSnapshot()?.bannedPeers[0] === someone)
    expect(roles).toContain('owner')
    expect([...seen]).toEqual([owner.getSnapshot()?.peerId])
    const own = follower.getSnapshot()
    expect(follower.getSnapshot()).toBe(own)
  })
})
