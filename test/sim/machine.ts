/**
 * One machine of a simulation: what outlives its program (address, peer id, storage, how far its wall clock is off) and the
 * program itself, a pool of the real core. It can be started, stopped and killed, as often as a scenario likes.
 */
import '../support/preload.ts'
import { memoryStorage, nodePreset, PeerPool, type PeerStorage, type PoolOptions, resolveConfig } from '../../src/core/index.ts'
import type { PoolState } from '../../src/core/tables/pool-state.ts'
import type { PoolEvent } from '../../src/core/values/events.ts'
import type { MemoryNetwork } from '../../src/testing/memory-network.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import type { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { setInside } from '../support/inside.ts'
import { loggedEvents } from './event-log.ts'
import { MachineClock } from './machine-clock.ts'

export interface MachineParts {
  readonly index: number
  readonly world: VirtualClock
  readonly network: MemoryNetwork
  /** Seed of its own chance; another one at each start. */
  readonly seed: number
  readonly options: Partial<PoolOptions>
  readonly onEvent: (machine: Machine, event: PoolEvent) => void
  /** Its program could not say something to a caller: none of the core's errors may end there. */
  readonly onError: (machine: Machine, message: string) => void
  readonly onTouched: (machine: Machine) => void
}

/** The program, while it runs or after it stopped. */
export interface Program {
  readonly pool: PeerPool
  readonly state: PoolState<unknown>
  readonly clock: MachineClock
}

export class Machine {
  readonly index: number
  readonly network: MemoryNetwork
  readonly storage: PeerStorage
  options: Partial<PoolOptions>
  readonly #parts: MachineParts
  #program: Program | undefined
  #starts = 0
  #dateOffsetMs = 0
  /** Its pool's state has changed since somebody set this to false. */
  hasChanged = false

  constructor(parts: MachineParts) {
    this.#parts = parts
    this.index = parts.index
    this.network = parts.network
    this.options = parts.options
    this.storage = parts.options.storage ?? memoryStorage()
    this.network.touched = () => parts.onTouched(this)
  }

  /** Its program, unless it was killed or never started. */
  get program(): Program | undefined {
    return this.#program
  }

  /** Its pool, while that is running. */
  get pool(): PeerPool | undefined {
    return this.#program?.pool.status === 'running' ? this.#program.pool : undefined
  }

  /** Running connections; 0 while there is no program. */
  get active(): number {
    return this.pool?.activeConnections ?? 0
  }

  /** Starts the program: the one that stopped, or another upon the same storage. Settles when it runs. */
  start(): Promise<void> {
    this.network.isOffline = false
    this.#program ??= this.#make()
    return this.#program.pool.start()
  }

  /** The program says goodbye and ends; settles when it has. */
  async stop(): Promise<void> {
    await this.#program?.pool.stop()
  }

  /** The program is gone in the middle of whatever it did. `dark`: the machine too, so that nobody is told. */
  kill({ dark = false } = {}): void {
    this.network.isOffline = dark
    this.network.kill({ resets: !dark })
    this.#program?.clock.kill()
    this.#program = undefined
  }

  /** Its page is hidden, then frozen: it saves and says so, and nothing of it runs until `wake`. */
  async sleep(): Promise<void> {
    await this.pool?.suspend()
    this.network.sleep()
    this.#program?.clock.sleep()
  }

  /** The page is seen again. */
  wake(): void {
    this.network.wake()
    this.#program?.clock.wake()
    this.#program?.pool.resume()
  }

  /** It will not come back. Others may hold their ends of links with it for long, and would hold all of its pool. */
  forget(): void {
    this.#program = undefined
    this.network.touched = () => undefined
    this.network.gate = undefined
    this.network.introductions.end()
  }

  /** Somebody sets its wall clock. */
  setDateOffset(ms: number): void {
    this.#dateOffsetMs = ms
    if (this.#program !== undefined) this.#program.clock.dateOffsetMs = ms
  }

  #make(): Program {
    const { world, network, seed, onEvent, onError, onTouched } = this.#parts
    const random = seededRandom(seed + ++this.#starts * 7_919)
    const touched = (): void => onTouched(this)
    const clock = new MachineClock(world, { uptimeMs: random.next() * 1e9, touched })
    clock.dateOffsetMs = this.#dateOffsetMs
    const options = { network: 'simulation', ...this.options }
    let state: PoolState<unknown> | undefined
    const pool = new PeerPool(resolveConfig<Uint8Array, unknown, Uint8Array>(options, { preset: nodePreset, storage: this.storage }), {
      network,
      clock,
      random,
      log: { error: (message, cause) => onError(this, `${message}: ${cause instanceof Error ? cause.stack : String(cause)}`) },
      inspect: (made, parts) => {
        state = made
        setInside(made, parts)
        const { shown, save } = parts
        // The state asks its parts anew at each change, so this hears of all of them.
        Object.assign(parts, {
          shown: () => {
            this.hasChanged = true
            shown()
          },
          save: (urgency?: 'now') => {
            this.hasChanged = true
            save(urgency)
          }
        })
      }
    })
    if (state === undefined) throw new Error('the pool has not shown its state')
    for (const name of loggedEvents) pool.addEventListener(name, (event) => onEvent(this, event))
    network.gate = pool.gate
    return { pool, state, clock }
  }
}
