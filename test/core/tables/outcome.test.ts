import { describe, expect, it } from 'vitest'
import { type Circumstances, consequencesOf, type Outcome } from '../../../src/core/tables/outcome.ts'
import type { PeerId } from '../../../src/core/values/ids.ts'
import type { Ending, Rejection } from '../../../src/core/values/reason.ts'

const [alice, bob] = ['alice', 'bob'] as PeerId[] as [PeerId, PeerId]
const reconnection = { initialDelayMs: 1_000, factor: 1.2, jitter: 0.2, afterConnectionMs: 60_000, maxDelayMs: 3_600_000 }
/** A dial, begun at 0 and ended after a minute, while another connection runs. */
const dial: Circumstances = {
  attempt: { startedAt: 0, peerId: undefined },
  point: { expectedPeerId: undefined },
  ranSince: undefined,
  active: 1,
  awokeAt: Number.NEGATIVE_INFINITY,
  now: 60_000,
  reconnection
}
const failed = (rejection: Rejection, by: 'us' | 'them' = 'them'): Outcome => ({ kind: 'failed', rejection, by })
const closed = (ending: Ending): Outcome => ({ kind: 'closed', ending, comeBackAfterMs: 5_000 })
const refused: Rejection = { kind: 'dial-failed', failure: 'refused', detail: '' }
const lost: Ending = { by: 'network', reason: { kind: 'lost' } }

describe('consequencesOf', () => {
  it('a dial that nobody answers makes the point wait, longer each time while other connections run', () => {
    expect(consequencesOf(failed(refused), dial)).toMatchObject({ counts: true, backsOff: true, grows: true })
    const alone = consequencesOf(failed(refused), { ...dial, active: 0 })
    expect(alone).toMatchObject({ counts: true, backsOff: true, grows: false })
  })

  it('an attempt that ends for reasons of our own is no failure', () => {
    for (const rejection of [{ kind: 'cancelled', detail: '' }, { kind: 'table-full' }, { kind: 'already-connected' }] as Rejection[])
      expect(consequencesOf(failed(rejection, 'us'), dial)).toMatchObject({ counts: false, backsOff: false })
  })

  it('another peer than a claim had said is no failure; another than the operator had said is one', () => {
    const outcome = failed({ kind: 'unexpected-peer-id', expected: alice, received: bob }, 'us')
    expect(consequencesOf(outcome, dial)).toMatchObject({ isMisled: true, counts: false, answered: true })
    expect(consequencesOf(outcome, { ...dial, point: { expectedPeerId: alice } })).toMatchObject({ isMisled: false, counts: true })
  })

  it('a connection that our own sleep has cost makes nobody wait, but for 15 s after we awoke', () => {
    const ran = { ...dial, ranSince: 1_000 }
    expect(consequencesOf(closed(lost), { ...ran, awokeAt: 50_000 })).toMatchObject({ counts: true, backsOff: false })
    expect(consequencesOf(closed(lost), { ...ran, awokeAt: 44_999 })).toMatchObject({ counts: true, backsOff: true })
  })

  it('a connection that they end within ten seconds is short; one that we end, or that another replaces, is not', () => {
    const ran = { ...dial, ranSince: 50_001 }
    expect(consequencesOf(closed(lost), ran).isShort).toBe(true)
    expect(consequencesOf(closed(lost), { ...ran, ranSince: 50_000 }).isShort).toBe(false)
    expect(consequencesOf(closed({ by: 'us', reason: { kind: 'going-away' } } as Ending), ran).isShort).toBe(false)
    expect(consequencesOf(closed({ by: 'them', reason: { kind: 'replaced' } } as Ending), ran).isShort).toBe(false)
  })

  it('a goodbye holds at all addresses of the peer; a lost link does not', () => {
    const ran = { ...dial, ranSince: 1_000 }
    expect(consequencesOf(closed({ by: 'them', reason: { kind: 'going-away' } } as Ending), ran)).toMatchObject({
      isChoice: true,
      mayReturnSoon: true,
      comeBackAfterMs: 5_000
    })
    expect(consequencesOf(closed(lost), ran)).toMatchObject({ isChoice: false, mayReturnSoon: true })
  })
})
