import { expect, test } from 'vitest'
import type { PeerId, Point, PointSnapshot } from '../../../src/core/index.ts'
import { addressIn } from '../../../web/demo/dial-text.ts'
import { snapshotOf } from './stage.ts'

const friend = '12D3KooWEucv3rM44zyXTYcnnRUrNU6kqMBy8TT77dm5cvGbMKWi' as PeerId
const point = '/ip4/127.0.0.1/tcp/4001/ws' as Point
const snapshot = snapshotOf({ connections: 0, points: 1 })
const heardOf = { peers: [], points: [{ ...(snapshot.points[0] as PointSnapshot), point, peerId: friend }] }

test.each([
  ['ws://127.0.0.1:8602', '/ip4/127.0.0.1/tcp/8602/ws'],
  ['ws://[::1]:8602/', '/ip6/::1/tcp/8602/ws'],
  ['wss://example.org', '/dns/example.org/tcp/443/tls/ws'],
  ['ws://example.org', '/dns/example.org/tcp/80/ws'],
  ['ws://example.org/path', 'ws://example.org/path'],
  ['ws://', 'ws://'],
  ['http://example.org', 'http://example.org'],
  [point, point],
  [friend, point],
  ['', '']
])('“%s” is dialed at %s', (text, address) => {
  expect(addressIn(text, heardOf)).toBe(address)
})

test('the id of an unknown peer stays what it is', () => {
  expect(addressIn(friend, { peers: [], points: [] })).toBe(friend)
  expect(addressIn(friend, undefined)).toBe(friend)
})
