/**
 * The Node peer of the demo that comes and goes, so that a person sees pools lose a peer and find it again. Called by
 * demo.ts while the demo is served; the check and the pictures start and stop the same peer when they want to see it.
 */
import type { DemoNodePeer } from './demo-node-peer.ts'

/** Long enough to exchange messages; short enough to be seen by a person who only looks around. */
const hereMs = 40_000
const awayMs = 25_000

export interface GuestTimes {
  readonly hereMs?: number
  readonly awayMs?: number
  /** False: it stays away for now. @default it comes */
  mayCome?(): boolean
  came(): void
  went(): void
  /** It could not come: a port was taken meanwhile. It tries again. */
  failed(error: unknown): void
}

/** Comes at once. Resolves when `signal` has fired, with the guest gone; never rejects. */
export async function comeAndGo(guest: Pick<DemoNodePeer, 'start' | 'stop'>, signal: AbortSignal, times: GuestTimes): Promise<void> {
  while (!signal.aborted) {
    try {
      if (times.mayCome?.() !== false) {
        await guest.start()
        times.came()
        await lapse(times.hereMs ?? hereMs, signal)
        await guest.stop()
        if (!signal.aborted) times.went()
      }
    } catch (error) {
      times.failed(error)
    }
    await lapse(times.awayMs ?? awayMs, signal)
  }
  await guest.stop()
}

function lapse(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, signal.aborted ? 0 : ms)
    signal.addEventListener('abort', end)
  })
}
