/**
 * The ways in which a peer of the demo lies to light clients. Pure: from the true headers to what is said instead. `liar-peer.ts`
 * uses them over real connections, the tests also without. Each says what it is proven wrong by.
 */
import { type Hash, type Header, hashOf, hasWork, searchWork } from '../chain/header.ts'
import type { Entry, HeaderTree } from '../chain/header-tree.ts'
import type { LieKind } from '../sync/lie.ts'
import type { GetHeadersMessage, HeadersMessage, StatusMessage } from '../wire/message.ts'
import { answerTo, statusOf } from '../wire/serving.ts'

export interface Deceit {
  /** For people. */
  readonly name: string
  readonly provenBy: LieKind
  status(tree: HeaderTree): StatusMessage
  answer(tree: HeaderTree, request: GetHeadersMessage): HeadersMessage
}

/** Claims `ahead` headers more than there are and hands over headers that nobody worked for. */
export function forgedHead(ahead = 3): Deceit {
  const forged = (tree: HeaderTree): Header[] => {
    const headers: Header[] = []
    for (let parent = tree.head.header; headers.length < ahead; parent = headers.at(-1) ?? parent) {
      headers.push(unworked(next(parent, tree.difficultyAfter(tree.head))))
    }
    return headers
  }
  return {
    name: 'hands over headers that nobody worked for',
    provenBy: 'work',
    status: (tree) => claim(tree, forged(tree)),
    answer(tree, request) {
      const { id, headers } = answerTo(tree, request)
      return { kind: 'headers', id, headers: [...headers, ...forged(tree)].slice(0, request.max) }
    }
  }
}

/** Claims a head far above, and shows nothing but the true headers. */
export function boast(ahead = 40): Deceit {
  return {
    name: 'claims headers that it cannot show',
    provenBy: 'withheld',
    status(tree) {
      const { height, head, totalWork } = statusOf(tree)
      return {
        kind: 'status',
        height: height + ahead,
        head: turned(head),
        totalWork: totalWork + BigInt(ahead * tree.head.header.difficulty)
      }
    },
    answer: answerTo
  }
}

/** Leaves one header out of each answer. */
export const brokenLink: Deceit = {
  name: 'leaves headers out',
  provenBy: 'link',
  status: (tree) => claim(tree, [next(tree.head.header, tree.head.header.difficulty)]),
  answer(tree, request) {
    const { id, headers } = answerTo(tree, request)
    const more = next(next(tree.head.header, 1), tree.head.header.difficulty)
    return { kind: 'headers', id, headers: [...headers, more].toSpliced(Math.floor(headers.length / 2), headers.length > 0 ? 1 : 0) }
  }
}

/** Tells the true head with ten times its work. */
export const falseClaim: Deceit = {
  name: 'claims more work than there is',
  provenBy: 'claim',
  status: (tree) => ({ ...statusOf(tree), totalWork: statusOf(tree).totalWork * 10n }),
  answer: answerTo
}

/** Works, but less than the rules ask for, and claims it all the same. */
export const cheapWork: Deceit = {
  name: 'makes headers that are too easy',
  provenBy: 'difficulty',
  status: (tree) => claim(tree, [cheap(tree.head)]),
  answer(tree, request) {
    const { id, headers } = answerTo(tree, request)
    return { kind: 'headers', id, headers: [...headers, cheap(tree.head)].slice(0, request.max) }
  }
}

export const deceits: readonly Deceit[] = [forgedHead(), boast(), brokenLink, falseClaim, cheapWork]

/** With a nonce that does not do, not even by chance. */
function unworked(header: Header): Header {
  return hasWork(hashOf(header), header.difficulty) ? unworked({ ...header, nonce: header.nonce + 1 }) : header
}

/** The same header each time it is asked for, so that claim and answer fit. */
function cheap({ header }: Entry): Header {
  const wanted = next(header, 1)
  return searchWork(wanted, 1_000) ?? wanted
}

function claim(tree: HeaderTree, more: readonly Header[]): StatusMessage {
  const { height, head, totalWork } = statusOf(tree)
  const last = more.at(-1)
  const work = more.reduce((sum, { difficulty }) => sum + BigInt(difficulty), totalWork)
  return { kind: 'status', height: height + more.length, head: last === undefined ? head : hashOf(last), totalWork: work + BigInt(2 ** 20) }
}

function next(parent: Header, difficulty: number): Header {
  const previous = hashOf(parent)
  return { height: parent.height + 1, previous, time: parent.time + 1, payloadRoot: turned(previous), difficulty, nonce: 0 }
}

/** Some other hash, the same for the same one. */
function turned(hash: Hash): Hash {
  return [...hash].reverse().join('') as Hash
}
