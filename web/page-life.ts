/**
 * The life of a page as the pool's input: hidden, frozen, left, offline, asleep, and back from each. Called by
 * `createWebPeer`. While nobody sees the page, the pool keeps its small band and nothing ticks here; a page that is left says
 * goodbye, so that the others free its place at once; without a network nobody is dialed, hence nobody blamed. Back again
 * the pool resumes: back-offs are forgotten, links must answer, the band is filled. All of it follows from what the page
 * is now: whatever event went missing, the next one puts it right.
 */
import type { PeerPool } from '../src/core/index.ts'

/** While the page is seen, a look at the wall clock. */
const tickMs = 2_000
/** So much more between two looks is a sleep of the machine: a busy page is not held up for so long. */
const sleptMs = 8_000

/** Events of the window, and what is known since: that the page is left, that it is offline. */
const turns = [
  ['pagehide', true, undefined],
  ['pageshow', false, undefined],
  ['offline', undefined, true],
  ['online', undefined, false]
] as const

export interface PageFollower {
  /** A person sees another tab that shows this pool, or none any more: while one does, a hidden page lives as one that is seen. */
  seenElsewhere(isSeen: boolean): void
  end(): void
}

/** Follows the page until `end`. A worker has no page: there nothing is followed. */
export function followPage<Msg, PeerMeta, ConnMeta>(pool: PeerPool<Msg, PeerMeta, ConnMeta>): PageFollower {
  const { document, window } = globalThis as { document?: Document; window?: Window }
  if (document === undefined || window === undefined) return { seenElsewhere: () => undefined, end: () => undefined }
  const off = new AbortController()
  const { signal } = off
  let isLeft = false
  // By event only: what the browser says at the start is wrong where there is only a loopback network.
  let isOffline = false
  let isSeenElsewhere = false
  let stopTicking = (): void => undefined

  const isSeen = (): boolean => isSeenElsewhere || document.visibilityState !== 'hidden'

  /** Lives on as the page is now; seen itself and online it watches the clock, which comes too seldom to a hidden page. */
  const follow = (): void => {
    stopTicking()
    if (isLeft) void pool.suspend({ keep: 'none' })
    else if (isOffline) void pool.suspend({ keep: 'all' })
    else if (!isSeen()) void pool.suspend()
    else if (document.visibilityState !== 'hidden') stopTicking = watchClock(wake)
  }
  /** Something happened meanwhile. */
  const wake = (): void => {
    if (!isLeft && !isOffline) pool.resume()
    follow()
  }

  document.addEventListener('visibilitychange', () => (document.visibilityState === 'hidden' ? follow() : wake()), { signal })
  document.addEventListener('freeze', () => void pool.savePeers(), { signal })
  document.addEventListener('resume', wake, { signal })
  for (const [type, left, offline] of turns) {
    window.addEventListener(
      type,
      () => {
        isLeft = left ?? isLeft
        isOffline = offline ?? isOffline
        if (isLeft || isOffline) follow()
        else wake()
      },
      { signal }
    )
  }
  follow()
  return {
    seenElsewhere(isSeenNow) {
      const wasSeen = isSeen()
      isSeenElsewhere = isSeenNow
      if (isSeen() && !wasSeen) wake()
      else if (wasSeen && !isSeen()) follow()
    },
    end() {
      off.abort()
      stopTicking()
    }
  }
}

/** Calls when the machine has slept, until the returned function is called. A clock that is set forward looks the same and does no harm. */
function watchClock(slept: () => void): () => void {
  let at = Date.now()
  const timer = setInterval(() => {
    const sinceMs = Date.now() - at
    at += sinceMs
    if (sinceMs > tickMs + sleptMs) slept()
  }, tickMs)
  return () => clearInterval(timer)
}
