/**
 * Why something did not happen or ended: closed lists that serve return values, the wire, the event log and the tests
 * alike. Expected outcomes are values of these unions; what a public promise rejects with is a `PoolError` carrying one.
 */
import { cutText } from './cut-text.ts'
import type { PeerId, Point } from './ids.ts'

/** Motive codes of a Nack on the wire. `describeMotive` gives each its words; an unknown code is kept as it came. */
export const nackMotive = {
  none: 0,
  tooManyConnections: 1,
  unknownNetwork: 2,
  deprecatedProtocol: 3,
  deprecatedApplication: 4,
  alreadyConnected: 5,
  notAdmitted: 6
} as const

/**
 * The number on the wire of each reason for which a connection ends. Numbers never change their meaning; a new reason takes the next one.
 * `lost` and `closed-by-peer` are what we see when nothing was said, so they have no number.
 */
export const reasonCode = {
  explicit: 1,
  fault: 2,
  'peer-banned': 3,
  'point-banned': 4,
  'unexpected-peer-id': 5,
  'too-many-connections': 6,
  swapped: 7,
  replaced: 8,
  'going-away': 9,
  'pool-destroyed': 10,
  'not-reading': 11
} as const satisfies Record<Exclude<DisconnectReason['kind'], 'lost' | 'closed-by-peer' | 'unknown'>, number>

/** How a dial failed, as the adapter found out; nobody else looks at the names of errors. */
export type DialFailure =
  | 'refused' // the address refused, or closed at once
  | 'unreachable' // no route, no such host, host down
  | 'timeout'
  | 'wrong-peer-id' // another peer answered, or one that could not prove to be the expected one
  | 'no-transport' // nothing we run can dial such an address
  | 'denied' // our own gater refused
  | 'myself' // this peer itself answered
  | 'no-pool' // connected, but the other side does not speak the pool protocol, nor what would do instead
  | 'aborted'
  | 'other'

/** The step of an attempt that ran out of time. */
export type AttemptStep = 'dial' | 'hello' | 'admit' | 'ack'

/** Why an attempt did not become a connection: `kind` says which, `describeRejection` puts it in words. `docs/errors.md` lists all. */
export type Rejection =
  | { readonly kind: 'point-banned'; readonly point: Point }
  | { readonly kind: 'peer-banned'; readonly peerId: PeerId }
  | { readonly kind: 'host-dial-limit'; readonly point: Point } // three untried points of its host were dialed within ten minutes
  | { readonly kind: 'too-many-connections' }
  | { readonly kind: 'too-many-handshakes' }
  | { readonly kind: 'private-mode' }
  | { readonly kind: 'pending'; readonly point: Point }
  | { readonly kind: 'already-connected'; readonly peerId: PeerId }
  | { readonly kind: 'myself' }
  | { readonly kind: 'table-full' }
  | { readonly kind: 'dial-failed'; readonly failure: DialFailure; readonly detail: string }
  | { readonly kind: 'unexpected-peer-id'; readonly expected: PeerId; readonly received: PeerId | undefined }
  | { readonly kind: 'unknown-network'; readonly expected: string; readonly received: string }
  | { readonly kind: 'no-common-version'; readonly of: 'protocol' | 'application'; readonly received: readonly number[] }
  | { readonly kind: 'not-admitted'; readonly peerId: PeerId; readonly detail: string } // by the application's `onAdmit`
  | { readonly kind: 'rejected-by-peer'; readonly motive: number; readonly points: readonly Point[] }
  | { readonly kind: 'timeout'; readonly step: AttemptStep; readonly afterMs: number }
  | { readonly kind: 'link-lost'; readonly step: AttemptStep }
  | { readonly kind: 'fault'; readonly detail: string } // the peer broke the protocol
  | { readonly kind: 'cancelled'; readonly detail: string } // by the caller, a ban, a stop, or the other of two dials

/** Why a running connection ended: `kind` says which, `describeReason` puts it in words. A code that we do not know is `unknown`. */
export type DisconnectReason =
  | { readonly kind: 'explicit'; readonly text: string } // a user of the pool asked, in these words
  | { readonly kind: 'lost' } // the link broke without a Disconnect
  | { readonly kind: 'closed-by-peer' } // the stream ended without a reason
  | { readonly kind: 'fault'; readonly detail: string }
  | { readonly kind: 'peer-banned' }
  | { readonly kind: 'point-banned' }
  | { readonly kind: 'unexpected-peer-id' }
  | { readonly kind: 'too-many-connections' } // maintenance
  | { readonly kind: 'swapped' }
  | { readonly kind: 'replaced' } // a newer connection of the same peer took its place
  | { readonly kind: 'going-away' } // the page is left, the process ends
  | { readonly kind: 'pool-destroyed' }
  | { readonly kind: 'not-reading' } // messages waited for the peer, which read nothing for 30 s
  | { readonly kind: 'unknown'; readonly code: number; readonly text: string }

/** What an application may report of a peer: proved wrong (`fault`), or no help to it. */
export type ReportKind = 'fault' | 'useless' | 'slow'

