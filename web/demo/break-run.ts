/**
 * One break, from the press of a button until the band is back: plain libp2p gets connections with the same peers, then both are hit at
 * the same moment, and a stopwatch follows each by its events. Called by break-it.ts. While nothing is broken nothing of this runs.
 */
import type { PeerId } from '../../src/core/index.ts'
import type { SharedPool } from '../index.ts'
import { askMs, type Broken, type ServerBreak } from './break-server.ts'
import { cutNetwork } from './network-cut.ts'
import type { PlainListener, PlainNode } from './plain-node.ts'
import { type Blow, type Progress, Stopwatch } from './stopwatch.ts'

export type BreakKind = ServerBreak | 'cut' | 'freeze'

export const cutMs = 4_000
export const frozenMs = 5_000
/** Whatever is not back by then is given up. */
export const watchMs = 60_000
/** Plain libp2p dials all its peers within this time, or is compared with those that it has. */
const prepareMs = 6_000

export interface BreakOptions {
  readonly pool: SharedPool
  readonly kind: BreakKind
  /** Asks the demo's server. */
  breakServer(kind: ServerBreak): Promise<Broken>
  /** Is what the server killed not back yet? */
  isBroken(): Promise<boolean>
  /** It breaks now; wall clock, ms. */
  onBreak(at: number): void
  /** Something happened, or a time has come. */
  onChange(): void
}

/** What the two stopwatches show. */
export class BreakRun {
  readonly kind: BreakKind
  readonly #options: BreakOptions
  readonly #over = new AbortController()
  #pool: Stopwatch | undefined
  #plain: Stopwatch | undefined
  #node: PlainNode | undefined
  #endedAt: number | undefined

  constructor(options: BreakOptions) {
    this.kind = options.kind
    this.#options = options
  }

  /** Wall clock, ms; `undefined`: it is not broken yet. */
  get startedAt(): number | undefined {
    return this.#pool?.startedAt
  }

  /** How many connections are enough for the pool. */
  get enough(): number {
    return this.#pool?.enough ?? 0
  }

  get pool(): Progress | undefined {
    return this.#pool?.progress
  }

  get plain(): Progress | undefined {
    return this.#plain?.progress
  }

  /** How many connections are enough for plain libp2p: as many as it had, or as the pool needs. */
  get plainEnough(): number {
    return this.#plain?.enough ?? 0
  }

  /** When both were back, or given up; wall clock, ms. */
  get endedAt(): number | undefined {
    return this.#endedAt
  }

