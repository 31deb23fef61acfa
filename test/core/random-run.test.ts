import { expect, it } from 'vitest'
import type { PoolEventName } from '../../src/core/values/events.ts'
import { violatedInvariants } from '../support/invariants.ts'
import { RandomPool } from '../support/random-pool.ts'
import type { Told } from '../support/state-bench.ts'

const lives = 400
const actsPerLife = 300

/** What may follow what in the life of one peer, of these events; a peer begins as after a disconnection. */
const mayFollow: Partial<Record<PoolEventName, readonly PoolEventName[]>> = {
  'handshake-accepted': ['handshake-accepted', 'connection-opened'],
  'connection-opened': ['connection-closed', 'connection-lost'],
  'connection-closed': ['handshake-accepted'],
  'connection-lost': ['handshake-accepted']
}

function brokenPairs(events: readonly Told[]): string[] {
  const last = new Map<unknown, PoolEventName>()
  const broken: string[] = []
  for (const { type, detail } of events) {
    if (mayFollow[type] === undefined || !('peerId' in detail)) continue
    const before = last.get(detail.peerId) ?? 'connection-closed'
    if (!mayFollow[before]?.includes(type)) broken.push(`${String(detail.peerId)}: ${type} after ${before}`)
    last.set(detail.peerId, type)
  }
  return broken
}

/** Each attempt begins once and, if it ended without a connection, ends once. */
function brokenAttempts(events: readonly Told[]): string[] {
  const phase = new Map<number, 'begun' | 'accepted' | 'ended'>()
  const broken: string[] = []
  for (const { type, detail } of events) {
    if (!('attempt' in detail)) continue
    const { attempt } = detail
    const was = phase.get(attempt)
    if (type === 'handshake-started' || type === 'dial-started') {
      if (was !== undefined) broken.push(`attempt ${attempt} began again`)
      phase.set(attempt, 'begun')
    } else if (type === 'handshake-accepted') {
      if (was !== 'begun') broken.push(`attempt ${attempt} accepted when ${was}`)
      phase.set(attempt, 'accepted')
    } else if (type === 'handshake-refused' || type === 'connection-failed') {
      if (was !== 'begun' && was !== 'accepted') broken.push(`attempt ${attempt} ended when ${was}`)
      phase.set(attempt, 'ended')
    }
  }
  return broken
}

it(`all invariants hold after each of ${lives * actsPerLife} random operations, and events come in an order that makes sense`, {
  timeout: 60_000
}, () => {
  const reached = new Map<string, number>()
  for (let seed = 1; seed <= lives; seed++) {
    const pool = new RandomPool(seed)
    const done: string[] = []
    for (let step = 0; step < actsPerLife; step++) {
      let wrong: unknown[]
      try {
        done.push(pool.act())
        wrong = violatedInvariants(pool.state)
      } catch (error) {
        wrong = [error]
      }
      if (wrong.length > 0) expect(wrong, `seed ${seed}, operation ${step}, after: ${done.slice(-12).join(', ')}`).toEqual([])
    }
    expect([...brokenPairs(pool.bench.told), ...brokenAttempts(pool.bench.told)], `seed ${seed}`).toEqual([])
    for (const { type } of pool.bench.told) reached.set(type, (reached.get(type) ?? 0) + 1)
  }
  // A run that seldom gets through would show nothing.
  expect(reached.get('connection-opened')).toBeGreaterThan(1_000)
  for (const name of [
    'points-collected',
    'peers-collected',
    'connection-closed',
    'connection-lost',
    'greylisted',
    'host-unbanned',
    'peer-unbanned',
    'connection-failed'
  ]) {
    expect(reached.get(name), name).toBeGreaterThan(100)
  }
})
