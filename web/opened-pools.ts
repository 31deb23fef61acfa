/**
 * Pools that components of a page share: one for all that ask with the same options, made when the first one needs it, stopped when none does
 * any more. Called by `react-hooks.ts`; knows no React.
 */

import { messageOf } from '../src/core/values/reason.ts'
import { defaultName } from './default-name.ts'
import type { createWebPeer } from './index.ts'
import type { SharedPool } from './shared-pool.ts'
import type { WebPeerInit } from './tab-sharing.ts'

/** A pool that starts, runs, or did not start. */
export interface OpenedPool<Pool = SharedPool> {
  /** The pool, which has started; `undefined` while it starts, and if that failed. */
  readonly pool: Pool | undefined
  /** Why it did not start; `undefined`: it starts or runs. */
  readonly error: Error | undefined
  /** Tries again after an error; does nothing otherwise. */
  readonly retry: () => void
}

/** Where `createWebPeer` comes from: a server has another one. */
export type PageModule = () => Promise<{ readonly createWebPeer: typeof createWebPeer }>

export const starting: OpenedPool<never> = Object.freeze({ pool: undefined, error: undefined, retry: () => undefined })

/** A pool starts, or fails, within 30 s. The name of one that does neither is free after this, ms. */
const startDeadlineMs = 35_000
/** The name of a pool that does not stop is free after this, ms. */
const stopDeadlineMs = 10_000

/** No text of JSON begins so. */
const notComparable = '!'

/** By their options. Each is used by a component, or was in the same turn. */
const openings = new Map<string, Opening>()
/** By name: of pools of this page that no component uses any more. The lock of that name is free when they have stopped. */
const endings = new Map<string, Promise<unknown>>()

/** Equal for options that differ in functions and instances of classes alone, which JSON could not tell apart. Never throws, since it is called in a render. */
export function keyOf(init: object): string {
  try {
    return JSON.stringify(init, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : isPlain(value) ? value : undefined))
  } catch (error) {
    return notComparable + messageOf(error)
  }
}

export function stateOf(key: string): OpenedPool {
  return openings.get(key)?.state ?? starting
}

/** Opens the pool if nobody has yet, and calls the listener when its state changes, until the returned function is called. */
export function openFor(listener: () => void, { key, init, load }: { key: string; init: WebPeerInit; load: PageModule }): () => void {
  const cannotCompare = key.startsWith(notComparable)
  // Options that cannot be read have no name either.
  const { name = defaultName } = cannotCompare ? { name: key } : init
  // Another one of that name would be a second tab to it, and refused if its network differs.
  for (const other of openings.values()) if (other.name === name && other.key !== key) other.endIfUnused()
  let opening = openings.get(key)
  if (opening === undefined) {
    const open = async (): Promise<SharedPool> => {
      if (cannotCompare) throw new Error(`usePool: options that cannot be compared as data: ${key.slice(notComparable.length)}`)
      const { createWebPeer } = await load()
      return startedInTime(createWebPeer(init))
    }
    opening = new Opening({ key, name, open })
    openings.set(key, opening)
  }
  return opening.use(listener)
}

class Opening {
  readonly key: string
  readonly name: string
  state = starting as OpenedPool
  readonly #open: () => Promise<SharedPool>
  readonly #listeners = new Set<() => void>()
  #opened: Promise<SharedPool | undefined>

  constructor({ key, name, open }: { key: string; name: string; open: () => Promise<SharedPool> }) {
    this.key = key
    this.name = name
    this.#open = open
    this.#opened = this.#start()
  }

  use(listener: () => void): () => void {
    const called = (): void => listener()
    this.#listeners.add(called)
    return () => {
      // React's StrictMode, its refresh of changed modules, and a parent that replaces one component by another come back in the same turn.
      if (this.#listeners.delete(called)) setTimeout(() => this.#endUnlessWanted())
    }
  }

  /** Idempotent. The next of that name starts when this one has stopped. */
  endIfUnused(): void {
    if (this.#listeners.size > 0 || openings.get(this.key) !== this) return
    openings.delete(this.key)
    const ending = Promise.all([endings.get(this.name), this.#opened.then(stopped)]).finally(() => {
      if (endings.get(this.name) === ending) endings.delete(this.name)
    })
    endings.set(this.name, ending)
  }

  /** One that still starts is not given up: a component that comes back in the meantime has it sooner than a new one. */
  async #endUnlessWanted(): Promise<void> {
    await this.#opened
    this.endIfUnused()
  }

  /** Never rejects. */
  async #start(): Promise<SharedPool | undefined> {
    try {
      await endings.get(this.name)
      const pool = await this.#open()
      this.#set({ pool, error: undefined, retry: starting.retry })
      return pool
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error('the pool did not start', { cause: thrown })
      this.#set({ pool: undefined, error, retry: () => this.#retry(error) })
      return undefined
    }
  }

  /** Of several calls after one error the first counts. */
  #retry(error: Error): void {
    if (this.state.error !== error || openings.get(this.key) !== this) return
    this.#set(starting)
    this.#opened = this.#start()
  }

  #set(state: OpenedPool): void {
    this.state = state
    for (const listener of [...this.#listeners]) listener()
  }
}

/** The pool, or a rejection when the time is over. One that starts after all is stopped. */
function startedInTime(starts: Promise<SharedPool>): Promise<SharedPool> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(new Error(`the pool did not start within ${startDeadlineMs} ms`))
    }, startDeadlineMs)
    starts.then((pool) => (isLate ? stopped(pool) : resolve(pool)), reject).finally(() => clearTimeout(timer))
  })
}

/** When the pool has stopped, or its time for it is over. Never rejects. */
function stopped(pool: SharedPool | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, stopDeadlineMs)
    const stop = async (): Promise<void> => pool?.stop()
    stop()
      .catch((error: unknown) => console.error('p2p-pool: a pool that no component uses did not stop', error))
      .finally(() => {
        clearTimeout(timer)
        resolve()
      })
  })
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}