  /** Resolves when both are back, or given up, or `end` was called. Rejects if it could not be broken. */
  async perform(): Promise<void> {
    const { pool, onChange } = this.#options
    const { signal } = this.#over
    const changed = (): void => {
      if (signal.aborted) return
      onChange()
      if (this.#pool !== undefined && this.pool?.kind !== 'runs' && this.plain?.kind !== 'runs') this.end()
    }
    const opened = ({ detail, at }: Happened): void => {
      this.#pool?.opened(detail.peerId, at)
      changed()
    }
    const closed = ({ detail, at }: Happened): void => {
      this.#pool?.closed(detail.peerId, at)
      changed()
    }
    const plain: PlainListener = {
      opened: (peerId) => {
        this.#plain?.opened(peerId, Date.now())
        changed()
      },
      closed: (peerId) => {
        this.#plain?.closed(peerId, Date.now())
        changed()
      }
    }
    try {
      await this.#prepare(plain)
      if (signal.aborted) return
      pool.addEventListener('connection-opened', opened)
      pool.addEventListener('connection-closed', closed)
      pool.addEventListener('connection-lost', closed)
      this.#start()
      const blow = await this.#strike().catch((error: unknown) => {
        // It is not broken: there is nothing to measure.
        this.#pool = this.#plain = undefined
        throw error
      })
      this.#know(blow)
      changed()
      if (blow.mendedAt !== undefined) await this.#mended(blow, changed)
      await ended(signal, watchMs)
    } finally {
      this.end()
      pool.removeEventListener('connection-opened', opened)
      pool.removeEventListener('connection-closed', closed)
      pool.removeEventListener('connection-lost', closed)
      await this.#node?.stop()
    }
  }

  /** The stopwatches stay as they are. Idempotent. */
  end(): void {
    this.#endedAt ??= Date.now()
    this.#over.abort()
  }

  /** Plain libp2p, with connections to the Node peers that the pool is connected with. */
  async #prepare(listener: PlainListener): Promise<void> {
    const { startPlainNode } = await import('./plain-node.ts')
    const node = await startPlainNode(listener)
    this.#node = node
    const dials = this.#connections().flatMap(({ peerId, point, transport }) =>
      transport === 'ws' && point !== null ? [node.keep(`${point}/p2p/${peerId}`)] : []
    )
    await Promise.race([Promise.all(dials), ended(this.#over.signal, prepareMs)])
  }

  #start(): void {
    const snapshot = this.#options.pool.snapshot()
    const at = Date.now()
    const enough = snapshot?.bounds.minTarget ?? 0
    const connected = this.#node?.connected() ?? []
    this.#pool = new Stopwatch({ at, enough, connected: this.#connections().map(({ peerId }) => peerId) })
    this.#plain = new Stopwatch({ at, enough: Math.min(enough, connected.length), connected })
    this.#options.onBreak(at)
  }

  /** Breaks it. Resolves when that is over, or the server has said what it does. */
  async #strike(): Promise<Blow> {
    const { kind, breakServer } = this.#options
    if (kind === 'cut') {
      // No socket of before works from now on.
      const dead = [...this.#connections().map(({ peerId }) => peerId as string), ...(this.#node?.connected() ?? [])]
      this.#know({ dead, overAt: Number.POSITIVE_INFINITY })
      await cutNetwork(cutMs)
      return { dead, overAt: Date.now() }
    }
    if (kind === 'freeze') {
      await nextFrame()
      const until = performance.now() + frozenMs
      while (performance.now() < until);
      // What came meanwhile is heard of first.
      await new Promise((resolve) => setTimeout(resolve))
      return { dead: [], overAt: Date.now() }
    }
    const overAt = Date.now()
    const { killed, liar } = await breakServer(kind)
    if (kind !== 'liar') return { dead: killed, overAt, mendedAt: Number.POSITIVE_INFINITY }
    return { dead: killed, unwelcome: liar === null ? undefined : await this.#meet(liar), overAt }
  }

  /** Asks until what was killed is back, `watchMs` long at most. */
  async #mended(blow: Blow, changed: () => void): Promise<void> {
    const until = Date.now() + watchMs
    while (!this.#over.signal.aborted && Date.now() < until) {
      await ended(this.#over.signal, askMs)
      if (await this.#options.isBroken().catch(() => true)) continue
      this.#know({ ...blow, mendedAt: Date.now() })
      changed()
      return
    }
  }

  #know(blow: Blow): void {
    for (const watch of [this.#pool, this.#plain]) watch?.strike(blow)
  }

  /** Both connect with the liar, as if a person had pasted its address. */
  async #meet(address: string): Promise<string> {
    const { pool } = this.#options
    const { point, expectedPeerId } = pool.parsePoint(address)
    const [peerId] = await Promise.all([pool.connect(point, { expectedPeerId }), this.#node?.keep(address)])
    return peerId
  }

  #connections() {
    return this.#options.pool.snapshot()?.connections ?? []
  }
}

interface Happened {
  readonly detail: { readonly peerId: PeerId }
  readonly at: number
}

/** Resolves when the signal fires, or after so long. */
function ended(signal: AbortSignal, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(end, signal.aborted ? 0 : withinMs)
    signal.addEventListener('abort', end, { once: true })
  })
}

/** What was written is on the screen. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())))
}
