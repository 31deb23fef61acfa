/**
 * The life of a page as the pool's input: hidden, left, shown again, offline, online. Called by `createWebPeer`. A page
 * that is left says goodbye, so that the others free its place at once; what is saved is saved before, since nothing runs
 * for certain afterwards.
 */
import type { PeerPool } from '../src/core/index.ts'

/** Only what is used of `window` and `document`; a worker has neither, and then nothing is followed. */
interface PageEvents {
  addEventListener(type: string, listener: (event: Event) => void): void
  removeEventListener(type: string, listener: (event: Event) => void): void
}

/** Follows the page until the returned function is called. */
export function followPage<Msg, PeerMeta, ConnMeta>(pool: PeerPool<Msg, PeerMeta, ConnMeta>): () => void {
  const { document, window } = globalThis as { document?: Document; window?: Window }
  if (document === undefined || window === undefined) return () => undefined
  const listeners: [PageEvents, string, (event: Event) => void][] = [
    [document, 'visibilitychange', () => (document.visibilityState === 'hidden' ? void pool.savePeers() : pool.resume())],
    [
      window,
      'pagehide',
      () => {
        void pool.savePeers()
        void pool.tearDownConnections({ kind: 'going-away' })
      }
    ],
    [window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && pool.resume()],
    [window, 'online', () => pool.resume()]
  ]
  for (const [target, type, listener] of listeners) target.addEventListener(type, listener)
  return () => {
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener)
  }
}
