/** The other tabs of this site that have the same document open. */

export class Tabs {
  readonly #channel: BroadcastChannel | undefined
  readonly #over = new AbortController()
  #isSpeaker: boolean

  /** `alone`: there are none, and none is looked for. */
  constructor(name: string, { alone, heard }: { readonly alone: boolean; readonly heard: (bytes: Uint8Array) => void }) {
    const locks = alone ? undefined : globalThis.navigator?.locks
    this.#isSpeaker = locks === undefined
    if (alone) return
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = ({ data }) => {
      if (data instanceof Uint8Array) heard(data)
    }
    const { signal } = this.#over
    const hold = (): Promise<void> => {
      this.#isSpeaker = true
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    locks?.request(name, { signal }, hold).catch(() => {
      // The tab was closed before it was its turn; or the browser allows no locks, and then each tab speaks.
      this.#isSpeaker = !signal.aborted
    })
  }

  /**
   * Of the tabs with this document one answers peers and passes on what they say: all of them are one peer. Without Web Locks each
   * does, which only costs more.
   */
  get isSpeaker(): boolean {
    return this.#isSpeaker
  }

  send(bytes: Uint8Array): void {
    this.#channel?.postMessage(bytes)
  }

  close(): void {
    this.#over.abort()
    this.#channel?.close()
  }
}
