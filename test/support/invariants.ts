/**
 * What is true of a pool's state after every transition, as numbered facts; code and tests cite the numbers. Called by tests
 * and simulations after each step: it walks everything.
 */

import type { PoolState } from '../../src/core/tables/pool-state.ts'
import type { Attempt, RunningConnection } from '../../src/core/values/attempt.ts'
import { maxEventsKept } from '../../src/core/values/history.ts'
import { insideOf, slotLimitOf } from './inside.ts'
import { checkPeers, checkPoints } from './table-checks.ts'

type State = PoolState<unknown>

interface Invariant {
  readonly id: string
  readonly fact: string
  /** Each way in which it does not hold. */
  readonly check: (state: State) => Iterable<string>
}

/** The fact and each way in which it is broken; empty while all hold. Reads only: it does not even let time pass. */
export function violatedInvariants<PeerMeta, C extends RunningConnection>(state: PoolState<PeerMeta, C>): string[] {
  const found: string[] = []
  for (const { id, fact, check } of invariants) {
    for (const violation of check(state as State)) found.push(`${id} (${fact}): ${violation}`)
  }
  return found
}

export const invariants: readonly Invariant[] = [
  {
    id: 'I1',
    fact: 'the point table is in order and never above max but for trusted points',
    check: (state) => checkPoints(insideOf(state).points)
  },
  {
    id: 'I2',
    fact: 'the peer table is in order and never above max but for trusted peers',
    check: (state) => checkPeers(insideOf(state).peers)
  },
  { id: 'I3', fact: 'a point is requested only by a live outgoing attempt to it', check: requestedPoints },
  { id: 'I4', fact: 'a point or peer is accepted only by a live attempt that passed the checks', check: accepted },
  { id: 'I5', fact: 'a point runs only with a running connection that has it', check: runningPoints },
  { id: 'I6', fact: 'a peer runs exactly when its connection is in the index', check: runningPeers },
  { id: 'I7', fact: 'an attempt holds its point and peer until it ends or is cancelled', check: attempts },
  { id: 'I8', fact: 'slots are reserved by dials and admitted handshakes, and never exceed the band', check: slots },
  { id: 'I9', fact: 'handshakes of strangers, and those of one address group, stay within their limits', check: handshakes },
  { id: 'I10', fact: 'nobody banned runs or is being connected to', check: banned },
  { id: 'I11', fact: 'an own point is known only if the operator registered it', check: ownPoints },
  { id: 'I12', fact: 'where a peer id is expected nobody else gets through', check: expected },
  { id: 'I13', fact: 'trusted peers and the hosts of trusted points are never greylisted', check: greylisted },
  { id: 'I14', fact: 'histories and back-offs stay within their caps', check: caps },
  { id: 'I15', fact: 'the pool is never connected to itself', check: itself }
]

function* requestedPoints(state: State): Iterable<string> {
  const live = new Set<Attempt>(state.attempts())
  for (const { point, state: at } of state.points) {
    if (at.kind !== 'requested') continue
    const { attempt } = at
    if (!live.has(attempt)) yield `${point} by attempt ${attempt.id}, which is not live`
    if (attempt.direction !== 'outgoing' || attempt.point !== point)
      yield `${point} by attempt ${attempt.id}, ${attempt.direction} to ${attempt.point}`
  }
}

function* accepted(state: State): Iterable<string> {
  const admitted = new Set<Attempt>([...state.attempts()].filter(({ phase }) => phase === 'admitted'))
  for (const { point, state: at } of state.points) {
    if (at.kind !== 'accepted') continue
    const { attempt, peerId } = at
    if (!admitted.has(attempt) || attempt.point !== point) yield `${point} by attempt ${attempt.id}, admitted at ${attempt.point}`
    if (attempt.peerId !== peerId) yield `${point} by ${peerId}, its attempt is with ${attempt.peerId}`
  }
  for (const { peerId, state: at } of state.peers) {
    if (at.kind === 'accepted' && (!admitted.has(at.attempt) || at.attempt.peerId !== peerId))
      yield `${peerId} by attempt ${at.attempt.id}, with ${at.attempt.peerId}`
  }
}

function* runningPoints(state: State): Iterable<string> {
  for (const { point, state: at } of state.points) {
    if (at.kind !== 'running') continue
    const { connection } = at
    if (state.connection(connection.peerId) !== connection) yield `${point} with ${connection.peerId}, whose connection is another or gone`
    if (connection.point !== point) yield `${point} with a connection at ${connection.point}`
  }
}

function* runningPeers(state: State): Iterable<string> {
  let indexed = 0
  for (const connection of state.connections()) {
    indexed++
    const at = state.peers.get(connection.peerId)?.state
    if (at?.kind !== 'running' || at.connection !== connection) yield `${connection.peerId} is in the index, its record is ${at?.kind}`
  }
  if (indexed !== state.active) yield `${state.active} in the index, ${indexed} connections`
  for (const { peerId, state: at } of state.peers) {
    if (at.kind === 'running' && state.connection(peerId) !== at.connection) yield `${peerId} runs and is not in the index`
  }
}

