import { expect, it } from 'vitest'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { HostilePeer, helloOf, say } from '../../support/hostile-peer.ts'
import { World } from '../../support/pools.ts'

const band = { minConnections: 2, expectedConnections: 4, maxConnections: 8, maintenanceIdleMs: 60_000 }
const home = '/ip4/203.0.113.1/tcp/1' as Point

it('a ban says how long it lasts, a greylisting for how long at most', async () => {
  const world = new World()
  const { pool } = await world.start('a')
  const [x, y] = ['x', 'y'] as PeerId[] as [PeerId, PeerId]
  await pool.points.ban(home)
  expect(pool.explain(home)).toMatchObject({ state: 'refused', nextTryInMs: undefined })
  expect(pool.explain(home).text).toBe(`the host of ${home} is banned, until that is lifted`)
  await pool.peers.ban(x, { endsAt: world.clock.date() + 90_000 })
  expect(pool.explain(x)).toMatchObject({ state: 'refused', nextTryInMs: 90_000 })
  expect(pool.explain(x).text).toBe('peer x is banned for 90 s more')
  await pool.peers.report(y, { kind: 'fault', reason: 'r' })
  expect(pool.explain(y)).toMatchObject({ state: 'refused', nextTryInMs: 81_000_000 })
})

it('the band: what is done while it fills, when it is content, asleep and stopped', async () => {
  const world = new World()
  const b = await world.start('b')
  const a = await world.start('a', { ...band, trustedPoints: [{ point: b.network.point, expectedPeerId: undefined }], suspendedBand: null })
  expect(a.pool.explainBand()).toMatchObject({ step: 'filling', active: 0, dialing: 1 })
  await world.clock.advance(100)
  expect(a.pool.explainBand()).toMatchObject({ step: 'searching', active: 1, candidates: 0 })
  expect(a.pool.explainBand().nextLookInMs).toBeGreaterThan(0)
  for (const name of ['c', 'd', 'e']) a.pool.registerPoint((await world.start(name)).network.point)
  await world.clock.advance(100)
  expect(a.pool.explainBand()).toMatchObject({ step: 'content', active: 4, dialing: 0, waiting: 0 })
  await a.pool.suspend()
  expect(a.pool.explainBand()).toMatchObject({ step: 'suspended', nextLookInMs: undefined })
  await world.clock.until(a.pool.stop())
  expect(a.pool.explainBand().step).toBe('stopped')
  expect(JSON.parse(JSON.stringify(a.pool.explainBand()))).toMatchObject({ step: 'stopped', active: 0 })
})

it('a peer that advertised more points than it may is said to have', async () => {
  const world = new World()
  const a = await world.start('a')
  const pest = new HostilePeer(world, 'pest')
  const link = await pest.dial(a.network.point)
  say(link, helloOf(), { kind: 'ack' })
  await world.clock.advance(100)
  expect(a.pool.explain('pest' as PeerId).text).toMatch(/^connected, incoming, round trip 0 ms; kept, since up to \d+ are wanted$/)
  for (let i = 0; i < 3; i++) {
    const points = Array.from({ length: 100 }, (_, j) => `/ip4/10.${100 + i}.${j}.1/tcp/1`)
    say(link, { kind: 'advertise', points, ownPoints: undefined })
  }
  await world.clock.advance(100)
  expect(a.pool.explain('pest' as PeerId).text).toMatch(
    /; kept, since up to \d+ are wanted; it has advertised as many points as it may for now$/
  )
})
