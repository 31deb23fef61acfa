/**
 * What tabs may wish of the pool that they share: a closed list, carried out by the owner, for its own tab in the same way as
 * for others. Arguments come from another page and are read as strictly as a person's input. Results are plain data.
 */
import { encodePayload } from '../src/core/flows/connection.ts'
import type { PeerPool } from '../src/core/peer-pool.ts'
import type { ConnectionBand } from '../src/core/values/bounds.ts'
import type { Host, PeerId, Point } from '../src/core/values/ids.ts'
import { PoolError, type ReportKind } from '../src/core/values/reason.ts'

/** The arguments of one wish. Its readers throw `PoolError`, naming the wish and what came. */
class Arguments {
  readonly signal: AbortSignal
  readonly #pool: AnyPool
  readonly #wish: string
  readonly #args: readonly unknown[]

  constructor(pool: AnyPool, { wish, args, signal }: { wish: string; args: readonly unknown[]; signal: AbortSignal }) {
    this.#pool = pool
    this.#wish = wish
    this.#args = args
    this.signal = signal
  }

  point(index = 0): Point {
    return this.#pool.parsePoint(this.text(index)).point
  }

  peerId(index = 0): PeerId {
    return this.#pool.parsePeerId(this.text(index))
  }

  /** Hosts and ranges are compared, never dialed; the longest name has 253 characters. */
  host(): Host {
    return this.text(0, 255) as Host
  }

  text(index: number, maxLength = 2_048): string {
    const value = this.#args[index]
    return typeof value === 'string' && value.length <= maxLength ? value : this.#refuse(`a text of at most ${maxLength} characters`, value)
  }

  oneOf<Choice extends string>(index: number, choices: readonly Choice[]): Choice {
    const value = this.text(index)
    return choices.find((choice) => choice === value) ?? this.#refuse(choices.join(' or '), value)
  }

  bytes(index: number): Uint8Array {
    const value = this.#args[index]
    return value instanceof Uint8Array ? value : this.#refuse('bytes', value)
  }

