/** The hooks of `p2p-pool/react`, as pages and servers have them in common: `react.ts` and `react-server.ts`. */
import type { ServiceMap } from '@libp2p/interface'
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { ListenerOf } from '../src/core/values/events.ts'
import type { PoolSnapshot } from '../src/core/values/snapshot.ts'
import { keyOf, type OpenedPool, openFor, type PageModule, starting, stateOf } from './opened-pools.ts'
import type { SharedPool, SharedPoolFace } from './shared-pool.ts'
import type { SharedPoolEvents, WebPeerInit } from './tab-sharing.ts'

/** What `usePoolSnapshot` reads: any pool of this package, in a page or on Node. */
export interface PoolSource {
  /** Calls the listener after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void
  /** The same object until something changed. */
  readonly getSnapshot: () => PoolSnapshot | undefined
}

const nothing = (): undefined => undefined
const never = (): (() => void) => nothing
const whole = (snapshot: PoolSnapshot | undefined): unknown => snapshot

export function useOpened<Msg, PeerMeta, ConnMeta, Services extends ServiceMap>(
  init: WebPeerInit<Msg, PeerMeta, ConnMeta, Services> | undefined,
  load: PageModule
): OpenedPool<SharedPool<Msg, PeerMeta, ConnMeta, Services>> {
  const key = init ? keyOf(init) : undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: an object that is written into the call is a new one each time; the key is what counts.
  const subscribe = useCallback(
    (listener: () => void) => (key === undefined ? nothing : openFor(listener, { key, init: init as unknown as WebPeerInit, load })),
    [key, load]
  )
  const state = useSyncExternalStore(
    subscribe,
    () => (key === undefined ? starting : stateOf(key)),
    () => starting
  )
  // The opened pools know no types of the application's.
  return state as OpenedPool<unknown> as OpenedPool<SharedPool<Msg, PeerMeta, ConnMeta, Services>>
}

/**
 * The snapshot of a pool, or what `select` makes of it: renders again when that is another value (`Object.is`). Moving byte counters are no
 * change. `undefined` while there is no pool, and on a server; `select` gets it then.
 */
export function usePoolSnapshot(pool: PoolSource | undefined): PoolSnapshot | undefined
export function usePoolSnapshot<T>(pool: PoolSource | undefined, select: (snapshot: PoolSnapshot | undefined) => T): T
export function usePoolSnapshot(pool: PoolSource | undefined, select: (snapshot: PoolSnapshot | undefined) => unknown = whole): unknown {
  const { subscribe, getSnapshot } = pool ?? { subscribe: never, getSnapshot: nothing }
  const [get, getOnServer] = useMemo(() => [selecting(getSnapshot, select), selecting(nothing, select)] as const, [getSnapshot, select])
  return useSyncExternalStore(subscribe, get, getOnServer)
}

/** Calls the listener of the last render for each event of that name while the component is mounted. */
export function usePoolEvent<Msg, PeerMeta, ConnMeta, Services extends ServiceMap, Name extends keyof SharedPoolEvents<Msg>>(
  pool: Pick<SharedPoolFace<Msg, PeerMeta, ConnMeta, Services>, 'addEventListener' | 'removeEventListener'> | undefined,
  name: Name,
  listener: ListenerOf<SharedPoolEvents<Msg>, Name>
): void {
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => {
    const heard: ListenerOf<SharedPoolEvents<Msg>, Name> = (event) => latest.current(event)
    pool?.addEventListener(name, heard)
    return () => pool?.removeEventListener(name, heard)
  }, [pool, name])
}

/** Selects once for each snapshot: a selection that is a new object each time would render for ever. */
function selecting<T>(getSnapshot: PoolSource['getSnapshot'], select: (snapshot: PoolSnapshot | undefined) => T): () => T {
  let last: { readonly snapshot: PoolSnapshot | undefined; readonly value: T } | undefined
  return () => {
    const snapshot = getSnapshot()
    if (last === undefined || last.snapshot !== snapshot) last = { snapshot, value: select(snapshot) }
    return last.value
  }
}
