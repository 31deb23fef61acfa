/**
 * What the tabs of one site say to each other about a shared pool, on a `BroadcastChannel`: ports would be private to two
 * tabs, but the browser hands none over between tabs without a worker. Other tabs are as trusted as this one, yet may run another version of the page: each message names
 * its version, and one that is not ours is answered with an error, never guessed at.
 */
import type { ConnectionBand } from '../src/core/values/bounds.ts'
import type { PoolEvent } from '../src/core/values/events.ts'
import type { PeerId } from '../src/core/values/ids.ts'
import { messageOf, PoolError } from '../src/core/values/reason.ts'
import type { ConnectionSnapshot, PoolSnapshot, StorageSnapshot } from '../src/core/values/snapshot.ts'

/** Raised whenever a page of before would misunderstand. */
export const tabVersion = 1

/** Longer texts and lists than any of ours are refused. */
export const maxHears = 64

/** How the identity of the owner is kept: `WebIdentity` without the key. */
export interface IdentityNotice {
  /** False: the key is lost with the tabs, and the next visit is another peer. */
  readonly persistent: boolean
  /** Why the key is not kept, for people; `undefined`: all is well. */
  readonly notice: string | undefined
}

/** What the tabs know of the owner beside the snapshot. */
export interface OwnerNotice {
  readonly identity: IdentityNotice
  /** The last one that a tab asked for, so that the next owner keeps it too. */
  readonly band: ConnectionBand | undefined
  /** The private key, as long as no storage keeps it: the next owner is the same peer even so. Pages of one origin can read what is stored, too. */
  readonly inheritedKey: Uint8Array | undefined
}

/** What a tab that does not own the pool says. */
export type FollowerMessage =
  /** I am here and seen by a person: what is new since version `seen` of `term`? Also a question whether the owner lives. */
  | { readonly kind: 'look'; readonly term: string; readonly seen: number; readonly hears: readonly string[] }
  /** I am not seen any more, or gone. */
  | { readonly kind: 'away'; readonly gone: boolean }
  | { readonly kind: 'request'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  /** Nobody waits for that request any more. */
  | { readonly kind: 'cancel'; readonly id: number }

/** What the owner says. */
export type OwnerNews =
  /** I own the pool from now on, or do so already. */
  | { readonly kind: 'owner'; readonly network: string }
  | { readonly kind: 'state'; readonly snapshot: PoolSnapshot; readonly about: OwnerNotice }
  /** Nothing is new but these. */
  | {
      readonly kind: 'counters'
      readonly takenAt: number
      readonly connections: readonly ConnectionSnapshot[]
      readonly storage: StorageSnapshot
      readonly about: OwnerNotice
    }
  | { readonly kind: 'events'; readonly events: readonly PoolEvent[] }
  /** Of a peer: bytes of the application's codec. */
  | { readonly kind: 'message'; readonly peerId: PeerId; readonly payload: Uint8Array }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: PlainError | undefined }

/** `term` names the time of one owner, so that late words of an earlier one are known as such. */
export type OwnerMessage = OwnerNews & { readonly term: string }

export type TabMessage = FollowerMessage | OwnerMessage

/** A message with its sender and, if it is not for all, its receiver: names that tabs draw at random. */
export type Envelope = TabMessage & { readonly from: string; readonly to: string | undefined }

/** A `PoolError` as it travels. */
export interface PlainError {
  readonly code: string
  readonly message: string
  readonly rejection: unknown
  readonly ending: unknown
}

/** Fields that each kind must have, by the type of their value. Fields inside are what a tab of the same version made. */
const shapes: Record<TabMessage['kind'], Readonly<Record<string, string>>> = {
  look: { term: 'string', seen: 'number', hears: 'object' },
  away: { gone: 'boolean' },
  request: { id: 'number', name: 'string', args: 'object' },
  cancel: { id: 'number' },
  owner: { term: 'string', network: 'string' },
  state: { term: 'string', snapshot: 'object', about: 'object' },
  counters: { term: 'string', takenAt: 'number', connections: 'object', storage: 'object', about: 'object' },
  events: { term: 'string', events: 'object' },
  message: { term: 'string', peerId: 'string', payload: 'object' },
  answer: { term: 'string', id: 'number' }
}

/** Does the owner say it? It names its term. Of the others only `look` names one. */
export function isNews(message: Envelope): message is Envelope & OwnerMessage {
  return message.kind !== 'look' && 'term' in shapes[message.kind]
}

/** What is known of a message in another version: these fields mean the same in all. */
export interface StrangeMessage {
  readonly theirs: unknown
  readonly from: string
  readonly to: string | undefined
  readonly kind: unknown
}

/** Nothing, if it is no message at all. */
export function readTabMessage(data: unknown): Envelope | StrangeMessage | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const fields = data as Readonly<Record<string, unknown>>
  const { version: theirs, from, to, kind } = fields
  if (typeof from !== 'string' || (to !== undefined && typeof to !== 'string')) return undefined
  if (theirs !== tabVersion) return { theirs, from, to, kind }
  const shape = Object.hasOwn(shapes, String(kind)) ? shapes[kind as TabMessage['kind']] : undefined
  const isWhole =
    shape !== undefined && Object.entries(shape).every(([name, type]) => typeof fields[name] === type && fields[name] !== null)
  return isWhole ? (data as Envelope) : undefined
}

export function plainError(error: unknown): PlainError {
  const { code, rejection, ending } = error instanceof PoolError ? error : ({ code: 'tab-failed' } as Partial<PoolError> & { code: string })
  return { code, message: messageOf(error), rejection, ending }
}

export function errorOf(error: PlainError): PoolError {
  return new PoolError(error.code as PoolError['code'], error.message, error as Pick<PoolError, 'rejection' | 'ending'>)
}
