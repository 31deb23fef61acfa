/** The limits of an introduction in bytes and time: of the two streams that the introducer joins, and of the one that each peer has. Used by `introductions.ts`. */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { onAbort } from '../core/flows/waits.ts'
import type { Clock } from '../core/values/ports.ts'
import type { ByteBudget } from './introduction-budget.ts'

/** What one introduction may carry, both ways together; a WebRTC connection takes about 12 kB. */
export const maxIntroductionBytes = 65_536
/** How long one introduction may last, ms; making a WebRTC connection takes about a second. */
export const maxIntroductionMs = 30_000
/** For the rest, once one side has closed. */
const closeMs = 1_000

export interface SpliceOptions {
  /** What passes counts in each. */
  readonly budgets?: readonly ByteBudget[]
  /** Ends the introduction. */
  readonly signal?: AbortSignal
}

/**
 * Passes on what comes on each of two streams to the other. One stream alone has the same limits, and its owner reads it: the introducer may be
 * hostile, and so may the other peer. Bytes that come count. Resolves when the introduction is over, also when a budget is spent. Never rejects.
 */
export function splice(streams: readonly [Stream, Stream?], clock: Clock, { budgets = [], signal }: SpliceOptions = {}): Promise<void> {
  return new Promise((resolve) => {
    const all = streams.filter((stream) => stream !== undefined)
    let left = maxIntroductionBytes
    const ends = [clock.schedule(maxIntroductionMs, () => abort('the time of an introduction is over')), resolve]
    for (const [i, stream] of all.entries()) join(stream, all[1 - i])
    ends.push(onAbort(signal, () => abort('another peer gets the place of an introduction')))
    if (all.some(({ status }) => status !== 'open')) close()

    function join(from: Stream, to: Stream | undefined): void {
      const pass = ({ data }: StreamMessageEvent): void => {
        left -= data.byteLength
        const isTooMuch = budgets.map((budget) => budget.take(data.byteLength)).includes(false)
        if (left < 0 || isTooMuch) {
          abort('an introduction carries no more bytes')
          return
        }
        try {
          to?.send(data)
        } catch {
          abort('the other side of an introduction is closed')
        }
      }
      from.addEventListener('message', pass)
      from.addEventListener('end', close)
      from.addEventListener('close', close)
      ends.push(() => {
        from.removeEventListener('message', pass)
        from.removeEventListener('end', close)
        from.removeEventListener('close', close)
      })
    }

    function abort(reason: string): void {
      for (const end of ends) end()
      for (const stream of all) stream.abort(new Error(reason))
    }

    /** Both ways end when one does: an introduction has no half-closed state. */
    function close(): void {
      for (const end of ends) end()
      for (const stream of all) closeSoon(stream, clock)
    }
  })
}

/** A reservation lasts as long as its stream, on which nothing more comes. */
export function hold(stream: Stream): void {
  const abort = (): void => stream.abort(new Error('a reservation is an open stream, and nothing comes on it'))
  stream.addEventListener('end', abort)
  stream.addEventListener('message', abort)
}

/** Closes it in peace, and aborts it if that takes long. Never throws. */
export function closeSoon(stream: Stream, clock: Clock): void {
  const cancel = clock.schedule(closeMs, () => stream.abort(new Error('the other side does not close')))
  stream.addEventListener('close', cancel)
  stream.close().catch((error: Error) => stream.abort(error))
  if (stream.status === 'closed') cancel()
}
