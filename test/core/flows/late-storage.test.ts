import { expect, it } from 'vitest'
import { memoryStorage } from '../../../src/core/index.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { type PeerStorage, StorageError } from '../../../src/core/values/ports.ts'
import { World } from '../../support/pools.ts'

it('a ban that a storage brings late, since it was locked at the start, ends the connection that was made meanwhile', async () => {
  const world = new World(1)
  const kept = memoryStorage()
  const before = await world.start('me', { storage: kept })
  await world.clock.until(before.pool.peers.ban('banned' as PeerId))
  await world.clock.until(before.pool.stop())
  let isLocked = true
  const storage: PeerStorage = {
    name: 'locked',
    open: async (signal) => {
      if (isLocked) throw new StorageError('locked', 'another process has it')
      await kept.open(signal)
    },
    load: (signal) => kept.load(signal),
    save: (lines) => kept.save(lines),
    quarantine: () => kept.quarantine(),
    close: () => kept.close()
  }
  const me = await world.start('again', { storage })
  const [banned, other] = [await world.start('banned'), await world.start('other')]
  for (const { pool } of [banned, other]) await world.clock.until(pool.connect(me.network.point))
  await world.clock.advance(100)
  expect(me.pool.activeConnections).toBe(2)
  isLocked = false
  await world.clock.advance(10_000)
  expect(me.pool.connections.list().map(({ peerId }) => peerId)).toEqual(['other'])
  expect(me.complaints[0]).toContain('the storage locked failed')
})
