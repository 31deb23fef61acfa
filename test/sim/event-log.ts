/**
 * What happened in a simulation, as one number: two runs are the same run when their numbers are the same. Keeps the last
 * lines for whoever has to find out what went wrong, and counts by name.
 */
import type { PoolEvent, PoolEventName } from '../../src/core/values/events.ts'

/** Events that are written down: all that tells of attempts, connections, exchange, swaps, bans and maintenance. */
export const loggedEvents = [
  'dial-started',
  'handshake-started',
  'handshake-accepted',
  'handshake-refused',
  'connection-failed',
  'authentication-failed',
  'connection-opened',
  'connection-closed',
  'connection-lost',
  'bootstrap-sent',
  'advertise-received',
  'swap-request-sent',
  'swap-request-ignored',
  'swap-ack-sent',
  'swap-success',
  'swap-failure',
  'maintenance-started',
  'maintenance-ended',
  'too-many-connections',
  'too-few-connections',
  'points-collected',
  'peers-collected',
  'greylisted',
  'peer-banned',
  'peer-unbanned',
  'host-banned',
  'host-unbanned',
  'range-banned',
  'range-unbanned',
  'trust-changed',
  'storage-loaded',
  'storage-failed'
] as const satisfies readonly PoolEventName[]

export type LoggedEventName = (typeof loggedEvents)[number]

/** Lines kept for a report. */
const maxLines = 60

export class EventLog {
  /** Two halves of the number, as cyrb53 mixes them. */
  #high = 0xdeadbeef
  #low = 0x41c6ce57
  readonly #counts = new Map<string, number>()
  readonly #lines: (() => string)[] = []
  #next = 0

  /** A timer of the world fired. */
  step(timer: number): void {
    this.#mix(timer)
  }

  event(now: number, machine: number, event: PoolEvent): void {
    const { type, detail } = event
    this.#mix(now * 1_000)
    this.#mix(machine)
    this.#mixText(type)
    if ('peerId' in detail && typeof detail.peerId === 'string') this.#mixText(detail.peerId)
    if ('point' in detail && typeof detail.point === 'string') this.#mixText(detail.point)
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1)
    this.#keep(() => `${now.toFixed(1)} ms, machine ${machine}: ${type} ${JSON.stringify(detail)}`)
  }

  /** Something that the simulation itself did. */
  note(now: number, text: string): void {
    this.#mixText(text)
    this.#keep(() => `${now.toFixed(1)} ms: ${text}`)
  }

  /** How often an event was told. */
  count(name: LoggedEventName): number {
    return this.#counts.get(name) ?? 0
  }

  /** The last lines, the oldest first. */
  get lines(): string[] {
    return Array.from({ length: this.#lines.length }, (_, i) => this.#lines[(this.#next + i) % this.#lines.length]?.() ?? '')
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    let high = Math.imul(this.#high ^ (this.#high >>> 16), 2_246_822_507) ^ Math.imul(this.#low ^ (this.#low >>> 13), 3_266_489_909)
    const low = Math.imul(this.#low ^ (this.#low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
    high >>>= 0
    return [high, low >>> 0].map((half) => half.toString(16).padStart(8, '0')).join('')
  }

  #keep(line: () => string): void {
    if (this.#lines.length < maxLines) {
      this.#lines.push(line)
      return
    }
    this.#lines[this.#next] = line
    this.#next = (this.#next + 1) % maxLines
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 2_654_435_761)
    this.#low = Math.imul(this.#low ^ value, 1_597_334_677)
  }
}
