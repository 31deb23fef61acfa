/** What ends an attempt that makes no connection: its deadline, its caller, or an error. Used by `connect.ts` and `handshake.ts`. */
import { checkPeer } from '../decisions/admission.ts'
import type { AttemptRecord } from '../tables/attempt.ts'
import type { Outcome } from '../tables/outcome.ts'
import type { PoolView } from '../tables/pool-view.ts'
import { type Clock, DialError, type Link } from '../values/ports.ts'
import { type AttemptStep, messageOf, nackMotive, PoolError, type Rejection } from '../values/reason.ts'
import { WireFault } from '../wire/fault.ts'
import { onAbort } from './waits.ts'

/** The one deadline of an attempt, which names the step that ran out, and the caller's own signal. */
export function watch(
  clock: Clock,
  attempt: AttemptRecord,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined }
) {
  let stopTimer = (): void => undefined
  const forget = onAbort(signal, () => attempt.cancel({ kind: 'cancelled', detail: 'by the caller' }))
  const progress = {
    step: 'dial' as AttemptStep,
    /** Moves the deadline: it is so many ms from now. */
    limit: (afterMs: number): void => {
      stopTimer()
      stopTimer = clock.schedule(afterMs, () => attempt.cancel({ kind: 'timeout', step: progress.step, afterMs }))
    },
    done: (): void => {
      stopTimer()
      forget()
    }
  }
  progress.limit(timeoutMs)
  return progress
}

export type Progress = ReturnType<typeof watch>

/** What an error in the middle of an attempt means. */
export function outcomeOf(
  error: unknown,
  { attempt, progress, link, state }: { attempt: AttemptRecord; progress: Progress; link: Link | undefined; state: PoolView }
): Outcome {
  const failed = (rejection: Rejection, by: 'us' | 'them'): Outcome => ({ kind: 'failed', rejection, by })
  const cancelled: unknown = attempt.signal.aborted ? attempt.signal.reason : undefined
  if (cancelled instanceof PoolError && cancelled.rejection !== undefined) {
    return failed(cancelled.rejection, cancelled.rejection.kind === 'timeout' ? 'them' : 'us')
  }
  if (error instanceof PoolError) {
    const { rejection = { kind: 'cancelled', detail: error.message } } = error
    return failed(rejection, rejection.kind === 'rejected-by-peer' ? 'them' : 'us')
  }
  if (error instanceof WireFault) return failed({ kind: 'fault', detail: messageOf(error) }, 'us')
  if (error instanceof DialError) {
    if (error.failure === 'wrong-peer-id' && attempt.expectedPeerId !== undefined) {
      return failed({ kind: 'unexpected-peer-id', expected: attempt.expectedPeerId, received: link?.peerId ?? error.peerId }, 'us')
    }
    if (error.failure === 'myself') return failed({ kind: 'myself' }, 'us')
    if (error.failure === 'denied' && error.peerId !== undefined)
      return failed(checkPeer(state, error.peerId, attempt.host) ?? { kind: 'private-mode' }, 'us')
    return failed({ kind: 'dial-failed', failure: error.failure, detail: messageOf(error) }, 'them')
  }
  if (link === undefined) return failed({ kind: 'dial-failed', failure: 'other', detail: messageOf(error) }, 'them')
  if (error instanceof Error) return failed({ kind: 'link-lost', step: progress.step }, 'them')
  return failed({ kind: 'rejected-by-peer', motive: nackMotive.none, points: [] }, 'them')
}