/** How a connection or an attempt ended, and who ended it. */
export interface Ending {
  /** Who ended it; `network`: the link broke. */
  readonly by: 'us' | 'them' | 'network'
  /** Why. */
  readonly reason: DisconnectReason
}

/** A rejection in one sentence, for people. */
export function describeRejection(rejection: Rejection): string {
  const describe = rejectionTexts[rejection.kind] as (rejection: Rejection) => string
  return describe(rejection)
}

const rejectionTexts: { readonly [R in Rejection as R['kind']]: (rejection: R) => string } = {
  'point-banned': ({ point }) => `the host of ${point} is banned or greylisted`,
  'peer-banned': ({ peerId }) => `peer ${peerId} is banned or greylisted`,
  'host-dial-limit': ({ point }) => `three untried points at the host of ${point} were dialed in the last ten minutes`,
  'too-many-connections': () => 'no free connection slot',
  'too-many-handshakes': () => 'too many handshakes in progress',
  'private-mode': () => 'private mode: only trusted points and peers',
  pending: ({ point }) => `${point} is already being connected to`,
  'already-connected': ({ peerId }) => `already connected to ${peerId}`,
  myself: () => 'cannot connect to self',
  'table-full': () => 'the table is full and no entry can be evicted',
  'dial-failed': ({ failure, detail }) => `dial failed (${failure}): ${detail}`,
  'unexpected-peer-id': ({ expected, received }) => `expected peer ${expected}, got ${received ?? 'a peer that did not prove its id'}`,
  'unknown-network': ({ expected, received }) => `the peer is on network ${JSON.stringify(received)}, ours is ${JSON.stringify(expected)}`,
  'no-common-version': ({ of, received }) => `no common ${of} version; the peer has ${received.join(', ') || 'none'}`,
  'not-admitted': ({ peerId, detail }) => `${peerId} is not admitted by the application: ${detail}`,
  'rejected-by-peer': ({ motive }) => `the peer refused: ${describeMotive(motive)}`,
  timeout: ({ step, afterMs }) => `no answer within ${afterMs} ms (step: ${step})`,
  'link-lost': ({ step }) => `the link was lost (step: ${step})`,
  fault: ({ detail }) => `the peer broke the protocol: ${detail}`,
  cancelled: ({ detail }) => `cancelled: ${detail}`
}

/** A motive code of a Nack in words. */
export function describeMotive(motive: number): string {
  const names = [
    'no motive given',
    'too many connections',
    'unknown network',
    'deprecated protocol version',
    'deprecated application version',
    'already connected',
    'not admitted by the application'
  ]
  return names[motive] ?? `unknown motive (${motive})`
}

/** What a `PoolError` can be about, beside a rejected attempt. */
export type PoolErrorCode =
  | 'rejected' // an attempt: see `rejection`
  | 'invalid-point'
  | 'invalid-peer-id'
  | 'invalid-invitation' // a text that is none of ours, of another network or expired; for `accept`, a used or ended invitation
  | 'invalid-config' // an option
  | 'invalid-argument' // of a method, or of an event
  | 'table-full'
  | 'not-started'
  | 'destroyed'
  | 'not-connected' // no running connection to that peer, or it ended meanwhile: see `ending`
  | 'message-too-large'
  | 'too-many-waiting'
  | 'plain-peer' // a message for a peer that does not speak the pool protocol
  | 'cannot-listen' // a Node peer: the address is taken, or not this machine's
  | 'no-page' // a page's function was called on a server
  // Of a pool that tabs share:
  | 'no-owner' // the tab that owned the pool was closed, or did not answer in time
  | 'not-understood' // another tab runs another version of the page
  | 'tab-failed' // something else went wrong in the owner's tab

/** The one error class of the pool. `code` says what happened; `message` is one sentence naming values. */
export class PoolError extends Error {
  /** The name of the class, for logs. */
  override readonly name = 'PoolError'
  /** What happened; `docs/errors.md` lists all codes. */
  readonly code: PoolErrorCode
  /** Why the attempt failed; set with the code `rejected`. */
  readonly rejection: Rejection | undefined
  /** How the connection ended; set with `not-connected`, where it had been connected. */
  readonly ending: Ending | undefined

  constructor(
    code: PoolErrorCode,
    message: string,
    about: { rejection?: Rejection | undefined; ending?: Ending | undefined; cause?: unknown } = {}
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.code = code
    this.rejection = about.rejection
    this.ending = about.ending
  }

  /** An error with the code `rejected`. */
  static rejected(rejection: Rejection, cause?: unknown): PoolError {
    return new PoolError('rejected', describeRejection(rejection), { rejection, cause })
  }
}

/** A longer message is cut: many are kept, with points for example, and an error of a codec may quote what a peer sent. */
const maxMessage = 2_000

/** The message of whatever was thrown, which may be what cannot be made a text; at most 2000 characters. */
export function messageOf(error: unknown): string {
  try {
    return cutText(String(error instanceof Error ? error.message : error), maxMessage)
  } catch {
    return 'something that cannot be shown'
  }
}
