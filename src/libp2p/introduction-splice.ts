/** The limits of an introduction in bytes and time: of the two streams that the introducer joins, and of the one that each peer has. Used by `introductions.ts`. */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Clock } from '../core/values/ports.ts'
import type { ByteBudget } from './introduction-budget.ts'

/** What one introduction may carry, both ways together; a WebRTC connection takes about 12 kB. */
export const maxIntroductionBytes = 65_536
/** How long one introduction may last, ms; making a WebRTC connection takes about a second. */
export const maxIntroductionMs = 30_000
/** For the rest, once one side has closed. */
const closeMs = 1_000

export interface SpliceOptions {
  readonly budgets: readonly ByteBudget[]
  /** Ends the introduction. */
  readonly signal: AbortSignal
}

/** Resolves with the bytes that went through, when the introduction is over: also when a budget is spent. Never rejects. */
export function splice(streams: readonly [Stream, Stream], clock: Clock, { budgets, signal }: SpliceOptions): Promise<number> {
  return new Promise((resolve) => {
    let left = maxIntroductionBytes
    const cancel = clock.schedule(maxIntroductionMs, () => abort('the time of an introduction is over'))
    const ends = streams.map((from, i) => join(from, streams[1 - i] as Stream))
    signal.addEventListener('abort', cut)
    if (signal.aborted) cut()
    else if (streams.some(({ status }) => status !== 'open')) close()

    function join(from: Stream, to: Stream): () => void {
      const pass = ({ data }: StreamMessageEvent): void => {
        left -= data.byteLength
        const isTooMuch = budgets.map((budget) => budget.take(data.byteLength)).includes(false)
        if (left < 0 || isTooMuch) {
          abort('an introduction carries no more bytes')
          return
        }
        try {
          to.send(data)
        } catch {
          abort('the other side of an introduction is closed')
        }
      }
      from.addEventListener('message', pass)
      from.addEventListener('end', close)
      from.addEventListener('close', close)
      return () => {
        from.removeEventListener('message', pass)
        from.removeEventListener('end', close)
        from.removeEventListener('close', close)
      }
    }

    function finish(): void {
      cancel()
      signal.removeEventListener('abort', cut)
      for (const end of ends) end()
      resolve(maxIntroductionBytes - Math.max(0, left))
    }

    function cut(): void {
      abort('another peer gets the place of an introduction')
    }

    function abort(reason: string): void {
      finish()
      for (const stream of streams) stream.abort(new Error(reason))
    }

    /** Both ways end when one does: an introduction has no half-closed state. */
    function close(): void {
      finish()
      for (const stream of streams) closeSoon(stream, clock)
    }
  })
}

/** The same limits at the two peers: the introducer may be hostile, and so may the other one. Bytes that come count; ours are our own matter. */
export function endInTime(stream: Stream, clock: Clock): void {
  let left = maxIntroductionBytes
  const cancel = clock.schedule(maxIntroductionMs, () => stream.abort(new Error('the time of an introduction is over')))
  stream.addEventListener('close', cancel)
  stream.addEventListener('end', () => closeSoon(stream, clock))
  stream.addEventListener('message', ({ data }) => {
    left -= data.byteLength
    if (left < 0) stream.abort(new Error('an introduction carries no more bytes'))
  })
}

/** Closes it in peace, and aborts it if that takes long. Never throws. */
export function closeSoon(stream: Stream, clock: Clock): void {
  const cancel = clock.schedule(closeMs, () => stream.abort(new Error('the other side does not close')))
  stream.addEventListener('close', cancel)
  stream.close().catch((error: Error) => stream.abort(error))
  if (stream.status === 'closed') cancel()
}
