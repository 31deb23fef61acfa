/**
 * What any tab may request of the pool that the tabs share: one table, from which both the methods of `SharedPool` and the code that
 * carries them out are made. The owner carries requests of its own tab out in the same way as those of others. Arguments come from another
 * page, and are checked as strictly as a program's. Results are plain data.
 */

import type { Peers } from '../src/core/api/peers.ts'
import type { Points } from '../src/core/api/points.ts'
import type { PeerDescription, PointDescription } from '../src/core/api/snapshot.ts'
import { encodePayload, offerToAll } from '../src/core/flows/payload.ts'
import { loaded } from '../src/core/flows/waits.ts'
import type { PeerPool } from '../src/core/peer-pool.ts'
import type { PeerId, Point } from '../src/core/values/ids.ts'
import { PoolError } from '../src/core/values/reason.ts'
import { argumentsFor, type SavedVerb, savedVerbs, type Verb } from '../src/core/verbs.ts'

type AnyPool = PeerPool<unknown, unknown, unknown>

/** Methods of the pool that are called as they are. What they return is plain data, or nothing. */
const direct = [
  ...savedVerbs(),
  ...(['disconnect', 'maintain', 'setBand', 'savePeers', 'explain', 'explainBand', 'clearGreylist'] as const)
] as const satisfies Verb[]

type DirectName = (typeof direct)[number]

/** Of both sides. Rejects with `PoolError` `not-started` if it cannot be loaded. */
export const tabInvitations = () => loaded(import('./tab-invitations.ts'))

/** What is more than a call. */
const special = {
  connect: async (pool: AnyPool, signal: AbortSignal, [point, options]: [Point, object]): Promise<PeerId> =>
    (await pool.connect(point, { ...options, signal })).peerId,
  send: async (pool: AnyPool, signal: AbortSignal, [peerId, payload]: [PeerId, Uint8Array]): Promise<void> => {
    const connection = pool.connections.findByPeerId(peerId)
    if (connection === undefined) throw new PoolError('not-connected', `${peerId} is not connected`)
    await connection.sendPayload(checked(pool, payload), signal)
  },
  broadcast: (pool: AnyPool, _: AbortSignal, [bytes, { except = [] }]: [Uint8Array, { except?: readonly PeerId[] }]): number => {
    return offerToAll(pool.connections.list(), checked(pool, bytes), except)
  },
  'peers.describe': ({ peers }: AnyPool, _: AbortSignal, [peerId]: [PeerId]) => described(peers, peerId),
  'points.describe': ({ points }: AnyPool, _: AbortSignal, [point]: [Point]) => described(points, point)
}

export type RequestName = DirectName | keyof typeof special | 'invite'

/** Not repeated with another owner: the first one may have done it. */
export const onceOnly: ReadonlySet<RequestName> = new Set<RequestName>(['send', 'broadcast'])

/** A method of the pool as a tab calls it. What changes saved data resolves, with nothing, when that is stored. */
type Requested<Name, Method> = Method extends (...args: infer Args) => infer Result
  ? (...args: Args) => Promise<Name extends SavedVerb ? void : Awaited<Result>>
  : never

type MethodsOf<Pool> = {
  readonly [Name in DirectName as Name extends keyof Pool ? Name : never]: Requested<Name, Pool[Name & keyof Pool]>
}

type NounOf<Noun extends string, Target> = {
  readonly [Name in DirectName as Name extends `${Noun}.${infer Verb}` ? Verb : never]: Name extends `${Noun}.${infer Verb}`
    ? Requested<Name, Target[Verb & keyof Target]>
    : never
}

/** The methods of a pool that any tab may call, as the pool has them, with promises. `docs/guide/tabs.md` lists their names. */
export type RequestedPool<Msg, PeerMeta, ConnMeta> = MethodsOf<PeerPool<Msg, PeerMeta, ConnMeta>> & {
  /** As `pool.peers`. */
  readonly peers: NounOf<'peers', Peers<PeerMeta>> & {
    /** With its history; `undefined` for an unknown peer. */
    describe(peerId: PeerId): Promise<PeerDescription | undefined>
  }
  /** As `pool.points`. */
  readonly points: NounOf<'points', Points> & {
    /** With its history; `undefined` for an unknown point. */
    describe(point: Point): Promise<PointDescription | undefined>
  }
}

/** Gives the face its methods: each makes a request. */
export function addRequests<Face extends object, Msg, PeerMeta, ConnMeta>(
  face: Face,
  request: (name: RequestName, args: readonly unknown[]) => Promise<unknown>
): Face & RequestedPool<Msg, PeerMeta, ConnMeta> {
  const nouns: Record<string, Record<string, unknown>> = { '': {}, peers: {}, points: {} }
  for (const name of [...direct, 'peers.describe', 'points.describe'] as const) {
    const [verb = '', noun = ''] = name.split('.').reverse()
    const target = nouns[noun]
    if (target !== undefined) target[verb] = (...args: readonly unknown[]) => request(name, args)
  }
  const { '': verbs, ...others } = nouns
  return Object.assign(face, verbs, others) as unknown as Face & RequestedPool<Msg, PeerMeta, ConnMeta>
}

/** Carries a request out. Rejects with what the pool said, or with `PoolError` `not-understood` for one that is not in the table. */
export async function runRequest<Msg, PeerMeta, ConnMeta>(
  pool: PeerPool<Msg, PeerMeta, ConnMeta>,
  { name, args, signal }: { name: string; args: readonly unknown[]; signal: AbortSignal }
): Promise<unknown> {
  if (name === 'invite') return (await tabInvitations()).runJob(pool as AnyPool, args, PoolError)
  const isSpecial = Object.hasOwn(special, name)
  if (!isSpecial && !direct.some((one) => one === name)) throw new PoolError('not-understood', `unknown request ${name.slice(0, 60)}`)
  const taken = argumentsFor(pool)(name as Verb, ...args)
  if (isSpecial) {
    const run = special[name as keyof typeof special] as (pool: unknown, signal: AbortSignal, args: readonly unknown[]) => unknown
    return await run(pool, signal, taken)
  }
  const [verb = '', noun] = name.split('.').reverse()
  const target: object = noun === undefined ? pool : Reflect.get(pool, noun)
  const result: unknown = await Reflect.apply(Reflect.get(target, verb), target, taken)
  if (!savedVerbs().some((one) => one === name)) return result
  await pool.savePeers()
  return undefined
}

function described<Key, Info, Description>(
  noun: { info(key: Key): Info | undefined; describe(info: Info): Description },
  key: Key
): Description | undefined {
  const info = noun.info(key)
  return info && noun.describe(info)
}

/** The messages of requests are bytes already. */
function checked(pool: AnyPool, payload: Uint8Array): Uint8Array {
  return encodePayload(
    { messageCodec: { encode: () => payload, decode: () => payload }, maxMessageBytes: pool.config.maxMessageBytes },
    payload
  )
}
