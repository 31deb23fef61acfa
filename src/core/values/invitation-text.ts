/**
 * The texts of invitations and answers. Both are copied by people and come from anywhere: their length is checked before anything else, each
 * field has a strict form, and a text has one spelling. What the network needs for a connection is a field of its own, which the network checks.
 */
import type { PeerId } from './ids.ts'
import { PoolError } from './reason.ts'

/** A longer text is not read. */
const maxLength = 4_096
/** A text that is written is no longer, unless it holds no point. It fits a QR code that a phone reads. */
const wantedLength = 600
/** Points in one invitation. */
const maxPoints = 4
/** What the network may add. */
const maxSignalling = 1_500

/** Of a text that is no invitation, in an error: one that lost its front may begin with the password of its offer. */
const maxStart = 12
/** Of a name of a network, in an error. */
const maxQuoted = 40

const scheme = 'p2p-pool'
const version = '1'

/** What an invitation says. */
export interface InvitationContent {
  /** Names the invitation in the newcomer's Hello and in its answer. */
  readonly id: string
  /** Wall clock, ms; whole seconds. */
  readonly expiresAt: number
  readonly network: string
  readonly peerId: PeerId
  /** Where the inviting peer can be reached. */
  readonly points: readonly string[]
  /** Of the network; empty: none. */
  readonly offer: string
}

/** What an answer says. */
export interface AnswerContent {
  /** Of the invitation. */
  readonly id: string
  /** Who answers. */
  readonly peerId: PeerId
  /** Of the network. */
  readonly answer: string
}

/** Throws `PoolError` `invalid-invitation` that says what is wrong. */
export function refuseText(what: string): never {
  throw new PoolError('invalid-invitation', what)
}

/** The start of a text of others as an error may show it: ASCII alone. Without `unprintable.ts`, or bundlers would give that a chunk. */
export function quoted(text: string, length = maxQuoted): string {
  return text.slice(0, length).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The text of an invitation. Its last points are left out while it is too long. */
export function writeInvitation(content: InvitationContent): string {
  const { id, expiresAt, network, peerId, offer } = content
  const points = content.points
    .map((point) => (point.endsWith(`/p2p/${peerId}`) ? `${point.slice(0, -`/p2p/${peerId}`.length)}~` : point))
    .filter((point) => pointForm.test(point))
    .slice(0, maxPoints)
  for (;;) {
    const fields = ['i', id, Math.ceil(expiresAt / 1_000).toString(36), encodeURIComponent(network), peerId, points.join(','), offer]
    const text = `${scheme}:${version}:${fields.join(';')}`
    if (text.length <= wantedLength || points.length === 0) return text
    points.pop()
  }
}

/** The text of an answer. */
export function writeAnswer({ id, peerId, answer }: AnswerContent): string {
  return `${scheme}:${version}:${['a', id, peerId, answer].join(';')}`
}

/** Reads an invitation. Throws `PoolError` `invalid-invitation`. */
export function readInvitation(text: string): InvitationContent {
  const fields = fieldsOf(text, 'an invitation')
  const [kind, id = '', expiry = '', network = '', peerId = '', points = '', offer = ''] = fields
  if (kind === 'a') refuseText('this is an answer: give it to `accept` of the page that invited')
  const isWhole = kind === 'i' && fields.length === 7 && idForm.test(id) && /^[1-9a-z][0-9a-z]{0,7}$/.test(expiry)
  const isOfUse = points !== '' || offer !== ''
  if (!isWhole || !isOfUse || !peerForm.test(peerId) || !(offer === '' || signallingForm.test(offer)))
    refuseText('the invitation is damaged')
  const listed = points === '' ? [] : points.split(',')
  if (listed.length > maxPoints || !listed.every((point) => pointForm.test(point))) refuseText('the invitation is damaged')
  const content = {
    ...{ id, offer, peerId: peerId as PeerId, network: decoded(network) },
    expiresAt: Number.parseInt(expiry, 36) * 1_000,
    points: listed.map((point) => (point.endsWith('~') ? `${point.slice(0, -1)}/p2p/${peerId}` : point))
  }
  if (listed.some((point) => point.endsWith(`/p2p/${peerId}`))) refuseText('the invitation is damaged')
  return content
}

/** Reads an answer. Throws `PoolError` `invalid-invitation`. */
export function readAnswer(text: string): AnswerContent {
  const fields = fieldsOf(text, 'an answer to an invitation')
  const [kind, id = '', peerId = '', answer = ''] = fields
  if (kind === 'i') refuseText('this is an invitation: give it to `join` of the newcomer')
  if (kind !== 'a' || fields.length !== 4 || !idForm.test(id) || !peerForm.test(peerId) || !signallingForm.test(answer))
    refuseText('the answer is damaged')
  return { id, peerId: peerId as PeerId, answer }
}

const idForm = /^[0-9a-f]{16}$/
const peerForm = /^[\x21-\x3a\x3c-\x7e]{1,128}$/
/** `~` stands for the id of the inviting peer at the end. */
const pointForm = /^\/[\x21-\x2b\x2d-\x3a\x3c-\x7d]{1,1022}~?$/
const signallingForm = new RegExp(`^[\\x21-\\x3a\\x3c-\\x7e]{1,${maxSignalling}}$`)

/** Chat programs and mails break long lines. */
function fieldsOf(text: string, expected: string): readonly string[] {
  if (text.length > maxLength) refuseText(`expected ${expected}, got a text of ${text.length} characters`)
  const bare = text.replace(/\s+/g, '')
  const [found, theirs, ...rest] = bare.split(':')
  if (bare === '') refuseText(`expected ${expected}, got an empty text`)
  if (found !== scheme) refuseText(`expected ${expected}, got ${JSON.stringify(quoted(found?.split(/[,;]/, 1)[0] ?? '', maxStart))}`)
  if (theirs !== version)
    refuseText(`expected ${expected} of version ${version}, got version ${JSON.stringify(quoted(theirs ?? '', maxStart))}`)
  return rest.join(':').split(';')
}

/** One spelling of each name. */
function decoded(network: string): string {
  try {
    const name = decodeURIComponent(network)
    if (name !== '' && encodeURIComponent(name) === network) return name
  } catch {
    // As any other damage.
  }
  return refuseText('the invitation is damaged')
}
