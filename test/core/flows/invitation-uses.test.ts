import { expect, it } from 'vitest'
import { PoolError } from '../../../src/core/index.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import { type Member, MemoryWorld } from '../../../src/testing/index.ts'

/** B has as many connections as it wants, so a newcomer gets in only by an invitation. Its application takes a while to decide, and refuses `refused`. */
async function fullPeer(checkMs: number, refused = ''): Promise<{ world: MemoryWorld; b: Member }> {
  const world = new MemoryWorld({ seed: 23 })
  const onAdmit = ({ peerId }: { peerId: PeerId }): Promise<boolean> =>
    new Promise((resolve) => world.clock.schedule(checkMs, () => resolve(peerId !== refused)))
  const b = await world.start('B', { expectedConnections: 2, maxConnections: 5, ...(checkMs > 0 ? { onAdmit } : {}) })
  for (let n = 0; n < 3; n++) await world.clock.until((await world.start(`C${n}`)).pool.connect(b.network.point))
  return { world, b }
}

const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error instanceof PoolError ? (error.rejection?.kind ?? error.code) : String(error)))

it.each([0, 3_000])('an invitation lets in one newcomer of fifteen that come together, each checked for %i ms', async (checkMs) => {
  const { world, b } = await fullPeer(checkMs)
  const before = b.pool.activeConnections
  const invitation = await b.pool.invite({ uses: 1 })
  const joins: Promise<unknown>[] = []
  for (let n = 0; n < 15; n++) joins.push(outcomeOf((await world.start(`N${n}`)).pool.join(invitation.text)))
  await world.clock.advance(10_000)
  expect((await Promise.all(joins)).filter((one) => one === 'B')).toHaveLength(1)
  expect([b.pool.activeConnections, invitation.usesLeft]).toEqual([before + 1, 0])
})

it('a newcomer that fails gives its use back', async () => {
  const { world, b } = await fullPeer(3_000, 'A')
  const [a, d] = [await world.start('A'), await world.start('D')]
  const invitation = await b.pool.invite()
  const joins = [outcomeOf(a.pool.join(invitation.text)), outcomeOf(d.pool.join(invitation.text))]
  await world.clock.advance(5_000)
  expect([...(await Promise.all(joins)), invitation.usesLeft]).toEqual(['rejected-by-peer', 'rejected-by-peer', 1])
  await world.clock.advance(60_000)
  expect(await outcomeOf(world.clock.until(d.pool.join(invitation.text)))).toBe('B')
  await world.clock.advance(10)
  expect(invitation.usesLeft).toBe(0)
})
