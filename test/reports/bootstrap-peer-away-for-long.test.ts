import { describe, expect, it } from 'vitest'
import { World } from '../support/pools.ts'

const minute = 60_000
const outages = { 'ten minutes': 10 * minute, 'an hour': 60 * minute, 'four hours': 240 * minute }
/** The longest wait is a minute; then there is the connection. */
const withinMs = 61_000

/** How long it takes, in virtual time, until a peer that was away is connected again. */
async function returns({ others, wasMet, isTrusted, outageMs }: { others: number; wasMet: boolean; isTrusted: boolean; outageMs: number }) {
  const world = new World(others + 1)
  const bootstrap = await world.start('bootstrap')
  const { point } = bootstrap.network
  if (!wasMet) bootstrap.network.crash()
  const band = { minConnections: 3, expectedConnections: 5, maxConnections: 10, maintenanceIdleMs: 2 * minute, listens: false }
  const me = await world.start('me', { ...band, trustedPoints: isTrusted ? [{ point, expectedPeerId: undefined }] : [] })
  if (!isTrusted) me.pool.registerPoint(point)
  for (let i = 0; i < others; i++) {
    const { network } = await world.start(`other${i}`)
    await world.clock.until(me.pool.connect(network.point))
  }
  await world.clock.advance(minute)
  expect(me.pool.connections.findByPoint(point) !== undefined).toBe(wasMet)
  if (wasMet) bootstrap.network.crash()
  await world.clock.advance(outageMs)
  await world.clock.until(bootstrap.pool.stop())
  const start = world.clock.now()
  void bootstrap.pool.start()
  while (me.pool.connections.findByPoint(point) === undefined && world.clock.now() - start < 2 * withinMs) await world.clock.advance(100)
  return world.clock.now() - start
}

describe('a bootstrap peer that was away is connected a minute after its return at most', () => {
  for (const [long, outageMs] of Object.entries(outages)) {
    for (const others of [0, 1, 3]) {
      it(`away for ${long}, ${others} other connections`, async () => {
        const facts = { others, outageMs }
        expect(await returns({ ...facts, wasMet: false, isTrusted: true })).toBeLessThanOrEqual(withinMs)
        expect(await returns({ ...facts, wasMet: true, isTrusted: true })).toBeLessThanOrEqual(withinMs)
        // One that is not trusted is as urgent where it was connected before, below the minimum.
        if (others < 3) expect(await returns({ ...facts, wasMet: true, isTrusted: false })).toBeLessThanOrEqual(withinMs)
      })
    }
  }

  it('away for a day, alone', async () => {
    expect(await returns({ others: 0, outageMs: 1_440 * minute, wasMet: true, isTrusted: true })).toBeLessThanOrEqual(withinMs)
  })
})
