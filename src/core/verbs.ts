/**
 * The public methods of a pool: what each of their arguments must be, and which of them change saved data. One table for the pool itself
 * and for the pool that tabs share. A method takes its arguments through it before it does anything. A method that returns a promise
 * rejects with what a check throws; every other method throws it.
 */
import { reportKinds } from './decisions/score.ts'
import { discoverySources } from './tables/point.ts'
import {
  anything,
  type Check,
  callable,
  figure,
  flag,
  host,
  listOf,
  oneOf,
  type Parser,
  peerId,
  point,
  range,
  recordOf,
  signal,
  text,
  whole
} from './values/arguments.ts'
import { checkBand, maxDurationMs } from './values/config.ts'
import { reasonCode } from './values/reason.ts'

/** Options of what can be called off. */
export const whileWaiting = recordOf({ signal })
const trusting = { trusted: flag, expectedPeerId: peerId }
/** Wall clock, ms since 1970; the largest that a `Date` holds. */
const endsAt = figure(0, 8.64e15)
const ofHost = { banPeers: flag, endsAt }

const plainReason = recordOf({ kind: oneOf(...Object.keys(reasonCode), 'lost', 'closed-by-peer') }, 'kind')
/** A map: an object would also give what every object has, such as `toString`. */
const reasonWith: ReadonlyMap<unknown, Check> = new Map([
  ['explicit', recordOf({ kind: anything, text }, 'text')],
  ['fault', recordOf({ kind: anything, detail: text }, 'detail')],
  ['unknown', recordOf({ kind: anything, code: whole(0, 2 ** 32 - 1), text }, 'code', 'text')]
])

/** A `DisconnectReason`, or a text, which stands for an explicit one. */
export const reason: Check = (value, at) => {
  if (typeof value === 'string') return { kind: 'explicit', text: value }
  const { kind } = Object(value) as { readonly kind?: unknown }
  return (reasonWith.get(kind) ?? plainReason)(value, at)
}

const pointOrPeerId: Check = (value, at) => (typeof value === 'string' && value.startsWith('/') ? point : peerId)(value, at)

/** Options that may be left out. */
function options(shape: Readonly<Record<string, Check>>): Check {
  const check = recordOf(shape)
  return (value, at) => check(value === undefined ? {} : value, at)
}

/** Verbs that change what is saved. A tab is answered once that is stored, so that it outlives a crash of the tab that owns the pool. */
const saved = {
  clearAcl: [],
  registerPoint: [point, options(trusting)],
  unregisterPoint: [point],
  'peers.ban': [peerId, options({ endsAt })],
  'peers.unban': [peerId],
  'peers.report': [peerId, recordOf({ kind: oneOf(...reportKinds), reason: text }, 'kind', 'reason')],
  'peers.trust': [peerId],
  'peers.untrust': [peerId],
  'points.ban': [point, options(ofHost)],
  'points.unban': [point],
  'points.banHost': [host, options(ofHost)],
  'points.unbanHost': [host],
  'points.banRange': [range, options(ofHost)],
  'points.unbanRange': [range],
  'points.trust': [point],
  'points.untrust': [point]
} satisfies Record<string, readonly Check[]>

const verbs = {
  ...saved,
  maintain: [],
  savePeers: [],
  explainBand: [],
  clearGreylist: [],
  connect: [point, options({ ...trusting, timeoutMs: figure(1, maxDurationMs), signal })],
  disconnect: [peerId, (value, at) => reason(value ?? 'asked to', at)],
  tearDownConnections: [reason],
  suspend: [options({ keep: oneOf('band', 'all', 'none') })],
  setBand: [(value) => checkBand('band', value)],
  send: [peerId, anything, options({ signal })],
  broadcast: [anything, options({ except: listOf(peerId) })],
  explain: [pointOrPeerId],
  registerNewPoint: [point, options({ trusted: flag })],
  registerNewPoints: [
    listOf(recordOf({ point, expectedPeerId: peerId }, 'point')),
    recordOf({ discoverySource: oneOf(...discoverySources), source: peerId, trusted: flag }, 'discoverySource', 'source')
  ],
  registerPeer: [peerId],
  setExpectedPeerId: [point, peerId],
  addToIdPoints: [point],
  listKnownPoints: [recordOf({ ignorePrivate: flag, size: whole(0, Number.MAX_SAFE_INTEGER) }, 'ignorePrivate')],
  greylistAddress: [host],
  greylistPeer: [peerId],
  'connections.findByPeerId': [peerId],
  'connections.findByPoint': [point],
  'connections.randomAddress': [recordOf({ differentThan: peerId, noPrivate: flag }, 'noPrivate')],
  'peers.info': [peerId],
  'peers.describe': [peerId],
  'peers.setMetadata': [peerId, anything],
  'peers.isBanned': [peerId],
  'peers.watch': [peerId, callable],
  'points.info': [point],
  'points.describe': [point],
  'points.isBanned': [point],
  'points.watch': [point, callable]
} satisfies Record<string, readonly Check[]>

export type Verb = keyof typeof verbs
export type SavedVerb = keyof typeof saved

export const savedVerbs = () => Object.keys(saved) as readonly SavedVerb[]

/** Is it the name of a public method, such as `setBand` or `points.banHost`? */
export const isVerb = (name: string): name is Verb => Object.hasOwn(verbs, name)

/** Takes the arguments of a call: checked, records and lists as frozen copies. Throws `PoolError`. */
export type TakeArguments = <Args extends readonly unknown[]>(verb: Verb, ...args: Args) => Args

export function argumentsFor(parser: Parser): TakeArguments {
  return <Args extends readonly unknown[]>(verb: Verb, ...args: Args) =>
    verbs[verb].map((check, i) => check(args[i], { code: 'invalid-argument', name: verb, parser })) as unknown as Args
}
