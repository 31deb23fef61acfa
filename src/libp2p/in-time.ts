/** A deadline for a part of a dial, beside the caller's own signal. Used by `network.ts`. */
import type { Clock } from '../core/values/ports.ts'

/**
 * The result of the work, or nothing if it takes longer. Rejects as the work does, or when the caller's signal fires. A timer and a
 * controller: an `AbortSignal.any` with a time-out was not seen to fire in Chromium.
 */
export async function inTime<T>(
  clock: Clock,
  { signal, withinMs }: { signal: AbortSignal; withinMs: number },
  work: (signal: AbortSignal) => Promise<T>
): Promise<T | undefined> {
  const patience = new AbortController()
  const end = (): void => patience.abort(signal.reason)
  const cancel = clock.schedule(withinMs, end)
  signal.addEventListener('abort', end, { once: true })
  try {
    return await work(patience.signal)
  } catch (error) {
    if (!patience.signal.aborted || signal.aborted) throw error
    return undefined
  } finally {
    cancel()
    signal.removeEventListener('abort', end)
  }
}
