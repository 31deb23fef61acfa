import { describe, expect, it } from 'vitest'
import { isTried } from '../../../src/core/tables/bounded-table.ts'
import {
  lastFailureAt,
  lastSeenAt,
  type PointEnding,
  PointRecord,
  type PointState,
  resetReconnection,
  setPointAccepted,
  setPointDisconnected,
  setPointRequested,
  setPointRunning
} from '../../../src/core/tables/point.ts'
import { readPoint } from '../../../src/core/values/address.ts'
import type { Attempt, RunningConnection } from '../../../src/core/values/attempt.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { evenChance } from '../../support/state-bench.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]
const [attempt, other] = [{ id: 1 } as Attempt, { id: 2 } as Attempt]
const today = 1_700_000_000_000
const connection = { peerId: alice, direction: 'outgoing', isPrivate: false, establishedAt: today } as RunningConnection

const reconnection = { initialDelayMs: 1_000, factor: 1.2, jitter: 0.2, afterConnectionMs: 60_000, maxDelayMs: 3_600_000 }
const ending: PointEnding = {
  now: 0,
  date: today,
  backsOff: true,
  grows: true,
  byUs: false,
  isShort: false,
  mayReturnSoon: true,
  rejection: undefined,
  comeBackAfterMs: 0,
  reconnection,
  random: evenChance
}

function point(state: PointState = { kind: 'disconnected' }): PointRecord {
  const origin = { source: undefined, discoverySource: 'operator', discoveredAt: 0 } as const
  const record = new PointRecord(readPoint('/ip4/192.0.2.1/tcp/1' as Point), origin)
  record.asProved().state = state
  return record
}

const states: Record<PointState['kind'], PointState> = {
  disconnected: { kind: 'disconnected' },
  requested: { kind: 'requested', attempt },
  accepted: { kind: 'accepted', attempt, peerId: alice },
  running: { kind: 'running', connection }
}

const verbs: Record<string, (record: PointRecord) => void> = {
  request: (record) => setPointRequested(record, attempt),
  'accept by its attempt': (record) => setPointAccepted(record, attempt, alice),
  'accept by another attempt': (record) => setPointAccepted(record, other, alice),
  'run with the accepted peer': (record) => setPointRunning(record, connection),
  'run with another peer': (record) => setPointRunning(record, { peerId: bob } as RunningConnection),
  disconnect: (record) => setPointDisconnected(record, ending)
}

const no = undefined
const table: Record<string, Record<PointState['kind'], PointState['kind'] | undefined>> = {
  request: { disconnected: 'requested', requested: no, accepted: no, running: no },
  'accept by its attempt': { disconnected: 'accepted', requested: 'accepted', accepted: no, running: no },
  'accept by another attempt': { disconnected: 'accepted', requested: no, accepted: no, running: no },
  'run with the accepted peer': { disconnected: 'running', requested: no, accepted: 'running', running: no },
  'run with another peer': { disconnected: 'running', requested: no, accepted: no, running: no },
  disconnect: { disconnected: no, requested: 'disconnected', accepted: 'disconnected', running: 'disconnected' }
}

describe('every verb in every state of a point', () => {
  for (const [verb, results] of Object.entries(table)) {
    for (const [from, to] of Object.entries(results) as [PointState['kind'], PointState['kind'] | undefined][]) {
      it(`${from}: ${verb} ${to === undefined ? 'is refused loudly and changes nothing' : `makes it ${to}`}`, () => {
        const record = point(states[from])
        const act = (): void => verbs[verb]?.(record)
        if (to === undefined) expect(act).toThrow(/illegal transition: .*192\.0\.2\.1/)
        else act()
        expect(record.state.kind).toBe(to ?? from)
        if (to === undefined) expect(record).toEqual(point(states[from]))
      })
    }
  }
})

/** The bars that so many failures in a row give. */
function bars(failures: number, more: Partial<PointEnding> = {}): number[] {
  const record = point()
  return Array.from({ length: failures }, () => {
    setPointRequested(record, attempt)
    setPointDisconnected(record, { ...ending, ...more })
    return record.backoffUntil
  })
}

