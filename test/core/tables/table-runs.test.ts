import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PeerTable } from '../../../src/core/tables/peer-table.ts'
import { PointTable } from '../../../src/core/tables/point-table.ts'
import { restorePoint } from '../../../src/core/tables/saved-fields.ts'
import type { Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { checkListings, checkPeers, checkPoints } from '../../support/table-checks.ts'
import { beRejected, connect, disconnect, leavePeer, miss, peerOf, pointInGroup, pointOf, request, runPeer } from './encounters.ts'

const sizes = fc.oneof(
  fc.constant(null),
  fc.integer({ min: 1, max: 40 }).chain((max) => fc.record({ max: fc.constant(max), target: fc.integer({ min: 0, max }) }))
)

const place = fc.oneof(
  fc.nat(60).map(pointOf),
  fc.nat(20).map(pointInGroup),
  fc.nat(9).map((i) => `/ip4/10.0.0.${i}/tcp/1` as Point),
  fc.nat(9).map((i) => `/dns4/r.example/tcp/1/p2p/R/p2p-circuit/p2p/${i}` as Point)
)

const pointStep = fc.record({
  what: fc.constantFrom(
    'insert',
    'insert',
    'insert',
    'connect',
    'request',
    'leave',
    'miss',
    'reject',
    'trust',
    'remove',
    'open',
    'list',
    'restore'
  ),
  point: place,
  source: fc.option(fc.nat(5), { nil: undefined }),
  sourceGroup: fc.option(fc.constantFrom('ip4:1.1', 'ip4:2.2'), { nil: undefined }),
  discoverySource: fc.constantFrom('operator', 'advertise', 'discovery', 'storage', 'hello'),
  flag: fc.boolean()
})

it('the point table is in order after each of thousands of random steps, and never above max but for trusted points', () => {
  fc.assert(
    fc.property(sizes, fc.array(pointStep, { minLength: 1, maxLength: 120, size: 'max' }), fc.nat(), (size, steps, seed) => {
      const table = new PointTable({ size })
      const random = seededRandom(seed)
      let now = 0
      for (const { what, point, source, sourceGroup, discoverySource, flag } of steps) {
        now += 1
        const record = table.get(point)
        if (what === 'insert') {
          const sender = source === undefined ? undefined : peerOf(source)
          const found = table.insert(point, {
            source: sender,
            sourceGroup,
            discoverySource,
            trusted: flag && source === undefined,
            discoveredAt: now
          })
          expect(found?.point ?? point).toBe(point)
          expect(table.has(point)).toBe(found !== undefined)
        } else if (what === 'restore') {
          const other = new PointTable({ size: null }).insert(point, {
            source: undefined,
            discoverySource,
            trusted: flag,
            discoveredAt: now
          })
          if (other !== undefined) other.asClaimed().isPublic = flag
          if (other !== undefined) restorePoint(table, other)
        } else if (what === 'list') {
          const told = table.list({ ignorePrivate: flag, size: 10, random, isBanned: () => false })
          const tellable = [...table].filter(({ isPublic }) => isPublic || !flag).length
          expect(new Set(told).size).toBe(Math.min(10, tellable))
        } else if (what === 'remove') {
          expect(table.remove(point)).toBe(record !== undefined)
        } else if (record !== undefined) {
          if (what === 'trust') table.setTrusted(record, flag)
          else if (what === 'open') {
            record.asClaimed().isPublic = flag
            table.reindex(record)
          } else if (record.state.kind !== 'disconnected') {
            if (what === 'leave') disconnect(table, record, now)
          } else if (what === 'connect') connect(table, record, now, { isPublic: flag })
          else if (what === 'request') request(table, record)
          else if (what === 'miss') miss(table, record, now)
          else if (what === 'reject') beRejected(table, record, now)
        }
        expect([...checkPoints(table), ...checkListings(table)]).toEqual([])
      }
    }),
    { numRuns: 300 }
  )
}, 60_000)

const peerStep = fc.record({
  what: fc.constantFrom('insert', 'insert', 'run', 'leave', 'trust', 'score', 'remove'),
  number: fc.nat(40),
  score: fc.constantFrom(0, 1, 2, -1, Number.NaN, Number.POSITIVE_INFINITY),
  flag: fc.boolean()
})

it('the peer table is in order after each of thousands of random steps, and never above max but for trusted peers', () => {
  fc.assert(
    fc.property(sizes, fc.array(peerStep, { minLength: 1, maxLength: 120, size: 'max' }), (size, steps) => {
      const table = new PeerTable<number>({ size, score: ({ metadata }) => metadata })
      let now = 0
      for (const { what, number, score, flag } of steps) {
        now += 1
        const peerId = peerOf(number)
        const record = table.get(peerId)
        if (what === 'insert') {
          const found = table.insert(peerId, { createdAt: Math.floor(now / 3), metadata: score, trusted: flag && number < 5 })
          expect(table.has(peerId)).toBe(found !== undefined)
        } else if (what === 'remove') {
          expect(table.remove(peerId)).toBe(record !== undefined)
        } else if (record !== undefined) {
          if (what === 'trust') table.setTrusted(record, flag)
          else if (what === 'score') {
            record.asOperator().metadata = score
          } else if (what === 'run' && record.state.kind === 'disconnected') runPeer(record, now)
          else if (what === 'leave' && record.state.kind === 'running') leavePeer(record, now)
        }
        expect(checkPeers(table)).toEqual([])
      }
    }),
    { numRuns: 300 }
  )
}, 60_000)