function* attempts(state: State): Iterable<string> {
  for (const attempt of state.attempts()) {
    const name = `attempt ${attempt.id} (${attempt.direction}, ${attempt.phase})`
    if (attempt.phase !== 'begun' && attempt.phase !== 'admitted') yield `${name} is still among those in progress`
    const at = attempt.point === undefined ? undefined : state.points.get(attempt.point)?.state
    const holdsPoint = (at?.kind === 'requested' || at?.kind === 'accepted') && at.attempt === attempt
    if (attempt.point !== undefined && !holdsPoint && !attempt.signal.aborted) yield `${name} lost ${attempt.point}, which is ${at?.kind}`
    if (attempt.direction === 'outgoing' && attempt.point === undefined) yield `${name} has no point`
    if (attempt.phase !== 'admitted') continue
    const peer = attempt.peerId === undefined ? undefined : state.peers.get(attempt.peerId)?.state
    if (peer?.kind !== 'accepted' || peer.attempt !== attempt) yield `${name} lost ${attempt.peerId}, which is ${peer?.kind}`
  }
}

function* slots(state: State): Iterable<string> {
  let reserved = 0
  for (const attempt of state.attempts()) {
    const shouldHave = attempt.phase === 'admitted'
    const mayHave = shouldHave || attempt.direction === 'outgoing'
    if ((shouldHave && !attempt.hasSlot) || (attempt.hasSlot && !mayHave))
      yield `attempt ${attempt.id} (${attempt.direction}, ${attempt.phase}): hasSlot is ${attempt.hasSlot}`
    if (attempt.hasSlot) reserved++
  }
  if (state.slotsTaken !== state.active + reserved) yield `${state.slotsTaken} counted, ${state.active} running and ${reserved} reserved`
  const limit = slotLimitOf(state)
  if (state.slotsTaken > limit) yield `${state.slotsTaken} taken of ${limit}`
}

function* handshakes(state: State): Iterable<string> {
  const { maxIncoming, maxIncomingPerHost } = state.config
  const groups = new Map<string, number>()
  let strangers = 0
  for (const { place } of state.attempts()) {
    if (place === undefined) continue
    if (!place.isReserved) strangers++
    groups.set(place.group, (groups.get(place.group) ?? 0) + 1)
  }
  if (strangers > maxIncoming) yield `${strangers} incoming of at most ${maxIncoming}`
  for (const [group, count] of groups) if (count > maxIncomingPerHost) yield `${count} of ${group}, of at most ${maxIncomingPerHost}`
}

function* banned(state: State): Iterable<string> {
  const { bans } = insideOf(state)
  for (const { peerId, host } of state.connections()) {
    if (bans.isBannedPeer(peerId)) yield `${peerId} runs and is banned`
    if (host !== undefined && bans.isBannedHost(host)) yield `${peerId} runs at ${host}, which is banned`
  }
  for (const attempt of state.attempts()) {
    if (attempt.signal.aborted) continue
    for (const peerId of [attempt.peerId, attempt.expectedPeerId]) {
      if (peerId !== undefined && bans.isBannedPeer(peerId)) yield `attempt ${attempt.id} goes on with ${peerId}, who is banned`
    }
    if (attempt.host !== undefined && bans.isBannedHost(attempt.host))
      yield `attempt ${attempt.id} goes on with ${attempt.host}, which is banned`
  }
}

function* ownPoints(state: State): Iterable<string> {
  for (const { point, discoverySource } of state.points)
    if (discoverySource !== 'operator' && state.points.isOwn(point)) yield `${point}, by ${discoverySource}`
}

function* expected(state: State): Iterable<string> {
  for (const { point, state: at, expectedPeerId } of state.points) {
    if (expectedPeerId === undefined) continue
    const there = at.kind === 'running' ? at.connection.peerId : at.kind === 'accepted' ? at.peerId : expectedPeerId
    const isCancelled = at.kind === 'accepted' && at.attempt.signal.aborted
    if (there !== expectedPeerId && !isCancelled) yield `${point} is ${at.kind} with ${there}, ${expectedPeerId} is expected`
  }
}

function* greylisted(state: State): Iterable<string> {
  const { access, points } = state
  for (const { peerId } of access.greylistedPeers()) if (state.peers.get(peerId)?.trusted === true) yield peerId
  const trusted = new Set([...points].filter((info) => info.trusted).map((info) => info.host))
  for (const { host } of access.greylistedHosts()) if (trusted.has(host)) yield host
}

function* caps(state: State): Iterable<string> {
  const { maxDelayMs } = state.config.reconnection
  for (const { point, events, delayMs } of insideOf(state).points) {
    if (events.length > maxEventsKept) yield `${point} keeps ${events.length} events`
    if (delayMs > maxDelayMs) yield `${point} would be barred for ${delayMs} ms`
  }
  for (const { peerId, events } of state.peers) if (events.length > maxEventsKept) yield `${peerId} keeps ${events.length} events`
}

function* itself(state: State): Iterable<string> {
  if (state.connection(state.peerId) !== undefined) yield 'its own id runs'
}
