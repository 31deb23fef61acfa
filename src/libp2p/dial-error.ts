/**
 * What went wrong with a dial, as one of the ways the pool knows. libp2p wraps and rewraps, loses causes, and throws what
 * is no `Error` at all; only this file looks at names, codes and messages. Called by `network.ts`.
 */
import type { PeerId } from '../core/values/ids.ts'
import { DialError } from '../core/values/ports.ts'
import type { DialFailure } from '../core/values/reason.ts'

/** An error may hold others (a dial of many addresses); more are not looked at. */
const maxErrors = 32

const byName: Readonly<Record<string, DialFailure>> = {
  DialDeniedError: 'denied',
  ConnectionInterceptedError: 'denied', // our own gater, once the peer had proved its id
  InvalidPeerIdError: 'myself', // the upgrader's word for a connection to oneself
  NoValidAddressesError: 'no-transport',
  TransportUnavailableError: 'no-transport',
  UnexpectedPeerError: 'wrong-peer-id',
  UnsupportedProtocolError: 'no-pool',
  UnhandledProtocolError: 'no-pool',
  TimeoutError: 'timeout',
  AbortError: 'timeout', // by libp2p's own limit per address, since our signal is asked before
  // The other side, or its gater, ended it while it was being opened.
  ConnectionClosedError: 'refused',
  ConnectionClosingError: 'refused',
  MuxerClosedError: 'refused',
  StreamResetError: 'refused',
  StreamClosedError: 'refused',
  StreamStateError: 'refused',
  StreamAbortedError: 'refused',
  UnexpectedEOFError: 'refused',
  MuxerUnavailableError: 'refused',
  InvalidMessageError: 'unreachable' // the relay has no way to the target
}

/** The system's code: a page never sees one. */
function ofCode(code: string): DialFailure | undefined {
  if (/^E(CONNRE|PIPE)/.test(code)) return 'refused'
  if (code === 'ETIMEDOUT') return 'timeout'
  return /^E(HOST|NET|ADDRNOT|NOTFOUND|AI_AGAIN|ACCES|PERM)/.test(code) ? 'unreachable' : undefined
}

/** Where several errors tell different things, the first of these is the one worth telling. */
const tellingOrder: readonly DialFailure[] = [
  'myself',
  'denied',
  'wrong-peer-id',
  'no-pool',
  'refused',
  'timeout',
  'unreachable',
  'no-transport'
]

export interface DialContext {
  readonly expectsPeerId: boolean
  readonly signal: AbortSignal
  /** The gater denied this peer during the dial. */
  readonly deniedPeerId?: PeerId | undefined
  /** Our own id, to recognise it in what noise says. */
  readonly ownPeerId?: PeerId
}

/** The one error that `Network.dial` may reject with. */
export function dialErrorOf(error: unknown, context: DialContext): DialError {
  if (error instanceof DialError) return error
  const errors = flatten(error)
  if (context.signal.aborted) {
    const timedOut = nameOf(context.signal.reason) === 'TimeoutError'
    return new DialError(timedOut ? 'timeout' : 'aborted', timedOut ? 'the dial ran out of time' : 'the dial was aborted', { cause: error })
  }
  const failures = errors.map((one) => failureOf(one, context))
  const failure = tellingOrder.find((candidate) => failures.includes(candidate)) ?? 'other'
  const known = errors[failures.indexOf(failure)] ?? error
  const message = messageOf(known)
  if (failure === 'wrong-peer-id') {
    const peerId = presentedId.exec(message)?.[1] as PeerId | undefined
    return new DialError(peerId !== undefined && peerId === context.ownPeerId ? 'myself' : failure, message, { cause: error, peerId })
  }
  return new DialError(failure, message, { cause: error, peerId: failure === 'denied' ? context.deniedPeerId : undefined })
}

/** Noise names the id that was presented in place of the expected one. Nobody has proved it by then. */
const presentedId = /identity key (\S+) does not match/

function failureOf(error: unknown, { expectsPeerId }: DialContext): DialFailure {
  const name = nameOf(error)
  const code = textOf(error, 'code') ?? /\bE[A-Z_]{4,}\b/.exec(messageOf(error))?.[0]
  const meaning = code && ofCode(code)
  if (meaning) return meaning
  if (name === 'EncryptionFailedError') return encryptionFailure(messageOf(error), expectsPeerId)
  // A WebSocket tells nothing of why it failed, neither in pages nor in Node; nobody took the call, most likely.
  if (isWebSocketEvent(error)) return 'refused'
  return byName[name] ?? 'other'
}

/**
 * The upgrader keeps the message only. Noise says what it could not prove; in all other cases the connection ended in
 * the middle of the handshake, by a gater or limit at the other end or because no libp2p is there, which proves nothing.
 */
function encryptionFailure(message: string, expectsPeerId: boolean): DialFailure {
  if (/abort|time(d )?out/i.test(message)) return 'timeout'
  if (!/identity|signature|does not match|validation fail/i.test(message)) return 'refused'
  return expectsPeerId ? 'wrong-peer-id' : 'other'
}

/** The error, what it was caused by, and what it gathers, each once. */
function flatten(error: unknown): unknown[] {
  const found = [error]
  for (let i = 0; i < found.length && found.length < maxErrors; i++) {
    const one = found[i]
    if (typeof one !== 'object' || one === null) continue
    const inner = [...('errors' in one && Array.isArray(one.errors) ? one.errors : []), 'cause' in one ? one.cause : undefined]
    inner.push('error' in one ? one.error : undefined) // an ErrorEvent
    for (const next of inner) if (next !== undefined && next !== null && !found.includes(next)) found.push(next)
  }
  return found
}

function isWebSocketEvent(error: unknown): boolean {
  return typeof Event === 'function' && error instanceof Event
}

function nameOf(error: unknown): string {
  return textOf(error, 'name') ?? ''
}

function messageOf(error: unknown): string {
  const message = textOf(error, 'message')
  if (message !== undefined && message !== '') return message
  return isWebSocketEvent(error) ? 'the WebSocket could not be opened' : String(error)
}

function textOf(error: unknown, key: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, key)
  return typeof value === 'string' ? value : undefined
}
