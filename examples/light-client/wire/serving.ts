/** What an honest peer says from its headers: its status, and the answer to a request. Pure. The rules are in `wire/message.ts`. */

import type { HeaderTree } from '../chain/header-tree.ts'
import type { GetHeadersMessage, HeadersMessage, StatusMessage } from './message.ts'

export function statusOf({ head }: HeaderTree): StatusMessage {
  return { kind: 'status', height: head.header.height, head: head.hash, totalWork: head.totalWork }
}

/** Empty if nothing in the locator is on our best chain: then the asker is on another chain, or we forgot that far back. */
export function answerTo(tree: HeaderTree, { id, max, locator }: GetHeadersMessage): HeadersMessage {
  const common = locator.find((hash) => tree.isBest(hash))
  const entry = common === undefined ? undefined : tree.get(common)
  return { kind: 'headers', id, headers: entry === undefined ? [] : tree.after(entry, max) }
}
