/** How often something may happen in a second, counted by address group. Used by the guards of listeners. */
import type { Host } from '../core/values/ids.ts'
import type { Clock } from '../core/values/ports.ts'
import { groupOfNewcomer } from './place-shares.ts'

/** A wider group, or a host that many peers may share, has so many times the rate of one public address. */
const widerRateFactor = 5
const localRateFactor = 10

export class GroupRate {
  readonly #clock: Clock
  readonly #perSecond: number
  /** What happened in the second that began at `#secondBegan`, by group. As long as the connections of one second are many. */
  readonly #counts = new Map<string, number>()
  #secondBegan = Number.NEGATIVE_INFINITY

  /** `perSecond`: of one public IPv4 address or IPv6 /64. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** Counts one more, unless the group of the host has had its share in this second. */
  takes(host: Host | undefined): boolean {
    const now = this.#clock.now()
    if (now - this.#secondBegan >= 1_000) {
      this.#secondBegan = now
      this.#counts.clear()
    }
    const { key, wider, local } = groupOfNewcomer(host)
    if (!this.#count(key, local ? localRateFactor * this.#perSecond : this.#perSecond)) return false
    return wider === undefined || this.#count(wider, widerRateFactor * this.#perSecond)
  }

  #count(group: string, max: number): boolean {
    const count = this.#counts.get(group) ?? 0
    if (count >= max) return false
    this.#counts.set(group, count + 1)
    return true
  }
}
