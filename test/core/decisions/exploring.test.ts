import { expect, it } from 'vitest'
import { planExploring } from '../../../src/core/decisions/exploring.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { StateBench } from '../../support/state-bench.ts'

const at = (n: number): Point => `/ip4/192.0.2.${n}/tcp/1` as Point

it('exploring leaves peers that others introduce to a walk', () => {
  const bench = new StateBench({ minConnections: 2, expectedConnections: 8, maxConnections: 14 })
  for (let n = 1; n <= 8; n++) bench.dialed(at(n), `peer${n}` as PeerId)
  for (let n = 11; n <= 15; n++) bench.state.points.register(`/p2p/peer1/p2p-circuit/webrtc/p2p/peer${n}` as Point)
  const options = { now: 0, canDial: () => true, random: seededRandom(1) }
  expect(planExploring(bench.state, options)).toBeUndefined()
  bench.state.points.register(at(20))
  expect(planExploring(bench.state, options)).toBe(at(20))
})
