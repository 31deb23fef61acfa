/**
 * Why something did not happen or ended: closed lists that serve return values, the wire, the event log and the tests
 * alike. Expected outcomes are values of these unions; what a public promise rejects with is a `PoolError` carrying one.
 */
import type { PeerId, Point } from './ids.ts'

/** Motive codes of a Nack, as the original numbers them. An unknown code survives a round trip. */
export const nackMotive = {
  none: 0,
  tooManyConnections: 1,
  unknownNetwork: 2,
  deprecatedProtocol: 3,
  deprecatedApplication: 4,
  alreadyConnected: 5
} as const

/** How a dial failed, told apart by the adapter; nobody else looks at the names of errors. */
export type DialFailure =
  | 'refused' // something at the address said no, or closed at once
  | 'unreachable' // no route, no such host, host down
  | 'timeout'
  | 'wrong-peer-id' // somebody else answered, or could not prove to be the expected peer
  | 'no-transport' // nothing we run can dial such an address
  | 'denied' // our own gater said no
  | 'myself' // this peer itself answered
  | 'no-pool' // connected, but the other side does not speak the pool protocol, nor what would do instead
  | 'aborted'
  | 'other'

/** The step of an attempt that ran out of time. */
export type AttemptStep = 'dial' | 'hello' | 'ack'

/** Why an attempt did not become a connection. `Rejection` of the contract. */
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
  | { readonly kind: 'rejected-by-peer'; readonly motive: number; readonly points: readonly Point[] }
  | { readonly kind: 'timeout'; readonly step: AttemptStep; readonly afterMs: number }
  | { readonly kind: 'link-lost'; readonly step: AttemptStep }
  | { readonly kind: 'fault'; readonly detail: string } // the peer broke the protocol
  | { readonly kind: 'cancelled'; readonly detail: string } // by the caller, a ban, a stop, or the other of two dials

/** Why a running connection ended. Each has a code on the wire; `reasonFromCode` gives `unknown` for others. */
export type DisconnectReason =
  | { readonly kind: 'explicit'; readonly text: string } // a user of the pool asked, in his words
  | { readonly kind: 'lost' } // the link broke without a word
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
  readonly by: 'us' | 'them' | 'network'
  readonly reason: DisconnectReason
}

/** The motive that a Nack names for our refusal; `undefined`: close without one, as the original does. */
export function motiveOf(rejection: Rejection): number | undefined {
  switch (rejection.kind) {
    case 'too-many-connections':
    case 'table-full':
      return nackMotive.tooManyConnections
    case 'unknown-network':
      return nackMotive.unknownNetwork
    case 'no-common-version':
      return rejection.of === 'protocol' ? nackMotive.deprecatedProtocol : nackMotive.deprecatedApplication
    case 'already-connected':
    case 'pending':
      return nackMotive.alreadyConnected
    case 'cancelled':
      return nackMotive.none
    default:
      return undefined
  }
}

/** One sentence for a person. */
export function describeRejection(rejection: Rejection): string {
  switch (rejection.kind) {
    case 'point-banned':
      return `the host of ${rejection.point} is banned or greylisted`
    case 'peer-banned':
      return `peer ${rejection.peerId} is banned or greylisted`
    case 'host-dial-limit':
      return `three untried points at the host of ${rejection.point} were dialed in the last ten minutes`
    case 'too-many-connections':
      return 'no free connection slot'
    case 'too-many-handshakes':
      return 'too many handshakes in progress'
    case 'private-mode':
      return 'private mode: only trusted points and peers'
    case 'pending':
      return `${rejection.point} is already being connected to`
    case 'already-connected':
      return `already connected to ${rejection.peerId}`
    case 'myself':
      return 'that is this peer itself'
    case 'table-full':
      return 'the table is full and nothing in it may go'
    case 'dial-failed':
      return `dial failed (${rejection.failure}): ${rejection.detail}`
    case 'unexpected-peer-id':
      return `expected peer ${rejection.expected}, ${rejection.received === undefined ? 'who did not prove to be there' : `got ${rejection.received}`}`
    case 'unknown-network':
      return `the peer is on network ${JSON.stringify(rejection.received)}, ours is ${JSON.stringify(rejection.expected)}`
    case 'no-common-version':
      return `no common ${rejection.of} version; the peer has ${rejection.received.join(', ') || 'none'}`
    case 'rejected-by-peer':
      return `the peer refused: ${describeMotive(rejection.motive)}`
    case 'timeout':
      return `no answer within ${rejection.afterMs} ms (step: ${rejection.step})`
    case 'link-lost':
      return `the link was lost (step: ${rejection.step})`
    case 'fault':
      return `the peer broke the protocol: ${rejection.detail}`
    case 'cancelled':
      return `cancelled: ${rejection.detail}`
  }
}

/** The name of a Nack motive code. */
export function describeMotive(motive: number): string {
  const names = [
    'no motive given',
    'too many connections',
    'unknown network',
    'deprecated protocol version',
    'deprecated application version',
    'already connected'
  ]
  return names[motive] ?? `unknown motive (${motive})`
}

/** One sentence for a person. */
export function describeReason(reason: DisconnectReason): string {
  switch (reason.kind) {
    case 'explicit':
      return reason.text
    case 'fault':
      return `protocol fault: ${reason.detail}`
    case 'unknown':
      return `unknown reason ${reason.code}${reason.text === '' ? '' : `: ${reason.text}`}`
    default:
      return reason.kind.replaceAll('-', ' ')
  }
}

/** What a `PoolError` can be about, beside a rejected attempt. */
export type PoolErrorCode =
  | 'rejected' // an attempt: see `rejection`
  | 'invalid-point'
  | 'invalid-peer-id'
  | 'invalid-config' // an option
  | 'invalid-argument' // of a method, or of an event
  | 'table-full'
  | 'not-started'
  | 'destroyed'
  | 'not-connected' // no running connection to that peer, or it ended meanwhile: see `ending`
  | 'message-too-large'
  | 'too-many-waiting'
  | 'plain-peer' // a message for a peer that does not speak the pool protocol
  // Of a pool that tabs share:
  | 'no-owner' // the tab that owned the pool went, or did not answer in time
  | 'not-understood' // another tab runs another version of the page
  | 'tab-failed' // something else went wrong in the owner's tab

/** The one error class of the pool. `code` tells what happened; `message` is one sentence naming values. */
export class PoolError extends Error {
  override readonly name = 'PoolError'
  readonly code: PoolErrorCode
  readonly rejection: Rejection | undefined
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

  static rejected(rejection: Rejection, cause?: unknown): PoolError {
    return new PoolError('rejected', describeRejection(rejection), { rejection, cause })
  }
}
