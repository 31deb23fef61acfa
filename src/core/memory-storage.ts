/**
 * A `PeerStorage` that lives as long as its object: for pools that shall remember nothing, for tests, and for a page
 * whose browser gives it no IndexedDB. It has no cap of its own: `tables/persist.ts` bounds the text.
 */
import { type PeerStorage, StorageError } from './values/ports.ts'

/** As many broken texts are kept as by the storages of `node` and `web`. */
const maxAside = 3

class MemoryStorage implements PeerStorage {
  readonly name = 'memory'
  /** As they came: a text joined of them at each save would be a copy of what mostly is the same as before. */
  #parts: readonly string[] | undefined
  #aside: string[] = []
  #asides = 0
  #open = false

  constructor(text: string | undefined) {
    this.#parts = text === undefined ? undefined : [text]
  }

  /** The texts that were set aside, the oldest first. */
  get aside(): readonly string[] {
    return this.#aside
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

  async save(parts: Iterable<string>): Promise<void> {
    this.#refuseClosed()
    try {
      this.#parts = [...parts]
    } catch (error) {
      throw new StorageError('unavailable', `cannot save to ${this.name}: the text could not be made`, error)
    }
  }

  async setAside(): Promise<string> {
    this.#refuseClosed()
    if (this.#parts === undefined) throw new StorageError('unavailable', `${this.name} holds no text to set aside`)
    this.#aside = [...this.#aside, this.#parts.join('')].slice(-maxAside)
    this.#parts = undefined
    this.#asides += 1
    return `${this.name}.broken-${this.#asides}`
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #refuseAborted(signal: AbortSignal): void {
    if (signal.aborted) throw new StorageError('unavailable', `${this.name} was given up before it answered`, signal.reason)
  }

  #refuseClosed(): void {
    if (!this.#open) throw new StorageError('unavailable', `${this.name} is not open`)
  }
}

/** A storage in memory, empty or holding `text`. Contract, section 2: `config.storage`. */
export function memoryStorage(text?: string): PeerStorage & { readonly aside: readonly string[] } {
  return new MemoryStorage(text)
}
