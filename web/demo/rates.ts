/**
 * How many bytes a second each connection carries, and all together: what the small charts draw. One sample a second while the page is seen,
 * for a minute. A sample after a pause is the average of that pause.
 */
import type { ConnectionSnapshot, PoolSnapshot } from '../../src/core/index.ts'

/** Bytes a second. */
export interface Rate {
  readonly received: number
  readonly sent: number
}

/** A minute. */
export const maxSamples = 60
/** Redraws in between are no sample. */
const sampleMs = 900

interface Series {
  bytes: Rate
  rates: Rate[]
}

export class TrafficRates {
  #series = new Map<string, Series>()
  #all: Rate[] = []
  #at: number | undefined

  /** `now`: wall clock, ms. */
  add({ connections }: Pick<PoolSnapshot, 'connections'>, now: number): void {
    const sinceMs = this.#at === undefined ? 0 : now - this.#at
    // A clock that was set back begins anew.
    if (sinceMs >= 0 && sinceMs < sampleMs && this.#at !== undefined) return
    this.#at = now
    const next = new Map<string, Series>()
    let received = 0
    let sent = 0
    for (const connection of connections) {
      const key = keyOf(connection)
      const series = this.#series.get(key) ?? { bytes: none, rates: [] }
      const bytes = { received: connection.bytesReceived, sent: connection.bytesSent }
      const rate = rateOf(series.bytes, bytes, sinceMs)
      received += rate.received
      sent += rate.sent
      // A connection that carries nothing keeps its row of noughts as it is.
      next.set(key, { bytes, rates: isStill(series.rates, rate) ? series.rates : withSample(series.rates, rate) })
    }
    this.#series = next
    const all = { received, sent }
    this.#all = isStill(this.#all, all) ? this.#all : withSample(this.#all, all)
  }

  /** The oldest first. */
  of(connection: Pick<ConnectionSnapshot, 'peerId' | 'establishedAt'>): readonly Rate[] {
    return this.#series.get(keyOf(connection))?.rates ?? []
  }

  /** The oldest first. */
  get all(): readonly Rate[] {
    return this.#all
  }
}

const none: Rate = { received: 0, sent: 0 }

function keyOf({ peerId, establishedAt }: Pick<ConnectionSnapshot, 'peerId' | 'establishedAt'>): string {
  return `${peerId} ${establishedAt}`
}

function rateOf(before: Rate, now: Rate, sinceMs: number): Rate {
  if (sinceMs <= 0) return none
  const perSecond = (bytes: number) => Math.max(0, (bytes * 1_000) / sinceMs)
  return { received: perSecond(now.received - before.received), sent: perSecond(now.sent - before.sent) }
}

/** Nothing in the whole minute: the chart of it stays what it is. */
function isStill(rates: readonly Rate[], rate: Rate): boolean {
  return rates.length >= maxSamples && [...rates, rate].every(({ received, sent }) => received === 0 && sent === 0)
}

function withSample(rates: readonly Rate[], rate: Rate): Rate[] {
  return [...rates.slice(rates.length >= maxSamples ? 1 : 0), rate]
}
