/**
 * A `PeerStorage` that lives as long as its object: for pools that shall remember nothing, for tests, and for a page
 * whose browser gives it no IndexedDB. It has no cap of its own: the tables bound the text.
 */
import { maxQuarantined, type PeerStorage, StorageError } from './values/ports.ts'

class MemoryStorage implements PeerStorage {
  readonly name = 'memory'
  /** As they came: a text joined of them at each save would be a copy of what mostly is the same as before. */
  #parts: readonly string[] | undefined
  #quarantined: string[] = []
  #count = 0
  #open = false

  constructor(text: string | undefined) {
    this.#parts = text === undefined ? undefined : [text]
  }

  /** The texts that could not be read, the oldest first. */
  get quarantined(): readonly string[] {
    return this.#quarantined
  }

  async open(signal: AbortSignal): Promise<void> {
    this.#refuseAborted(signal)
    this.#open = true
  }

  async load(signal: AbortSignal): Promise<string | undefined> {
    this.#refuseAborted(signal)
    this.#refuseClosed()
    return this.#parts?.join('')
  }

  async save(lines: Iterable<string>, signal?: AbortSignal): Promise<void> {
    this.#refuseClosed()
    try {
      const parts = [...lines]
      signal?.throwIfAborted()
      this.#parts = parts
    } catch (error) {
      throw new StorageError('unavailable', `cannot save to ${this.name}: the text could not be made in time`, error)
    }
  }

  async quarantine(signal?: AbortSignal): Promise<string> {
    this.#refuseAborted(signal)
    this.#refuseClosed()
    if (this.#parts === undefined) throw new StorageError('unavailable', `${this.name} holds no text to quarantine`)
    this.#quarantined = [...this.#quarantined, this.#parts.join('')].slice(-maxQuarantined)
    this.#parts = undefined
    this.#count += 1
    return `${this.name}.broken-${this.#count}`
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #refuseAborted(signal?: AbortSignal): void {
    if (signal?.aborted === true) throw new StorageError('unavailable', `${this.name} was given up before it answered`, signal.reason)
  }

  #refuseClosed(): void {
    if (!this.#open) throw new StorageError('unavailable', `${this.name} is not open`)
  }
}

/** A storage in memory, empty or holding `text`. `quarantined`: the texts that could not be read, the oldest first. */
export function memoryStorage(text?: string): PeerStorage & { readonly quarantined: readonly string[] } {
  return new MemoryStorage(text)
}
