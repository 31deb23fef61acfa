import { expect, test } from 'vitest'
import type { PeerId, Point, PointSnapshot } from '../../../src/core/index.ts'
import { readDialText } from '../../../web/demo/dial-text.ts'
import { snapshotOf } from './stage.ts'

const friend = '12D3KooWEucv3rM44zyXTYcnnRUrNU6kqMBy8TT77dm5cvGbMKWi' as PeerId
const point = '/ip4/127.0.0.1/tcp/4001/ws' as Point
const snapshot = snapshotOf({ connections: 0, points: 1 })
const known = { peerId: snapshot.peerId, peers: [], points: [{ ...(snapshot.points[0] as PointSnapshot), point, peerId: friend }] }

test.each([
  ['ws://127.0.0.1:8602', '/ip4/127.0.0.1/tcp/8602/ws'],
  ['ws://[::1]:8602/', '/ip6/::1/tcp/8602/ws'],
  ['wss://example.org', '/dns/example.org/tcp/443/tls/ws'],
  ['WSS://example.org:4001', '/dns/example.org/tcp/4001/tls/ws'],
  ['ws://example.org', '/dns/example.org/tcp/80/ws'],
  [point, point],
  ['/nonsense', '/nonsense'],
  [friend, point]
])('“%s” is dialed at %s', (text, address) => {
  expect(readDialText(text, known)).toEqual({ address })
})

test.each([
  ['', /nothing to dial/],
  ['ws://', /not complete/],
  ['ws://example.org/path', /host and a port/],
  ['wss://user@example.org', /host and a port/],
  ['wss://example.org?x=1', /host and a port/],
  ['http://example.org', /URL of a web page/],
  ['ftp://example.org', /do not dial ftp: URLs/],
  ['example.org', /“example\.org” is no address/],
  ['x'.repeat(300), /“x{60}…” is no address/],
  [`…${friend.slice(-8)}`, /only a part of a peer id/],
  [`…${friend.slice(-6)}`, /only a part of a peer id/],
  [friend.slice(0, 30), /only a part of a peer id/],
  [snapshot.peerId, /id of this page/]
])('“%s” is not dialed, and a sentence says why', (text, problem) => {
  expect(readDialText(text, known)).toEqual({ problem: expect.stringMatching(problem), advice: expect.stringMatching(/\.$/) })
})

test('of a peer without an address, or with none for pages, it says so', () => {
  const nobody = { peerId: snapshot.peerId, peers: [], points: [] }
  expect(readDialText(friend, nobody)).toMatchObject({ problem: expect.stringContaining('No address of') })
  expect(readDialText(friend, undefined)).toMatchObject({ problem: expect.stringContaining('No address of') })
  const far = { ...known, points: known.points.map((one) => ({ ...one, point: '/ip4/127.0.0.1/tcp/1' as Point })) }
  expect(readDialText(friend, far)).toMatchObject({ problem: expect.stringContaining('cannot dial any known address') })
})

test('a page that came over https is sent to wss', () => {
  expect(readDialText('ws://example.org', known, { isHttps: true })).toMatchObject({ problem: expect.stringContaining('wss:// URLs only') })
  expect(readDialText('ws://localhost:1', known, { isHttps: true })).toMatchObject({ address: '/dns/localhost/tcp/1/ws' })
})
