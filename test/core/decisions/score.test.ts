import { describe, expect, it } from 'vitest'
import { defaultScore, penaltyOf, scoreParts } from '../../../src/core/decisions/score.ts'
import { PeerRecord } from '../../../src/core/tables/peer.ts'
import type { RunningConnection } from '../../../src/core/values/attempt.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'

const hour = 3_600_000
const day = 24 * hour
/** Long after the beginning of both clocks. */
const [now, date] = [100 * day, 20_000 * day]

type Changes = Partial<
  Pick<PeerRecord, 'served' | 'connectedMs' | 'roundTripMs' | 'failures' | 'lastReport' | 'penalty' | 'lastDisconnection'>
>

function peer(changes: Changes, running?: { readonly messages: number; readonly forMs: number }): PeerRecord {
  const record = new PeerRecord('alice' as PeerId, 0, undefined)
  Object.assign(record.asProved(), changes)
  if (running !== undefined) {
    const connection = { startedAt: now - running.forMs, messagesReceived: running.messages } as RunningConnection
    record.asProved().state = { kind: 'running', connection }
  }
  return record
}

const cases: readonly { name: string; record: PeerRecord; parts: Readonly<Record<string, number>> }[] = [
  { name: 'a stranger has none', record: peer({}), parts: {} },
  { name: 'three messages', record: peer({ served: 3 }), parts: { service: 1 } },
  { name: 'those of the connection that runs count', record: peer({ served: 1 }, { messages: 2, forMs: 0 }), parts: { service: 1 } },
  { name: 'a million messages are no more than a thousand', record: peer({ served: 1e6 }), parts: { service: 5 } },
  { name: 'an hour', record: peer({ connectedMs: hour }), parts: { time: 2 } },
  {
    name: 'three hours, one of them in the connection that runs',
    record: peer({ connectedMs: 2 * hour }, { messages: 0, forMs: hour }),
    parts: { time: 4 }
  },
  { name: 'a year is no more than a day and a half', record: peer({ connectedMs: 365 * day }), parts: { time: 10 } },
  { name: 'an answer after 125 ms', record: peer({ roundTripMs: 125 }), parts: { latency: 3 } },
  { name: 'at once', record: peer({ roundTripMs: 0 }), parts: { latency: 5 } },
  { name: 'after ten seconds', record: peer({ roundTripMs: 10_000 }), parts: {} },
  { name: 'two failures', record: peer({ failures: 2 }), parts: { failures: -2 } },
  { name: 'a hundred are no worse than five', record: peer({ failures: 100 }), parts: { failures: -5 } },
  { name: 'reports of just now', record: peer({ penalty: { amount: 4, at: now } }), parts: { reports: -8 } },
  { name: 'ten minutes later', record: peer({ penalty: { amount: 4, at: now - 600_000 } }), parts: { reports: -4 } },
  { name: 'a fault', record: peer({ lastReport: { kind: 'fault', reason: '', at: date } }), parts: { fault: -40 } },
  { name: 'the day after', record: peer({ lastReport: { kind: 'fault', reason: '', at: date - day } }), parts: { fault: -20 } },
  {
    name: 'of a clock that was put back',
    record: peer({ lastReport: { kind: 'fault', reason: '', at: date + day } }),
    parts: { fault: -40 }
  },
  {
    name: 'all of it halves with each day of absence',
    record: peer({ connectedMs: 3 * hour, failures: 1, lastDisconnection: { point: undefined, at: date - 2 * day } }),
    parts: { time: 1, failures: -0.25 }
  },
  {
    name: 'and is there again when it is back',
    record: peer({ connectedMs: 3 * hour, lastDisconnection: { point: undefined, at: date - 2 * day } }, { messages: 0, forMs: 0 }),
    parts: { time: 4 }
  }
]

describe('the default score', () => {
  for (const { name, record, parts } of cases) {
    it(`${name}: ${JSON.stringify(parts)}`, () => {
      const found = scoreParts(record, { now, date })
      expect(Object.keys(parts).toSorted()).toEqual(found.map(({ of }) => of).toSorted())
      for (const { of, score } of found) expect(score, of).toBeCloseTo(parts[of] ?? Number.NaN, 9)
      const sum = Object.values(parts).reduce((all, score) => all + score, 0)
      expect(defaultScore(record, { now, date })).toBeCloseTo(sum, 9)
    })
  }

  it('is 20 at best, and a fault outweighs it for a day', () => {
    const best = peer({ served: 1e9, connectedMs: 1e12, roundTripMs: 1 }, { messages: 1e9, forMs: day })
    expect(defaultScore(best, { now, date })).toBe(20)
    best.asProved().lastReport = { kind: 'fault', reason: '', at: date - 0.9 * day }
    expect(defaultScore(best, { now, date })).toBeLessThan(0)
    expect(penaltyOf(best, now)).toBe(0)
  })
})
