/** Counts of incoming attempts that are not running yet. Owned by `pool-state.ts`; what they may be is for `admission.ts`. */
import type { Attempt } from '../values/attempt.ts'
import type { Host } from '../values/ids.ts'

export class Handshakes {
  /** By host; an entry goes with its last attempt. */
  readonly #byHost = new Map<Host, number>()
  #all = 0
  #admitted = 0

  /** In all, or from one host. */
  count(host?: Host): number {
    return host === undefined ? this.#all : (this.#byHost.get(host) ?? 0)
  }

  /** Those that passed our checks, and hold a slot. */
  get admitted(): number {
    return this.#admitted
  }

  begin(host: Host | undefined): void {
    this.#all++
    if (host !== undefined) this.#byHost.set(host, this.count(host) + 1)
  }

  admit(): void {
    this.#admitted++
  }

  /** It runs, or has ended. */
  leave({ hasSlot, host }: Pick<Attempt, 'hasSlot' | 'host'>): void {
    this.#all--
    if (hasSlot) this.#admitted--
    if (host === undefined) return
    const left = this.count(host) - 1
    if (left > 0) this.#byHost.set(host, left)
    else this.#byHost.delete(host)
  }
}
