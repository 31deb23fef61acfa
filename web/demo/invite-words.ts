/** Texts and links of invitations: what a link holds, what a person may paste, and what the card says. Pure. */
import { PoolError } from '../../src/core/index.ts'
import { messageOf } from '../../src/core/values/reason.ts'
import { formatCount, formatWait, shortenIds } from './format.ts'

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
  return `Valid for ${formatWait(Math.max(0, msLeft))}, for ${formatCount(usesLeft, 'more page')}.`
}

/** What became of an invitation that is over. */
export function endedWords({ used, isExpired }: { readonly used: number; readonly isExpired: boolean }): string {
  if (used > 0) return `${formatCount(used, 'page')} joined by the last invitation. It is used up.`
  return isExpired ? 'The last invitation has expired.' : 'The last invitation has ended.'
}

/** A sentence for the person, and what to do instead. */
export function joinFailure(error: unknown): { readonly problem: string; readonly advice: string } {
  return { problem: failureWords('Not joined', error), advice: adviceFor(error, messageOf(error)) }
}

/** "Not joined: the invitation is damaged." */
export function failureWords(what: string, error: unknown): string {
  const message = shortenIds(messageOf(error)).replace(/^(invite|join|accept): /, '')
  return `${what}: ${message}${/[.!?]$/.test(message) ? '' : '.'}`
}

function adviceFor(error: unknown, message: string): string {
  if (!(error instanceof PoolError)) return ''
  if (message.includes('our own')) return 'Open the link in another browser, or in a private window.'
  if (error.code === 'invalid-invitation') return 'An invitation begins with p2p-pool:1:. Ask for a new one, and copy all of it.'
  return error.code === 'rejected' ? 'Ask for a new invitation, and keep both pages open.' : ''
}
