/**
 * Judges the answer to a request, header by header, while the tree takes the good ones in. Called by `sync-client.ts`; knows
 * neither peers nor time-outs. An honest peer may be slow, behind, or on a branch that we do not follow; none of these is a lie.
 */
import type { Hash, Header } from '../chain/header.ts'
import type { Entry, HeaderTree, Reorganisation } from '../chain/header-tree.ts'
import type { StatusMessage } from '../wire/message.ts'
import type { Lie, LieKind } from './lie.ts'

/** What was asked of a peer, and when. */
export interface Request {
  readonly id: number
  /** Monotonic, ms. */
  readonly sentAt: number
  readonly max: number
  readonly locator: readonly Hash[]
  /** `tree.order` then: whatever came in later is news that another peer may have brought. */
  readonly orderThen: number
}

export interface Judgement {
  /** Headers that the tree did not have. */
  readonly taken: readonly Entry[]
  /** The last header that was found right. */
  readonly last: Hash | undefined
  readonly reorganisations: readonly Reorganisation[]
  readonly lie: Lie | undefined
  /** No lie, but of no use to us: one sentence. */
  readonly useless: string | undefined
}

export interface Answer {
  readonly request: Request
  /** The latest status of the peer when the answer came. */
  readonly claim: StatusMessage
  readonly headers: readonly Header[]
  /** Seconds since 1970. */
  readonly nowS: number
}

export function judgeAnswer(tree: HeaderTree, { request, claim, headers, nowS }: Answer): Judgement {
  const reorganisations: Reorganisation[] = []
  const taken: Entry[] = []
  let last: Hash | undefined
  let newest = 0
  const judged = (lie?: Lie, useless?: string): Judgement => ({ taken, last, reorganisations, lie, useless })
  const lies = (kind: LieKind, detail: string): Judgement => judged({ kind, detail })

  if (headers.length > request.max) return lies('too-many', `${headers.length} headers came, ${request.max} were asked for`)
  for (const header of headers) {
    if (last === undefined && !request.locator.includes(header.previous)) {
      return lies('link', `the first header, ${header.height}, follows ${short(header.previous)}, which was not in the request`)
    }
    if (last !== undefined && header.previous !== last) {
      return lies('link', `header ${header.height} follows ${short(header.previous)}, the one before it is ${short(last)}`)
    }
    const ahead = header.time - nowS
    if (ahead > tree.rules.maxAheadS) return judged(undefined, `header ${header.height} is ${ahead} s ahead of our clock`)
    const added = tree.add(header)
    switch (added.kind) {
      case 'refused':
        return lies(added.broken.fault, added.broken.detail)
      case 'orphan':
      case 'too-deep':
        return judged(undefined, `its chain leaves ours at height ${header.height - 1}, too far below the head to be followed`)
      case 'added':
        taken.push(added.entry)
        if (added.reorganised !== undefined) reorganisations.push(added.reorganised)
    }
    last = added.entry.hash
    newest = added.entry.order
  }
  if (headers.length < request.max) {
    const shown = last ?? (tree.get(claim.head) === undefined ? undefined : claim.head)
    if (shown !== claim.head) return lies('withheld', withheld(claim, headers))
  } else if (newest <= request.orderThen) {
    return judged(undefined, 'a full answer held nothing that we did not have when we asked')
  }
  return judged()
}

function withheld({ height, head }: StatusMessage, headers: readonly Header[]): string {
  const shown = headers.at(-1)
  const instead = shown === undefined ? 'asked for what leads there it showed nothing' : `what it showed ends at height ${shown.height}`
  return `it claims height ${height}, ${short(head)}; ${instead}`
}

function short(hash: Hash): string {
  return `${hash.slice(0, 12)}…`
}
