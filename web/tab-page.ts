/** The life of a page as far as it concerns who owns a shared pool. Called by `tab-session.ts`; what the pool does about it is in `page-life.ts`. */

export interface TabEvents {
  /** A person sees the page, also at once if that is so. */
  readonly shown: () => void
  readonly hidden: () => void
  /** The page may be kept as it is without running, for a return by the back button. */
  readonly left: () => void
  /** Nothing of the page runs after this turn. */
  readonly frozen: () => void
  /** It runs again after one of the last two. */
  readonly back: () => void
}

/** Follows the page until the returned function is called. A worker is always seen. */
export function followTab({ shown, hidden, left, frozen, back }: TabEvents): () => void {
  const { document, window } = globalThis as { document?: Document; window?: Window }
  const off = new AbortController()
  const { signal } = off
  const seen = (): void => (document?.visibilityState === 'hidden' ? hidden() : shown())
  document?.addEventListener('visibilitychange', seen, { signal })
  document?.addEventListener('freeze', frozen, { signal })
  document?.addEventListener('resume', back, { signal })
  // A page that is closed for good needs no farewell here: the browser releases its lock.
  window?.addEventListener('pagehide', ({ persisted }) => persisted && left(), { signal })
  window?.addEventListener('pageshow', ({ persisted }) => persisted && back(), { signal })
  if (document?.visibilityState !== 'hidden') shown()
  return () => off.abort()
}
