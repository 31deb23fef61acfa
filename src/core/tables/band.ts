/**
 * The band that is kept now: the ordinary one, or while the pool is suspended the narrower of it and the suspended one.
 * Owned by `pool-state.ts`; changed through `peer-pool.ts`; everybody else reads it through the view. Memory only.
 */
import { type ConnectionBand, type MaintenanceBounds, maintenanceBounds, narrowerBand } from '../values/bounds.ts'
import { bandOf, type PoolSettings } from '../values/config.ts'

export interface BandChange {
  readonly ordinary?: ConnectionBand
  readonly isSuspended?: boolean
}

export class Band {
  readonly #suspendedBand: ConnectionBand | null
  #ordinary: ConnectionBand
  #isSuspended = false
  #kept: ConnectionBand
  #bounds: MaintenanceBounds
  #slotLimit: number

  constructor(config: PoolSettings) {
    this.#suspendedBand = config.suspendedBand
    this.#ordinary = Object.freeze(bandOf(config))
    this.#kept = this.#ordinary
    this.#bounds = maintenanceBounds(this.#kept)
    this.#slotLimit = this.#kept.max
  }

  get kept(): ConnectionBand {
    return this.#kept
  }

  get bounds(): MaintenanceBounds {
    return this.#bounds
  }

  /** The band's max, or what was taken of it when it was made smaller, until that has gone down. */
  get slotLimit(): number {
    return this.#slotLimit
  }

  /** Each is the ordinary band or the suspension if given, else as before. True if another band is kept than before. */
  change({ ordinary = this.#ordinary, isSuspended = this.#isSuspended }: BandChange, slotsTaken: number): boolean {
    this.#ordinary = ordinary
    this.#isSuspended = isSuspended
    const narrow = isSuspended ? this.#suspendedBand : null
    const { min, expected, max } = narrow === null ? ordinary : narrowerBand(ordinary, narrow)
    const before = this.#kept
    if (min === before.min && expected === before.expected && max === before.max) return false
    this.#kept = Object.freeze({ min, expected, max })
    this.#bounds = maintenanceBounds(this.#kept)
    this.#slotLimit = Math.max(max, slotsTaken)
    return true
  }

  /** Slots were freed. One that is free at the very max may be the place that a replaced connection left for its successor. */
  settle(slotsTaken: number): void {
    if (slotsTaken < this.#kept.max) this.#slotLimit = this.#kept.max
  }
}