  peerIds(index: number): readonly PeerId[] {
    const value = this.#args[index]
    if (!Array.isArray(value)) return this.#refuse('a list of peer ids', value)
    return value.map((text) => (typeof text === 'string' ? this.#pool.parsePeerId(text) : this.#refuse('a peer id', text)))
  }

  /** Of the options record, none given being an empty one: fields that are not of their type are refused, others are left out. */
  options<Shape extends OptionShape>(index: number, shape: Shape): OptionsOf<Shape> {
    const value = this.#args[index] ?? {}
    if (typeof value !== 'object' || value === null) return this.#refuse('a record of options', value)
    const fields = Object.entries(shape).flatMap(([name, type]) => {
      const field = (value as Readonly<Record<string, unknown>>)[name]
      if (field === undefined) return []
      return typeof field === type ? [[name, field]] : this.#refuse(`${name}: a ${type}`, field)
    })
    return Object.fromEntries(fields) as OptionsOf<Shape>
  }

  #refuse(expected: string, value: unknown): never {
    throw new PoolError('not-understood', `${this.#wish}: expected ${expected}, got ${String(value).slice(0, 60)}`)
  }
}

type AnyPool = PeerPool<unknown, unknown, unknown>
type OptionShape = Readonly<Record<string, 'string' | 'number' | 'boolean'>>
type OptionsOf<Shape extends OptionShape> = {
  readonly [Name in keyof Shape]?: Shape[Name] extends 'string' ? string : Shape[Name] extends 'number' ? number : boolean
}

interface Wish {
  /** Answered only once what it changed is stored: what a tab was told to be done outlives a crash of the owner. */
  readonly saved?: boolean
  readonly run: (pool: AnyPool, args: Arguments) => unknown
}

const reportKinds: readonly ReportKind[] = ['fault', 'useless', 'slow']
const ofHost = { banPeers: 'boolean', endsAt: 'number' } as const

const saved = (run: Wish['run']): Wish => ({ run, saved: true })
const unsaved = (run: Wish['run']): Wish => ({ run })

const wishes = {
  connect: unsaved(async (pool, args) => {
    const { expectedPeerId, ...options } = args.options(1, { trusted: 'boolean', expectedPeerId: 'string', timeoutMs: 'number' })
    const expected = expectedPeerId === undefined ? undefined : pool.parsePeerId(expectedPeerId)
    return (await pool.connect(args.point(), { ...options, expectedPeerId: expected, signal: args.signal })).peerId
  }),
  disconnect: unsaved((pool, args) => pool.disconnect(args.peerId(), args.text(1))),
  maintain: unsaved((pool) => pool.maintain()),
  setBand: unsaved((pool, args) => {
    const { min, expected, max } = args.options(0, { min: 'number', expected: 'number', max: 'number' })
    pool.setBand({ min, expected, max } as ConnectionBand)
  }),
  savePeers: unsaved((pool) => pool.savePeers()),
  explain: unsaved((pool, args) => pool.explain(args.text(0).startsWith('/') ? args.point() : args.peerId())),
  explainBand: unsaved((pool) => pool.explainBand()),
  send: unsaved(async (pool, args) => {
    const peerId = args.peerId()
    const connection = pool.connections.findByPeerId(peerId)
    if (connection === undefined) throw new PoolError('not-connected', `${peerId} is not connected`)
    await connection.sendPayload(checked(pool, args.bytes(1)), args.signal)
  }),
  broadcast: unsaved((pool, args) => {
    const payload = checked(pool, args.bytes(0))
    const except = args.peerIds(1)
    return pool.connections.list().filter((connection) => !except.includes(connection.peerId) && connection.offer(payload)).length
  }),
  registerPoint: saved((pool, args) => {
    const { expectedPeerId, trusted } = args.options(1, { trusted: 'boolean', expectedPeerId: 'string' })
    pool.registerPoint(args.point(), {
      trusted,
      ...(expectedPeerId === undefined ? {} : { expectedPeerId: pool.parsePeerId(expectedPeerId) })
    })
  }),
  unregisterPoint: saved((pool, args) => pool.unregisterPoint(args.point())),
  clearGreylist: unsaved((pool) => pool.clearGreylist()),
  clearAcl: saved((pool) => pool.clearAcl()),
  'peers.ban': saved((pool, args) => pool.peers.ban(args.peerId(), args.options(1, { endsAt: 'number' }))),
  'peers.unban': saved((pool, args) => pool.peers.unban(args.peerId())),
  'peers.trust': saved((pool, args) => pool.peers.trust(args.peerId())),
  'peers.untrust': saved((pool, args) => pool.peers.untrust(args.peerId())),
  'peers.report': saved((pool, args) => pool.peers.report(args.peerId(), { kind: args.oneOf(1, reportKinds), reason: args.text(2) })),
  'peers.describe': unsaved((pool, args) => {
    const info = pool.peers.info(args.peerId())
    return info === undefined ? undefined : pool.peers.describe(info)
  }),
  'points.ban': saved((pool, args) => pool.points.ban(args.point(), args.options(1, ofHost))),
  'points.unban': saved((pool, args) => pool.points.unban(args.point())),
  'points.banHost': saved((pool, args) => pool.points.banHost(args.host(), args.options(1, ofHost))),
  'points.unbanHost': saved((pool, args) => pool.points.unbanHost(args.host())),
  'points.banRange': saved((pool, args) => pool.points.banRange(args.text(0), args.options(1, ofHost))),
  'points.unbanRange': saved((pool, args) => pool.points.unbanRange(args.text(0))),
  'points.trust': saved((pool, args) => pool.points.trust(args.point())),
  'points.untrust': saved((pool, args) => pool.points.untrust(args.point())),
  'points.describe': unsaved((pool, args) => {
    const info = pool.points.info(args.point())
    return info === undefined ? undefined : pool.points.describe(info)
  })
} satisfies Record<string, Wish>

export type WishName = keyof typeof wishes

/** Not repeated with another owner: the first one may have done it. */
export const onceOnly: ReadonlySet<WishName> = new Set<WishName>(['send', 'broadcast'])

/** Carries a wish out. Rejects with what the pool said, or with `PoolError` `not-understood` for a wish or argument that none of ours is. */
export async function runWish<Msg, PeerMeta, ConnMeta>(
  pool: PeerPool<Msg, PeerMeta, ConnMeta>,
  { wish, args, signal }: { wish: string; args: readonly unknown[]; signal: AbortSignal }
): Promise<unknown> {
  if (!Object.hasOwn(wishes, wish))
    throw new PoolError('not-understood', `the tab that owns the pool does not know the wish ${wish.slice(0, 60)}`)
  const { run, saved }: Wish = wishes[wish as WishName]
  // The messages of the wishes are bytes already, and metadata only passes through.
  const any = pool as unknown as AnyPool
  const result = await run(any, new Arguments(any, { wish, args, signal }))
  if (saved === true) await pool.savePeers()
  return result
}

function checked(pool: AnyPool, payload: Uint8Array): Uint8Array {
  return encodePayload(
    { messageCodec: { encode: () => payload, decode: () => payload }, maxMessageBytes: pool.config.maxMessageBytes },
    payload
  )
}
