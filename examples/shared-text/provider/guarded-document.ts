/** Applies what others send to a document, and bounds its size and its shape. */
import * as Y from 'yjs'

/** One kind of what a document may hold: a class such as `Y.ContentString`. */
export type ContentKind = abstract new (...args: never[]) => Y.Item['content']

/** All that a plain text holds. */
export const plainText: readonly ContentKind[] = [Y.ContentString, Y.ContentDeleted]

/** `JSON.stringify`, by which Yjs writes values, overflows the stack on deep ones. */
const maxDepth = 32
/** As many changes by one client. Numbers that no decoder reads would put the blame on those who pass them on. */
const maxClock = 2 ** 32
/** Changes that wait for an earlier one. An honest peer sends that one soon. */
const maxPendingBytes = 262_144
const maxPendingMs = 60_000

/**
 * Throws if the update is broken, or holds something that no document of these kinds does. To be called before `apply`: Yjs reserves memory
 * for as many changes as the bytes promise, and takes the first half of a broken update.
 */
export function checkUpdate(update: Uint8Array, kinds: readonly ContentKind[] = plainText): void {
  const { structs, ds } = Y.decodeUpdate(update)
  for (const deleted of [...ds.clients.values()].flat()) checkRange(deleted.clock, deleted.len)
  for (const struct of structs) {
    checkRange(struct.id.clock, struct.length)
    if (!(struct instanceof Y.Item)) continue
    const { content } = struct
    if (!kinds.some((kind) => content instanceof kind)) throw new Error(`a change that holds ${content.constructor.name}`)
    if (!isShallow(content, maxDepth)) throw new Error(`a value of more than ${maxDepth} levels`)
  }
}

function checkRange(clock: number, length: number): void {
  if (length < 1 || clock + length > maxClock) throw new Error(`${length} changes from clock ${clock}`)
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1))
}

/** What a document of the state `asked` has not, without the changes that still wait: nobody else has a use for those. */
export function updateFor(doc: Y.Doc, asked: Uint8Array): Uint8Array {
  const { store } = doc
  const { pendingStructs, pendingDs } = store
  store.pendingStructs = store.pendingDs = null
  try {
    return Y.encodeStateAsUpdate(doc, asked)
  } finally {
    Object.assign(store, { pendingStructs, pendingDs })
  }
}

export class GuardedDocument {
  readonly #doc: Y.Doc
  readonly #maxBytes: number
  /** The size when it was last measured, and that with all that came since: at least the true one. */
  #measured = 0
  #bytes = 0
  #pendingSince = 0

  constructor(doc: Y.Doc, maxBytes: number) {
    this.#doc = doc
    this.#maxBytes = maxBytes
    this.#measure()
  }

  /**
   * `too-large`: not taken, since the document would be. `gap`: the update waits for a change before it that is missing. `update` was
   * checked.
   */
  apply(update: Uint8Array, origin: unknown): 'taken' | 'too-large' | 'gap' {
    if (!this.#hasRoomFor(update.byteLength)) return 'too-large'
    this.#bytes += update.byteLength
    this.#dropOldPending()
    const before = this.#pendingBytes
    try {
      Y.applyUpdate(this.#doc, update, origin)
    } catch (error) {
      // The bytes are good, so a listener of the document threw.
      console.error('a listener of the shared document failed', error)
    }
    const after = this.#pendingBytes
    if (after > maxPendingBytes) this.#dropPending()
    return after > before ? 'gap' : 'taken'
  }

  get #pendingBytes(): number {
    const { pendingStructs, pendingDs } = this.#doc.store
    return (pendingStructs?.update.byteLength ?? 0) + (pendingDs?.byteLength ?? 0)
  }

  #dropOldPending(): void {
    const now = performance.now()
    if (this.#pendingBytes === 0) this.#pendingSince = now
    else if (now - this.#pendingSince > maxPendingMs) this.#dropPending()
  }

  #dropPending(): void {
    const { store } = this.#doc
    store.pendingStructs = store.pendingDs = null
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
