/** A pool that is recorded invites and joins like any other; its recording ends there, and replays. */
import { expect, it } from 'vitest'
import { MemoryWorld } from '../../src/testing/index.ts'
import { recorded, replayed, saved, started } from './recorded-world.ts'

const options = { network: 'test', minByKind: null, minConnections: 0, expectedConnections: 0, maxConnections: 10 } as const

it.each(['inviting', 'joining'] as const)('a recording of an %s peer ends there, and replays to that point', async (role) => {
  const world = new MemoryWorld({ seed: 5 })
  const life = recorded(world, { ...options, page: true })
  await started(life)
  const { pool: other } = await world.start('other', { ...options, page: true })
  await world.clock.advance(1_000)
  const [inviting, joining] = role === 'inviting' ? [life.pool, other] : [other, life.pool]
  expect(life.recording.status?.fullAt).toBeNull()
  const invitation = await world.clock.until(inviting.invite())
  const joined = joining.join(invitation.text, { onAnswer: (answer) => void invitation.accept(answer) })
  expect(await world.clock.until(joined)).toBe(inviting.peerId)
  await world.clock.advance(5_000)
  expect(inviting.snapshot().connections.map(({ peerId }) => peerId)).toEqual([joining.peerId])
  await world.clock.until(inviting.disconnect(joining.peerId))
  expect(life.recording.status?.fullAt).toBeGreaterThan(0)
  const lines = await saved(life)
  await world.stop()
  const { divergence, hash, recordedHash } = await replayed(lines)
  expect({ divergence, hash }).toEqual({ divergence: undefined, hash: recordedHash })
})
