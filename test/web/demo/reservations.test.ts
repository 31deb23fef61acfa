/** How the page says whether others can reach it, and until when a peer is left alone that the person disconnected. */
import { describe, expect, test } from 'vitest'
import type { PeerId, Point } from '../../../src/core/index.ts'
import { formatClock } from '../../../web/demo/format.ts'
import { leftWords } from '../../../web/demo/left-alone.ts'
import { idIn, type Reach, reachWords, readReservations } from '../../../web/demo/reservations.ts'
import { snapshotOf, start } from './stage.ts'

const relay = `12D3KooW${'R'.repeat(36)}theRelay` as PeerId
const status = { held: 0, wanted: 1 }
const own = `/ip4/127.0.0.1/tcp/1/ws/p2p/${relay}/p2p-circuit/webrtc/p2p/${relay}` as Point
const [connection] = snapshotOf({ connections: 1, points: 0 }).connections
if (connection === undefined) throw new Error('a snapshot of one connection has none')
const nobody: Reach = { ownPoints: [], bannedPeers: [], connections: [], relays: [relay], status, left: undefined }
const left = { relay, max: 256, left: 253 }

describe('the page says how it can be reached', () => {
  test.each<[string, Partial<Reach>, string, boolean]>([
    [
      'a relay holds a reservation',
      { ownPoints: [own], left },
      '…theRelay holds a relay reservation for this page. …theRelay has 253 of 256 reservations left.',
      false
    ],
    [
      'the same in a tab that follows',
      { ownPoints: [own], status: undefined },
      '…theRelay holds a relay reservation for this page.',
      false
    ],
    [
      'a full relay',
      { left: { ...left, left: 0 } },
      'Not reachable: the relay …theRelay has no reservation left. It is asked again within a minute.',
      true
    ],
    ['it asks', { connections: [{ ...connection, peerId: relay }] }, 'Not reachable yet: asking …theRelay for a relay reservation.', true],
    ['no relay', {}, 'Not reachable yet: no relay is connected.', true],
    [
      'the relay is banned',
      { bannedPeers: [relay] },
      'Not reachable: you banned the relay …theRelay. Lift the ban to be reachable again.',
      false
    ],
    ['it wants none', { status: { ...status, wanted: 0 } }, 'This page asks no relay for a reservation.', false]
  ])('%s', (_, given, text, busy) => {
    expect(reachWords({ ...nobody, ...given })).toEqual({ text, busy })
  })

  test('what the server says is checked', () => {
    expect(readReservations(left)).toEqual(left)
    expect([null, 'x', { relay, left: '3', max: 4 }, {}].map(readReservations)).toEqual([undefined, undefined, undefined, undefined])
    expect(idIn(`/ip4/127.0.0.1/tcp/1/ws/p2p/${relay}`)).toBe(relay)
  })
})

test('a peer that the person disconnected is left alone until a time that is named', () => {
  expect(leftWords({ at: start, nextTryInMs: 41_200, now: start + 1_000 })).toBe(
    `You disconnected it at ${formatClock(start)}. The pool leaves it alone until ${formatClock(start + 42_200)} (42 s).`
  )
  expect(leftWords({ at: start, nextTryInMs: undefined, now: start })).toMatch(/asked to stay away for about a minute\.$/)
})
