/** Applies what others send to a document, and keeps its size bounded. */
import * as Y from 'yjs'

/** Changes that wait for an earlier one. An honest peer sends that one soon. */
const maxPendingBytes = 262_144

/**
 * Throws if the update is broken. To be called before `apply`: Yjs reserves memory for as many changes as the bytes promise, and takes the
 * first half of a broken update.
 */
export function checkUpdate(update: Uint8Array): void {
  Y.decodeUpdate(update)
}

export class GuardedDocument {
  readonly #doc: Y.Doc
  readonly #maxBytes: number
  /** The size when it was last measured, and that with all that came since: at least the true one. */
  #measured = 0
  #bytes = 0

  constructor(doc: Y.Doc, maxBytes: number) {
    this.#doc = doc
    this.#maxBytes = maxBytes
    this.#measure()
  }

  /** `too-large`: not taken, since the document would be. `gap`: something before it is missing. `update` was checked. */
  apply(update: Uint8Array, origin: unknown): 'taken' | 'too-large' | 'gap' {
    if (!this.#hasRoomFor(update.byteLength)) return 'too-large'
    this.#bytes += update.byteLength
    try {
      Y.applyUpdate(this.#doc, update, origin)
    } catch (error) {
      // The bytes are good, so a listener of the document threw.
      console.error('a listener of the shared document failed', error)
    }
    const { store } = this.#doc
    if (store.pendingStructs === null && store.pendingDs === null) return 'taken'
    const pending = (store.pendingStructs?.update.byteLength ?? 0) + (store.pendingDs?.byteLength ?? 0)
    if (pending > maxPendingBytes) store.pendingStructs = store.pendingDs = null
    return 'gap'
  }

  #hasRoomFor(bytes: number): boolean {
    // To measure costs time in proportion to the document: not before it may have grown by an eighth.
    if (this.#bytes + bytes > this.#maxBytes && this.#bytes - this.#measured > this.#maxBytes / 8) this.#measure()
    return this.#bytes + bytes <= this.#maxBytes
  }

  #measure(): void {
    this.#measured = this.#bytes = Y.encodeStateAsUpdate(this.#doc).byteLength
  }
}
