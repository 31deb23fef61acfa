/**
 * What tabs may wish of the pool that they share: a closed list, carried out by the owner, for its own tab in the same way as
 * for others. Arguments come from another page and are checked as strictly as a program's. Results are plain data.
 */
import { encodePayload } from '../src/core/flows/payload.ts'
import type { PeerPool } from '../src/core/peer-pool.ts'
import type { PeerId, Point } from '../src/core/values/ids.ts'
import { PoolError } from '../src/core/values/reason.ts'
import { argumentsFor, type Verb } from '../src/core/verbs.ts'
import { encodeMessage } from '../src/core/wire/encode.ts'

type AnyPool = PeerPool<unknown, unknown, unknown>

/** Methods of the pool that are called as they are, and what they return is plain data or nothing. */
const direct = ['disconnect', 'maintain', 'setBand', 'savePeers', 'explain', 'explainBand', 'clearGreylist'] as const

/** As `direct`, but answered only once what it changed is stored: what a tab was told to be done outlives a crash of the owner. */
const saved = [
  ...(['registerPoint', 'unregisterPoint', 'clearAcl'] as const),
  ...(['peers.ban', 'peers.unban', 'peers.trust', 'peers.untrust', 'peers.report'] as const),
  ...(['points.ban', 'points.unban', 'points.banHost', 'points.unbanHost', 'points.banRange', 'points.unbanRange'] as const),
  ...(['points.trust', 'points.untrust'] as const)
]

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
    const frame = encodeMessage({ kind: 'application', payload: checked(pool, bytes) })
    return pool.connections.list().filter((connection) => !except.includes(connection.peerId) && connection.offerFrame(frame)).length
  },
  'peers.describe': (pool: AnyPool, _: AbortSignal, [peerId]: [PeerId]) => {
    const info = pool.peers.info(peerId)
    return info === undefined ? undefined : pool.peers.describe(info)
  },
  'points.describe': (pool: AnyPool, _: AbortSignal, [point]: [Point]) => {
    const info = pool.points.info(point)
    return info === undefined ? undefined : pool.points.describe(info)
  }
}

export type WishName = (typeof direct)[number] | (typeof saved)[number] | keyof typeof special

/** Not repeated with another owner: the first one may have done it. */
export const onceOnly: ReadonlySet<WishName> = new Set<WishName>(['send', 'broadcast'])

/** Carries a wish out. Rejects with what the pool said, or with `PoolError` `not-understood` for a wish that is none of ours. */
export async function runWish<Msg, PeerMeta, ConnMeta>(
  pool: PeerPool<Msg, PeerMeta, ConnMeta>,
  { wish, args, signal }: { wish: string; args: readonly unknown[]; signal: AbortSignal }
): Promise<unknown> {
  const isSpecial = Object.hasOwn(special, wish)
  const isSaved = saved.some((name) => name === wish)
  if (!isSpecial && !isSaved && !direct.some((name) => name === wish))
    throw new PoolError('not-understood', `the tab that owns the pool does not know the wish ${wish.slice(0, 60)}`)
  const taken = argumentsFor(pool)(wish as Verb, ...args)
  if (isSpecial) {
    const run = special[wish as keyof typeof special] as (pool: unknown, signal: AbortSignal, args: readonly unknown[]) => unknown
    return await run(pool, signal, taken)
  }
  const [noun, verb] = wish.includes('.') ? wish.split('.') : [undefined, wish]
  const target: object = noun === undefined ? pool : Reflect.get(pool, noun)
  const result: unknown = await Reflect.apply(Reflect.get(target, verb ?? ''), target, taken)
  if (!isSaved) return result
  await pool.savePeers()
  return undefined
}

/** The messages of the wishes are bytes already. */
function checked(pool: AnyPool, payload: Uint8Array): Uint8Array {
  return encodePayload(
    { messageCodec: { encode: () => payload, decode: () => payload }, maxMessageBytes: pool.config.maxMessageBytes },
    payload
  )
}
