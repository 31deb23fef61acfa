/** What the client gets with each call, and what it asks to be done: the types between `sync-client.ts` and `follow-pool.ts`. */
import type { ChainMessage } from '../wire/message.ts'

export interface Moment {
  /** Monotonic, ms: for whatever is waited for. */
  readonly now: number
  /** Wall clock, ms since 1970: for the times of headers, and for people. */
  readonly date: number
}

/** What to do: carried out by the owner of the network. */
export type Action<Id extends string> =
  | { readonly kind: 'send'; readonly peerId: Id; readonly message: ChainMessage }
  /** In the words of `pool.peers.report`. */
  | { readonly kind: 'report'; readonly peerId: Id; readonly about: 'fault' | 'slow' | 'useless'; readonly reason: string }
  /** End the connection, without a grudge. */
  | { readonly kind: 'leave'; readonly peerId: Id; readonly reason: string }
