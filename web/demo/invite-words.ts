/** Texts and links of invitations: what a link holds, what a person may paste, and what the card says. Pure. */
import { type PeerId, PoolError } from '../../src/core/index.ts'
import { readAnswer, readInvitation } from '../../src/core/values/invitation-text.ts'
import { messageOf, type Rejection } from '../../src/core/values/reason.ts'
import { formatCount, formatDuration, shortenIds } from './format.ts'

/** Before the text of the invitation in the fragment of a link: browsers do not send it to the server. */
const mark = '#join='

/** The page's own address with the invitation in it; `base`: its URL, whatever its query and fragment. */
export function joinLink(text: string, base: string): string {
  const url = new URL(base)
  url.search = ''
  url.hash = ''
  return `${url.href}${mark}${encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%3B', ';').replaceAll('%2C', ',').replaceAll('%2F', '/')}`
}

/** The invitation in a fragment, or `undefined`. */
export function textInFragment(fragment: string): string | undefined {
  return fragment.startsWith(mark) ? decoded(fragment.slice(mark.length)) : undefined
}

/** What a person pasted: a text, or a link that holds one. The pool says what is wrong with it. */
export function readPasted(pasted: string): string {
  const at = pasted.indexOf(mark)
  return (at < 0 ? pasted : decoded(pasted.slice(at + mark.length))).trim()
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // The pool refuses it in words.
    return text
  }
}

/** "Valid for 14 min 3 s, for 1 more page." */
export function leftWords(usesLeft: number, msLeft: number): string {
  return `Valid for ${formatDuration(msLeft)}, for ${formatCount(usesLeft, 'more page')}.`
}

/** What became of an invitation that is over. The other page may still show an answer to it. */
export function endedWords({ used, isExpired }: { readonly used: number; readonly isExpired: boolean }): string {
  const ended =
    used > 0
      ? `${formatCount(used, 'page')} joined by the last invitation. It is used up.`
      : `The last invitation has ${isExpired ? 'expired' : 'ended'}.`
  return `${ended} An answer to it is of no use: invite again, and send the new text.`
}

/** Who made the invitation; `undefined`: the text is none. */
export function inviterOf(text: string): PeerId | undefined {
  return read(readInvitation, text)?.peerId
}

/** Whether a page may join by an invitation without an answer, and without a peer that both are connected with. */
export function leadsHere(text: string): boolean {
  return read(readInvitation, text)?.points.some((point) => !point.startsWith('/p2p/')) === true
}

/** For the person; `advice`: what to do instead, or empty. */
export interface Failure {
  readonly problem: string
  readonly advice: string
}

/** Why `text` did not bring us in. */
export function joinFailure(error: unknown, text: string): Failure {
  if (!(error instanceof PoolError)) return failure('Not joined', error)
  if (error.code === 'invalid-invitation') {
    if (read(readAnswer, text) !== undefined) return { problem: 'This is an answer. Paste it in the page that invited you.', advice: '' }
    if (error.message.includes('our own')) return failure('Not joined', error, 'Open the link in another browser, or in a private window.')
    if (read(readInvitation, text) === undefined)
      return failure('Not joined', error, 'An invitation begins with p2p-pool:1:i. Copy all of it.')
    return failure('Not joined', error, /expired|ended/.test(error.message) ? 'Ask for a new one.' : '')
  }
  if (isSilence(error.rejection))
    return {
      problem: 'The page that invited you did not respond. Is it still open?',
      advice: 'Keep both pages open, and ask for a new invitation.'
    }
  return failure('Not joined', error)
}

/** Why the answer `text` was not taken. `isSpent`: the invitation takes no other. */
export function answerFailure(error: unknown, text: string): Failure & { readonly isSpent: boolean } {
  const what = 'The answer was not taken'
  const isSpent = error instanceof PoolError && (error.code === 'rejected' || /answered already/.test(error.message))
  if (isSpent) {
    const { rejection } = error
    const advice =
      rejection === undefined || isSilence(rejection)
        ? 'If another page opened the same link later, only its answer could be used. Give each page an invitation of its own.'
        : failureWords('Why', error)
    return { problem: 'No connection to that page. This invitation cannot be answered again.', advice, isSpent }
  }
  if (!(error instanceof PoolError) || error.code !== 'invalid-invitation') return { ...failure(what, error), isSpent }
  if (read(readInvitation, text) !== undefined)
    return { problem: 'This is an invitation. Paste the answer that the other page shows.', advice: '', isSpent }
  const isWhole = read(readAnswer, text) !== undefined && !/damaged/.test(error.message)
  if (!isWhole) return { ...failure(what, error, 'Copy all of the answer that the other page shows.'), isSpent }
  return { ...failure(what, error, /another invitation/.test(error.message) ? 'Send this invitation to the other page.' : ''), isSpent }
}

/** "Not joined: the invitation is damaged." */
export function failureWords(what: string, error: unknown): string {
  const message = shortenIds(messageOf(error)).replace(/^(invite|join|accept): |^dial failed \([a-z-]+\): /, '')
  return `${what}: ${message}${/[.!?]$/.test(message) ? '' : '.'}`
}

function failure(what: string, error: unknown, advice = ''): Failure {
  return { problem: failureWords(what, error), advice }
}

/** Nothing was heard of the other side. */
function isSilence(rejection: Rejection | undefined): boolean {
  if (rejection?.kind === 'dial-failed') return rejection.failure !== 'no-transport'
  return rejection?.kind === 'timeout' || rejection?.kind === 'link-lost'
}

function read<T>(reader: (text: string) => T, text: string): T | undefined {
  try {
    return reader(text)
  } catch {
    // The pool says in words what is wrong with it.
    return undefined
  }
}
