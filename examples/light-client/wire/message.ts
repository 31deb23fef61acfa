/**
 * What peers of the chain say to each other. Three messages are enough: where I am, show me headers, here they are.
 *
 * The rules between two peers, which show whether a wrong answer is a lie:
 *  1. Who has headers to show says so with a `status`, and again whenever its best chain grows; who never does is not asked.
 *  2. The work of a peer's own head never shrinks.
 *  3. A `get-headers` is answered with the headers that follow the first hash of its locator that is on the answerer's best
 *     chain, at most `max`. Fewer than `max` means that there are no more: the last one is the head of the latest `status`.
 *  4. At most one request is on its way in each direction.
 */
import type { Hash, Header } from '../chain/header.ts'

/** "This is the head of my best chain." */
export interface StatusMessage {
  readonly kind: 'status'
  readonly height: number
  readonly head: Hash
  /** Of the whole chain up to it: what decides which chain is the best. */
  readonly totalWork: bigint
}

/** "Which headers follow the first of these that you have?" */
export interface GetHeadersMessage {
  readonly kind: 'get-headers'
  /** Chosen by the asker, not used before on this connection. */
  readonly id: number
  /** 1 to `maxHeaders`. */
  readonly max: number
  /** At least one, at most `maxLocator`; the newest first. */
  readonly locator: readonly Hash[]
}

export interface HeadersMessage {
  readonly kind: 'headers'
  /** Of the request. */
  readonly id: number
  readonly headers: readonly Header[]
}

export type ChainMessage = StatusMessage | GetHeadersMessage | HeadersMessage

export const maxHeaders = 200
/** Enough for 10 neighbours and steps that double, up to 2^32 headers. */
export const maxLocator = 48
