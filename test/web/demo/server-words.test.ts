import { expect, test } from 'vitest'
import type { ConnectionSnapshot, PeerId } from '../../../src/core/index.ts'
import { surroundingsOf } from '../../../web/demo/conditions.ts'
import { layoutGraph } from '../../../web/demo/graph-layout.ts'
import { introducedOf, introducedWords, isAlone, type ServerState, serverStateOf, serverWords } from '../../../web/demo/server-words.ts'
import { wayWords } from '../../../web/demo/way-words.ts'
import { snapshotOf } from './stage.ts'

const base = snapshotOf({ connections: 8, points: 8 })
const servers = base.connections.filter(({ transport }) => transport !== 'webrtc')
const pages = base.connections.filter(({ transport }) => transport === 'webrtc')
const [first, second] = pages as [ConnectionSnapshot, ConnectionSnapshot]
const introduced = { ...second, introducer: first.peerId }

const seen = (connections: readonly ConnectionSnapshot[]) => ({ ...base, connections })

test.each<[string, readonly ConnectionSnapshot[], ServerState, string]>([
  ['all run', base.connections, 'run', '6 servers are connected, and 2 other pages.'],
  ['no page is here', servers.slice(0, 1), 'run', '1 server is connected.'],
  ['the relay is stopped', servers.slice(1, 3), 'relay-stopped', 'The relay is stopped; 2 servers are connected.'],
  ['all are stopped', pages, 'servers-stopped', 'No server is reachable. This page goes on with 2 other pages.'],
  ['nothing was stopped, and none is reachable', pages, 'unknown', 'No server is reachable. This page goes on with 2 other pages.'],
  [
    'nobody is left',
    [],
    'servers-stopped',
    'No server is reachable. This page is connected with no other page either: it needs an invitation'
  ]
])('the card says what is reachable: %s', (_, connections, state, words) => {
  expect(serverWords(seen(connections), state, true)).toContain(words)
})

test('an offline page and one that starts are not called alone', () => {
  expect(isAlone(seen(pages), true)).toBe(true)
  expect(isAlone(seen(pages), false)).toBe(false)
  expect(isAlone({ ...seen(pages), status: 'starting' }, true)).toBe(false)
  expect(isAlone(seen(servers), true)).toBe(false)
})

test('connections by an introduction are counted, with the peers that introduced', () => {
  expect(introducedWords(seen([]))).toBe('')
  expect(introducedWords(seen(pages))).toBe('None of 2 connections came by an introduction.')
  expect(introducedWords(seen([first, introduced]))).toBe('1 of 2 connections came by an introduction, through 1 peer:')
  expect(introducedOf(seen([first, introduced])).map(({ peerId, introducer }) => [peerId, introducer])).toEqual([
    [second.peerId, first.peerId]
  ])
})

test('an introduced connection is told from others in words and in the picture, with a bow to its introducer', () => {
  expect(wayWords(first)).toBe('direct, page to page over WebRTC')
  expect(wayWords(introduced)).toBe(`direct, page to page over WebRTC, introduced by …${first.peerId.slice(-8)}`)
  const snapshot = seen([first, introduced])
  const { edges } = layoutGraph(snapshot, surroundingsOf({ snapshot, now: snapshot.takenAt }), { width: 700, height: 420 })
  expect(edges.filter(({ kind }) => kind === 'link').map(({ to, isIntroduced }) => [to, isIntroduced])).toEqual(
    expect.arrayContaining([
      [first.peerId, false],
      [second.peerId, true]
    ])
  )
  expect(edges.filter(({ kind }) => kind === 'introduced')).toMatchObject([{ from: first.peerId, to: second.peerId }])
  // The introducer may have left since.
  const left = seen([{ ...introduced, introducer: 'gone' as PeerId }])
  expect(
    layoutGraph(left, surroundingsOf({ snapshot: left, now: left.takenAt }), { width: 700, height: 420 }).edges.map(({ kind }) => kind)
  ).not.toContain('introduced')
})

test('the answer of the server is read', () => {
  expect(serverStateOf([])).toBe('run')
  expect(serverStateOf(['kill'])).toBe('run')
  expect(serverStateOf(['stop', 'relay-stopped'])).toBe('relay-stopped')
  expect(serverStateOf(['servers-stopped'])).toBe('servers-stopped')
})
