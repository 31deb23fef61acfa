/** Sends the document to peers: changes to all, and what is missing to one that asks. Bounded, and nothing here rejects. */
import * as encoding from 'lib0/encoding'
import type { PeerId } from 'p2p-pool'
import { messageYjsSyncStep2, writeSyncStep1, writeUpdate } from 'y-protocols/sync'
import * as Y from 'yjs'
import type { DocumentPool } from './document-pool.ts'
import { updateFor } from './guarded-document.ts'
import type { Messages } from './messages.ts'

/** Peers that are sent the document at the same time. The others ask again. */
const maxAnswers = 8
const answerWithinMs = 60_000

interface Parts {
  readonly doc: Y.Doc
  readonly pool: DocumentPool
  readonly messages: Messages
  readonly maxDocumentBytes: number
  /** A message was not sent, since it has so many bytes. */
  readonly tooLarge: (bytes: number) => void
  readonly notConnected: (peerId: PeerId) => void
}

export class Sender {
  readonly #parts: Parts
  /** Peers that are being sent the document, and the state that they asked with meanwhile. */
  readonly #answers = new Map<PeerId, Uint8Array | undefined>()
  readonly #updates: { readonly update: Uint8Array; readonly from: PeerId | undefined }[] = []
  #isSending = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The sync message "what have you that I have not?". */
  step1(): Uint8Array {
    return encoding.encode((encoder) => writeSyncStep1(encoder, this.#parts.doc))
  }

  /** The sync message with all that a document of the state `asked` has not. */
  step2(asked: Uint8Array): Uint8Array {
    return encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, messageYjsSyncStep2)
      encoding.writeVarUint8Array(encoder, updateFor(this.#parts.doc, asked))
    })
  }

  /** A change goes to all peers but `from`. What comes while one is on its way goes together in the next message. */
  update(update: Uint8Array, from: PeerId | undefined): void {
    this.#updates.push({ update, from })
    if (!this.#isSending) void this.#sendUpdates()
  }

  async broadcast(message: Uint8Array, except: readonly PeerId[] = []): Promise<void> {
    const { pool, messages } = this.#parts
    if (!this.#fits(message)) return
    try {
      for (const bytes of messages.sync(message)) await pool.broadcast(bytes, { except })
    } catch {
      // No tab runs the pool now. The one that does next is greeted.
      return
    }
  }

  /** Resolves with whether it was sent. */
  async send(peerId: PeerId, message: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const { pool, messages, notConnected } = this.#parts
    if (!this.#fits(message)) return false
    try {
      for (const bytes of messages.sync(message)) await pool.send(peerId, bytes, { signal })
      return true
    } catch (error) {
      // Anything else is made good the next time that the peer asks.
      if (error instanceof Error && 'code' in error && error.code === 'not-connected') notConnected(peerId)
      return false
    }
  }

  /** One answer at a time: a peer that asks again meanwhile gets one more. */
  async answer(peerId: PeerId, asked: Uint8Array): Promise<void> {
    const isAnswering = this.#answers.has(peerId)
    if (!isAnswering && this.#answers.size >= maxAnswers) return
    this.#answers.set(peerId, asked)
    if (isAnswering) return
    const signal = AbortSignal.timeout(answerWithinMs)
    try {
      for (let next: Uint8Array | undefined = asked; next !== undefined; next = this.#answers.get(peerId)) {
        this.#answers.set(peerId, undefined)
        if (!(await this.send(peerId, this.step2(next), signal))) break
      }
    } catch (error) {
      console.error('the shared document could not be written for a peer', error)
    } finally {
      this.#answers.delete(peerId)
    }
  }

  async #sendUpdates(): Promise<void> {
    this.#isSending = true
    try {
      while (this.#updates.length > 0) {
        const updates = this.#updates.splice(0)
        const from = updates[0]?.from
        const except = from !== undefined && updates.every((one) => one.from === from) ? [from] : []
        await this.broadcast(updateMessage(Y.mergeUpdates(updates.map(({ update }) => update))), except)
      }
    } catch (error) {
      console.error('a change of the shared document could not be written', error)
    } finally {
      this.#isSending = false
    }
  }

  #fits({ byteLength }: Uint8Array): boolean {
    const fits = byteLength <= this.#parts.maxDocumentBytes
    if (!fits) this.#parts.tooLarge(byteLength)
    return fits
  }
}

export function updateMessage(update: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => writeUpdate(encoder, update))
}
