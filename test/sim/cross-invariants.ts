/**
 * What is true of each program beyond the tables' own invariants, and of all programs together once nothing is on its way;
 * numbered S1 and on. Called by `simulation.ts` after each step and by scenarios at the end of a calm phase.
 */
import type { Machine, Program } from './machine.ts'

/** An attempt whose time ran out ends in the same step; this much is for dates that are no whole numbers, ms. */
const slackMs = 1

/** S1: no attempt outlives its time. */
export function* brokenInProgram({ pool, state, clock }: Program): Iterable<string> {
  const { connectionTimeoutMs, authenticationTimeoutMs } = pool.config
  for (const { id, direction, startedAt, phase } of state.attempts()) {
    const timeoutMs = direction === 'outgoing' ? connectionTimeoutMs : authenticationTimeoutMs
    const ageMs = clock.now() - startedAt
    if (ageMs > timeoutMs + slackMs) yield `S1: attempt ${id} (${direction}, ${phase}) is ${ageMs} ms old, its time is ${timeoutMs} ms`
  }
}

/** S2: a program that has stopped leaves no timer, no link, no attempt and no connection. */
export function* brokenAfterStop({ program, network, index }: Machine): Iterable<string> {
  if (program === undefined) return
  const { pool, state, clock } = program
  const left = { timers: clock.pending, links: network.links.size, attempts: [...state.attempts()].length, connections: state.active }
  if (pool.status !== 'stopped' && pool.status !== 'destroyed') yield `S2: machine ${index} is ${pool.status}`
  for (const [what, count] of Object.entries(left)) if (count > 0) yield `S2: machine ${index} has stopped and has ${count} ${what}`
}

/** S3: whoever holds a connection is held by the other end. Only when nothing has been sent for the time of a goodbye. */
export function* brokenBetween(machines: readonly Machine[]): Iterable<string> {
  const byPeer = new Map(machines.map((machine) => [machine.network.peerId, machine]))
  for (const { index, network, program } of machines) {
    for (const { peerId } of program?.state.connections() ?? []) {
      const other = byPeer.get(peerId)?.program
      if (other !== undefined && other.state.connection(network.peerId) === undefined)
        yield `S3: machine ${index} is connected with ${peerId}, which is not connected with it`
    }
  }
}

/** S4: in a calm network no point and no peer stays requested or accepted. */
export function* brokenWhenCalm({ program, index }: Machine): Iterable<string> {
  for (const { point, state } of program?.state.points ?? [])
    if (state.kind === 'requested' || state.kind === 'accepted') yield `S4: machine ${index}: ${point} is ${state.kind}`
  for (const { peerId, state } of program?.state.peers ?? [])
    if (state.kind === 'accepted') yield `S4: machine ${index}: ${peerId} is accepted`
}