describe('reconnection delays', () => {
  it('begin with 1 s, grow by 1.2 with each failure, and end at 1 h', () => {
    const all = bars(60)
    expect(all.slice(0, 4).map(Math.round)).toEqual([1_000, 1_200, 1_440, 1_728])
    expect(all.at(-1)).toBe(3_600_000)
    expect(Math.max(...all)).toBe(3_600_000)
  })

  it('count from now, and the end of the backoff still counts as backoff', () => {
    expect(bars(1, { now: 5_000 })).toEqual([6_000])
  })

  it('vary by up to a fifth in both directions', () => {
    const random = seededRandom(7)
    const all = Array.from({ length: 1_000 }, () => bars(1, { random })[0] ?? 0)
    expect(Math.min(...all)).toBeGreaterThanOrEqual(800)
    expect(Math.max(...all)).toBeLessThan(1_200)
    expect(Math.min(...all)).toBeLessThan(820)
    expect(Math.max(...all)).toBeGreaterThan(1_180)
  })

  it('do not grow, and no failure is counted, while no other connection works', () => {
    expect(bars(3, { grows: false })).toEqual([1_000, 1_000, 1_000])
    const record = point(states.requested)
    setPointDisconnected(record, { ...ending, grows: false })
    expect(record.failures).toBe(0)
  })

  it('are 60 s after a live connection, and begin anew after it', () => {
    const record = point(states.running)
    record.asProved().delayMs = 50_000
    record.asProved().failures = 9
    setPointDisconnected(record, ending)
    expect([record.backoffUntil, record.failures]).toEqual([60_000, 0])
    setPointRequested(record, attempt)
    setPointDisconnected(record, ending)
    expect(record.backoffUntil).toBe(1_000)
  })

  it('heed the request to come back later, up to the cap', () => {
    for (const [wish, bar] of [
      [100, 60_000],
      [90_000, 90_000],
      [4_294_967_295, 3_600_000]
    ] as const) {
      const record = point(states.running)
      setPointDisconnected(record, { ...ending, comeBackAfterMs: wish })
      expect(record.backoffUntil, `wish of ${wish} ms`).toBe(bar)
    }
  })

  it('are not given for an attempt that ended for reasons of our own, of which nothing is noted', () => {
    for (const state of [states.requested, states.accepted]) {
      const record = point(state)
      setPointDisconnected(record, { ...ending, backsOff: false })
      expect(record).toEqual(point())
    }
  })

  it('are forgotten when a user asks for the point', () => {
    const record = point(states.requested)
    setPointDisconnected(record, ending)
    resetReconnection(record)
    expect(record.backoffUntil).toBeLessThan(0)
    expect(record.delayMs).toBe(0)
  })
})

describe('what an ending writes', () => {
  it('from requested: the last failure, and an event without a peer', () => {
    const record = point(states.requested)
    setPointDisconnected(record, ending)
    expect(record.lastFailedAt).toBe(today)
    expect(record.events).toEqual([{ kind: 'connection-failed', at: today, other: undefined }])
    expect([lastSeenAt(record), lastFailureAt(record), isTried(record)]).toEqual([undefined, today, false])
  })

  it('from accepted: who rejected', () => {
    const record = point(states.accepted)
    setPointDisconnected(record, ending)
    expect(record.lastRejected).toEqual({ peerId: alice, at: today })
    expect(record.events).toEqual([{ kind: 'connection-failed', at: today, other: alice }])
    expect([lastSeenAt(record), lastFailureAt(record), isTried(record)]).toEqual([today, today, false])
  })

  it('from running: whose connection ended, and who ended it', () => {
    for (const byUs of [true, false]) {
      const record = point()
      setPointRunning(record, { ...connection, establishedAt: today - 5 })
      setPointDisconnected(record, { ...ending, byUs })
      expect(record.lastEstablished).toEqual({ peerId: alice, at: today - 5 })
      expect(record.lastDisconnection).toEqual({ peerId: alice, at: today })
      expect(record.events.map(({ kind }) => kind)).toEqual(['connection-opened', byUs ? 'connection-closed' : 'connection-lost'])
      expect(isTried(record)).toBe(true)
    }
  })

  it('last seen is the latest of established, rejected, disconnected; last miss of failed, rejected, disconnected', () => {
    const record = point()
    record.asProved().lastFailedAt = 40
    record.asProved().lastRejected = { peerId: alice, at: 10 }
    record.asProved().lastEstablished = { peerId: alice, at: 30 }
    record.asProved().lastDisconnection = { peerId: alice, at: 20 }
    expect([lastSeenAt(record), lastFailureAt(record)]).toEqual([30, 40])
    record.asProved().lastEstablished = undefined
    record.asProved().lastFailedAt = undefined
    expect([lastSeenAt(record), lastFailureAt(record)]).toEqual([20, 20])
  })

  it('100 events are kept, the oldest go', () => {
    const record = point()
    for (let i = 0; i < 130; i++) {
      setPointRequested(record, attempt)
      setPointDisconnected(record, { ...ending, date: i })
    }
    expect(record.events).toHaveLength(100)
    expect([record.events[0]?.at, record.events[99]?.at]).toEqual([30, 129])
  })
})
