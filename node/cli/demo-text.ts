/**
 * The text that the demo's visitors write together, as the relay has it: pages that are not connected with each other get it here, and it
 * stays while no page is open. The provider is that of examples/shared-text, which guards it against hostile peers. Used by
 * demo-node-peer.ts.
 */
import * as Y from 'yjs'
import { nodePool } from '../../examples/shared-text/provider/node-pool.ts'
import { PoolProvider } from '../../examples/shared-text/provider/pool-provider.ts'
import { headerOf, startsWith } from '../../examples/shared-text/provider/room.ts'
import type { NodePeer, PeerId } from '../index.ts'

/** The same in web/demo/shared-text.ts. */
export const textRoom = 'demo'
/** What visitors write in a demo. */
export const maxTextBytes = 256 * 1_024

const header = headerOf(textRoom)

/** Is a message one of the shared text's, and none for people? */
export function isAboutText(message: Uint8Array): boolean {
  return startsWith(message, header)
}

export class NodeText {
  readonly #doc = new Y.Doc()
  #heard: (peerId: PeerId, message: Uint8Array) => void = () => undefined

  /** Follows the pool until `close`. To be called once. */
  open(pool: NodePeer['pool']): void {
    const bytes = nodePool(pool, (heard) => {
      this.#heard = heard
    })
    const { awareness } = new PoolProvider(textRoom, this.#doc, bytes, { maxDocumentBytes: maxTextBytes })
    // It is nobody who writes.
    awareness.setLocalState(null)
  }

  receive(peerId: PeerId, message: Uint8Array): void {
    this.#heard(peerId, message)
  }

  /** Idempotent. */
  close(): void {
    this.#doc.destroy()
  }

  get text(): string {
    return this.#doc.getText('text').toString()
  }
}
