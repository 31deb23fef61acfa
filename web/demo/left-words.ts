/** Why a connection ended, in one plain sentence. What the other side wrote as its reason is the text of another program: cut, and in quotes. Pure. */
import type { DisconnectReason, Ending } from '../../src/core/index.ts'
import { cutText } from './format.ts'

type Kind = DisconnectReason['kind']
type Words = { readonly [K in Kind]: (reason: Extract<DisconnectReason, { kind: K }>) => string }

/** Characters of a text that came with it. */
const maxText = 100

/** It ended the connection. */
const theirs: Words = {
  explicit: ({ text }) => `It closed the connection${said(text)}.`,
  lost: () => 'The connection broke: its network failed, or its program ended without a goodbye.',
  'closed-by-peer': () => 'It closed the connection and did not say why.',
  fault: () => 'It says that this page broke the rules of the protocol.',
  'peer-banned': () => 'It has banned this page.',
  'point-banned': () => 'It has banned the address of this page.',
  'unexpected-peer-id': () => 'It expected another peer at this address.',
  'too-many-connections': () => 'It had more connections than it wants, and chose to close this one.',
  swapped: () => 'It swapped this connection for one with another peer.',
  replaced: () => 'It made a newer connection to this page instead.',
  'going-away': () => 'Its page was closed, or its program was stopped.',
  'pool-destroyed': () => 'Its pool was shut down.',
  'not-reading': () => 'It gave up: this page read nothing for half a minute.',
  unknown: ({ text }) => `It left for a reason that this version does not know${said(text)}.`
}

/** We ended it. */
const ours: Words = {
  explicit: ({ text }) => `This page closed the connection${said(text)}.`,
  lost: () => 'The connection broke.',
  'closed-by-peer': () => 'The connection was closed.',
  fault: ({ detail }) => `It broke the rules of the protocol${said(detail)}.`,
  'peer-banned': () => 'You banned it, or it broke the rules and is kept out for a while.',
  'point-banned': () => 'Its address is banned.',
  'unexpected-peer-id': () => 'Another peer than expected answered at its address.',
  'too-many-connections': () => 'There were more connections than the band wants; this one was the least needed.',
  swapped: () => 'It was swapped for another peer, so that the network mixes.',
  replaced: () => 'A newer connection to the same peer took its place.',
  'going-away': () => 'This page went away.',
  'pool-destroyed': () => 'The pool of this page was shut down.',
  'not-reading': () => 'It read nothing for half a minute while messages waited for it.',
  unknown: ({ text }) => `It ended for a reason that this version does not know${said(text)}.`
}

export function leftWords({ by, reason }: Ending): string {
  if (by === 'network') return theirs.lost({ kind: 'lost' })
  const words = (by === 'us' ? ours : theirs)[reason.kind] as (reason: DisconnectReason) => string
  return words(reason)
}

function said(text: string): string {
  const line = cutText(text.replaceAll(/[\p{C}\s]+/gu, ' ').trim(), maxText)
  return line === '' ? '' : `: “${line}”`
}
