import { describe, expect, it } from 'vitest'
import {
  lastFailure,
  lastMeeting,
  PeerRecord,
  type PeerState,
  setPeerAccepted,
  setPeerDisconnected,
  setPeerRunning
} from '../../../src/core/tables/peer.ts'
import type { Attempt, RunningConnection } from '../../../src/core/values/attempt.ts'
import type { PeerId, Point } from '../../../src/core/values/ids.ts'

const point = '/ip4/192.0.2.1/tcp/1' as Point
const alice = 'alice' as PeerId
const [attempt, other] = [{ id: 1, point } as Attempt, { id: 2, point } as Attempt]
const today = 1_700_000_000_000
const connection = {
  peerId: alice,
  point,
  establishedAt: today,
  startedAt: 20_000,
  messagesReceived: 3,
  rttMs: { last: 7, least: 7 }
} as RunningConnection
const ending = { now: 60_000, date: today + 5, counts: true, byUs: true, ending: undefined }

function peer(state: PeerState = { kind: 'disconnected' }): PeerRecord {
  const record = new PeerRecord(alice, 0, undefined)
  record.asProved().state = state
  return record
}

const states: Record<PeerState['kind'], PeerState> = {
  disconnected: { kind: 'disconnected' },
  accepted: { kind: 'accepted', attempt },
  running: { kind: 'running', connection }
}

const verbs: Record<string, (record: PeerRecord) => void> = {
  accept: (record) => setPeerAccepted(record, attempt),
  'run by its attempt': (record) => setPeerRunning(record, attempt, connection),
  'run by another attempt': (record) => setPeerRunning(record, other, connection),
  disconnect: (record) => setPeerDisconnected(record, ending)
}

const no = undefined
const table: Record<string, Record<PeerState['kind'], PeerState['kind'] | undefined>> = {
  accept: { disconnected: 'accepted', accepted: no, running: no },
  'run by its attempt': { disconnected: no, accepted: 'running', running: no },
  'run by another attempt': { disconnected: no, accepted: no, running: no },
  disconnect: { disconnected: no, accepted: 'disconnected', running: 'disconnected' }
}

describe('every verb in every state of a peer', () => {
  for (const [verb, results] of Object.entries(table)) {
    for (const [from, to] of Object.entries(results) as [PeerState['kind'], PeerState['kind'] | undefined][]) {
      it(`${from}: ${verb} ${to === undefined ? 'is refused loudly and changes nothing' : `makes it ${to}`}`, () => {
        const record = peer(states[from])
        const act = (): void => verbs[verb]?.(record)
        if (to === undefined) expect(act).toThrow(/illegal transition: alice/)
        else act()
        expect(record.state.kind).toBe(to ?? from)
        if (to === undefined) expect(record).toEqual(peer(states[from]))
      })
    }
  }
})

describe('what an ending writes of a peer', () => {
  it('from accepted: that it was rejected, and where', () => {
    const record = peer(states.accepted)
    setPeerDisconnected(record, ending)
    expect(record.lastRejected).toEqual({ point, at: today + 5 })
    expect(record.events).toEqual([{ kind: 'connection-failed', at: today + 5, other: point }])
    expect([lastMeeting(record)?.at, lastFailure(record)?.at]).toEqual([today + 5, today + 5])
  })

  it('from accepted, for reasons of our own: nothing', () => {
    const record = peer(states.accepted)
    setPeerDisconnected(record, { ...ending, counts: false })
    expect([record.state, record.lastRejected, record.events]).toEqual([{ kind: 'disconnected' }, undefined, []])
  })

  it('from running: where it was established and when it ended', () => {
    for (const byUs of [true, false]) {
      const record = peer(states.accepted)
      setPeerRunning(record, attempt, connection)
      setPeerDisconnected(record, { ...ending, byUs })
      expect(record.lastEstablished).toEqual({ point, at: today })
      expect(record.lastDisconnection).toEqual({ point, at: today + 5 })
      expect(record.events.map(({ kind }) => kind)).toEqual(['connection-opened', byUs ? 'connection-closed' : 'connection-lost'])
    }
  })

  it('last seen is the latest of established, rejected, disconnected; last miss of failed, rejected, disconnected', () => {
    const record = peer()
    expect([lastMeeting(record), lastFailure(record)]).toEqual([undefined, undefined])
    record.asProved().lastFailed = { point, at: 40 }
    record.asProved().lastRejected = { point: undefined, at: 10 }
    record.asProved().lastEstablished = { point, at: 30 }
    expect([lastMeeting(record)?.at, lastFailure(record)?.at]).toEqual([30, 40])
    record.asProved().lastDisconnection = { point, at: 50 }
    expect([lastMeeting(record)?.at, lastFailure(record)?.at]).toEqual([50, 50])
  })

  it('100 events are kept, the oldest go', () => {
    const record = peer()
    for (let i = 0; i < 130; i++) {
      setPeerAccepted(record, attempt)
      setPeerDisconnected(record, { ...ending, date: i })
    }
    expect(record.events).toHaveLength(100)
    expect([record.events[0]?.at, record.events[99]?.at]).toEqual([30, 129])
  })
})
