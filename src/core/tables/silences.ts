/**
 * How many incoming handshakes of an address group failed within the last minute: groups that waste places make room first. Owned by
 * `pool-state.ts`, read by `admission.ts`. Memory only.
 */

/** An entry that gets no more is forgotten after this, ms. */
const rememberedMs = 60_000
/** Far more than there are places; the one that was noted first goes first. */
const maxGroups = 256

export class Silences {
  /** By group, the latest last. */
  readonly #groups = new Map<string, { count: number; at: number }>()

  note(group: string, now: number): void {
    const count = this.countOf(group, now) + 1
    this.#groups.delete(group)
    if (this.#groups.size >= maxGroups) for (const oldest of this.#groups.keys()) if (this.#groups.delete(oldest)) break
    this.#groups.set(group, { count, at: now })
  }

  countOf(group: string, now: number): number {
    const entry = this.#groups.get(group)
    return entry === undefined || now - entry.at > rememberedMs ? 0 : entry.count
  }
}
