/** The facts about bans: one ends the connection and keeps the peer out, whichever side dials; lifting it lets the peer in again. */
import type { PeerId, Point, Rejection } from '../index.ts'
import { type CheckContext, seenBy } from './demo-check-context.ts'
import { eventually, expectThat, pause, seconds } from './demo-facts.ts'
import type { DemoNodePeer } from './demo-node-peer.ts'
import type { DemoTab } from './demo-tab.ts'

/** How long a banned peer goes on dialing. */
const keptOutMs = 4_000
const betweenTriesMs = 400
const closeDeadlineMs = 15_000
const backDeadlineMs = 45_000

export async function checkBans({ facts, first, second, demo }: CheckContext): Promise<void> {
  const banned = await facts.holds('a ban by page 1 closes its WebRTC connection with page 2', () => bansPage(first, second))
  await facts.holds('it keeps page 2 out, whichever of the two dials', () => keepsPageOut(first, second))
  await facts.holds('its undo lets page 2 in again, over WebRTC', async () => {
    if (!banned) expectThat((await first.snapshot()).bannedPeers.includes(second.peerId), { expected: 'a ban to lift', seen: 'none' })
    // It has enough without page 2: it must want one more.
    await first.setBand({ ...demo.network.pageSettings.band, min: 8, expected: 8 })
    const liftedAt = performance.now()
    await first.liftBan(second.peerId)
    await eventually(
      async () =>
        ((await first.connectionTo(second.peerId))?.transport === 'webrtc' && (await second.connectionTo(first.peerId))) || undefined,
      {
        withinMs: backDeadlineMs,
        expected: 'both pages to hold each other over WebRTC',
        seen: async () => ({ [first.name]: await seenBy(first), [second.name]: await seenBy(second) })
      }
    )
    const took = performance.now() - liftedAt
    await first.setBand(demo.network.pageSettings.band)
    return `${seconds(took)} s after it`
  })
  const guard = demo.network.peers[2]
  if (guard === undefined) throw new Error('the demo has fewer than three Node peers')
  await facts.holds('a ban by a Node peer closes its WebSocket with page 1 and keeps it out; its undo lets it in again', () =>
    bansAtNode(guard, first)
  )
}

async function bansPage(first: DemoTab, second: DemoTab): Promise<string> {
  const bannedAt = performance.now()
  await first.ban(second.peerId)
  await eventually(
    async () =>
      ((await first.connectionTo(second.peerId)) === undefined && (await second.connectionTo(first.peerId)) === undefined) || undefined,
    { withinMs: closeDeadlineMs, expected: 'both ends to have lost the connection', seen: () => seenBy(first) }
  )
  const took = performance.now() - bannedAt
  await eventually(async () => (await first.connectionRow(second.peerId).count()) === 0 || undefined, {
    expected: 'its row to go from the page'
  })
  return `in ${seconds(took)} s`
}

async function keepsPageOut(first: DemoTab, second: DemoTab): Promise<string> {
  expectThat((await first.snapshot()).bannedPeers.includes(second.peerId), { expected: 'page 2 to be banned', seen: 'no such ban' })
  const [toFirst, toSecond] = await Promise.all([webRtcPoint(first), webRtcPoint(second)])
  const fromFirst = knock(first, toSecond, second.peerId)
  const fromSecond = knock(second, toFirst, first.peerId)
  const [own, theirs] = await Promise.all([fromFirst, fromSecond])
  expectThat(own.has('peer-banned'), { expected: 'page 1 to refuse its own dial because of the ban', seen: [...own] })
  return `page 1: ${[...own].join(', ')}; page 2: ${[...theirs].join(', ')}`
}

/** Dials again and again; gives the ways it was refused, and throws if the two are connected at any moment. */
async function knock(tab: DemoTab, point: Point, peerId: PeerId): Promise<ReadonlySet<string>> {
  const ways = new Set<string>()
  const until = performance.now() + keptOutMs
  while (performance.now() < until) {
    const rejection = await tab.connect(point)
    expectThat(rejection !== undefined, { expected: `the dial of ${tab.name} to be refused`, seen: 'it connected' })
    ways.add(wayOf(rejection))
    const connection = await tab.connectionTo(peerId)
    expectThat(connection === undefined, { expected: `${tab.name} to have no connection with ${peerId}`, seen: connection })
    await pause(betweenTriesMs)
  }
  return ways
}

function wayOf(rejection: Rejection): string {
  return rejection.kind === 'dial-failed' ? `${rejection.kind} (${rejection.failure})` : rejection.kind
}

async function webRtcPoint(tab: DemoTab): Promise<Point> {
  const { ownPoints } = await tab.snapshot()
  const point = ownPoints.find((own) => own.includes('/webrtc'))
  expectThat(point !== undefined, { expected: `${tab.name} to have a point for WebRTC`, seen: ownPoints })
  return point
}

async function bansAtNode(guard: DemoNodePeer, tab: DemoTab): Promise<string> {
  const { point } = guard.pool.parsePoint(guard.multiaddr('ws'))
  await eventually(() => guard.pool.connections.findByPeerId(tab.peerId), { expected: `${guard.name} to hold ${tab.name} before the ban` })
  await guard.pool.peers.ban(tab.peerId)
  await eventually(async () => (await tab.connectionTo(guard.peerId)) === undefined || undefined, {
    withinMs: closeDeadlineMs,
    expected: `${tab.name} to have lost ${guard.name}`
  })
  const ways = await knock(tab, point, guard.peerId)
  expectThat(guard.pool.connections.findByPeerId(tab.peerId) === undefined, {
    expected: `${guard.name} to keep ${tab.name} out`,
    seen: 'a connection'
  })
  guard.pool.peers.unban(tab.peerId)
  // A Node peer cannot dial a page, so the page comes by itself, as a person would press "Connect".
  let rejection: Rejection | undefined
  await eventually(
    async () => {
      rejection = await tab.connect(point)
      return guard.pool.connections.findByPeerId(tab.peerId)
    },
    { withinMs: backDeadlineMs, expected: `${guard.name} to hold ${tab.name} again`, seen: () => rejection }
  )
  return `page 1: ${[...ways].join(', ')}`
}
