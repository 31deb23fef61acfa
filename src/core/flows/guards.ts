/**
 * The guards between the pool and what others wrote: network, codecs, listeners, log. A call that throws, hangs or lies costs
 * what was asked for and is logged; the pool goes on. `peer-pool.ts` makes them, and hands flows nothing unguarded.
 */
import { shown } from '../values/arguments.ts'
import { maxMetadataBytes } from '../values/bounds.ts'
import type { ParsedPoint, PeerId, Point } from '../values/ids.ts'
import {
  type Clock,
  DialError,
  type Link,
  type Log,
  type Network,
  type NetworkHandlers,
  type Random,
  type SignedRecords
} from '../values/ports.ts'
import { messageOf, PoolError } from '../values/reason.ts'
import type { ConnectionMetadata, PeerMetadata } from '../values/settings.ts'
import { abortable, unheard, within } from './waits.ts'

/** The same message is logged once in this time, ms: some failures come back with each point of each look. */
const repeatMs = 60_000
/** Messages remembered for that; then all are forgotten. */
const maxRemembered = 64

/** A network that has not started by then has failed, ms. A page may load a part of it first. */
const startWithinMs = 20_000
/** Of the five seconds that a stop may take, ms; the storage has 3.5 of the rest. */
const stopWithinMs = 1_250
/** Checking a signature takes a millisecond, ms. */
const openWithinMs = 10_000

/** Calls what others wrote, and is the pool's log. */
export class Guard implements Log {
  readonly #log: Log
  readonly #clock: Pick<Clock, 'now'>
  readonly #logged = new Map<string, number>()

  constructor(log: Log, clock: Pick<Clock, 'now'>) {
    this.#log = log
    this.#clock = clock
  }

  error(message: string, cause: unknown): void {
    const now = this.#clock.now()
    if (now - (this.#logged.get(message) ?? Number.NEGATIVE_INFINITY) < repeatMs) return
    if (this.#logged.size >= maxRemembered) this.#logged.clear()
    this.#logged.set(message, now)
    try {
      unheard(this.#log.error(message, cause))
    } catch {
      // There is nobody to report a log that throws to.
    }
  }

  /** What the work returns; `instead` if it throws. */
  call<T>(what: string, work: () => T): T | undefined
  call<T>(what: string, work: () => T, instead: T): T
  call<T>(what: string, work: () => T, instead?: T): T | undefined {
    try {
      return this.heard(what, work())
    } catch (error) {
      this.error(`${what} threw`, error)
      return instead
    }
  }

  /** Logs the rejection of a promise that came where none was expected. */
  heard<T>(what: string, result: T): T {
    return unheard(result, (error) => this.error(`${what} rejected`, error))
  }
}

/** What is called later is guarded like a call of now: an error in a timer would end the process. */
export function guardClock(clock: Clock, guard: Guard): Clock {
  return {
    now: () => clock.now(),
    date: () => clock.date(),
    schedule: (delayMs, fn) => clock.schedule(delayMs, () => guard.call('a timer', fn))
  }
}

/** Codec and score of what is kept about peers: one that fails gives nothing for that peer. */
export function guardPeerMetadata<PeerMeta>(metadata: PeerMetadata<PeerMeta>, guard: Guard): PeerMetadata<PeerMeta> {
  const { score } = metadata
  return {
    initial: () => guard.call('peerMetadata.initial', () => metadata.initial(), undefined as PeerMeta),
    toJson: (meta) => guard.call('peerMetadata.toJson', () => metadata.toJson(meta), null),
    // What it throws is caught where it is called: the peer starts anew.
    fromJson: (value) => guard.heard('peerMetadata.fromJson', metadata.fromJson(value)),
    ...(score === undefined
      ? {}
      : { score: (meta) => asNumber(guard.call('peerMetadata.score', () => score.call(metadata, meta), Number.NaN)) })
  }
}

/** Anything else than a number counts as NaN, the lowest. */
function asNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN
}

/** Encodes our connection metadata for a Hello. If that fails, the last that did not fail is sent; before there is one, nothing. */
export function metadataEncoder<ConnMeta>(metadata: ConnectionMetadata<ConnMeta>, guard: Guard): () => Uint8Array {
  const encode = (): Uint8Array => {
    const bytes: unknown = metadata.codec.encode(metadata.own())
    if (!(bytes instanceof Uint8Array && bytes.length <= maxMetadataBytes)) {
      throw new TypeError(
        `expected a Uint8Array of at most ${maxMetadataBytes} bytes, got ${shown(guard.heard('connectionMetadata', bytes))}`
      )
    }
    return bytes
  }
  let last: Uint8Array = new Uint8Array(0)
  return () => {
    last = guard.call('connectionMetadata', encode, last)
    return last
  }
}

/** Random numbers from 0 up to 1, whatever the source gives. Its bytes are asked for when the pool is made, and may throw then. */
export function guardRandom(random: Random, guard: Guard): Random {
  return {
    next: () => {
      const drawn = guard.call('random.next', () => random.next(), 0)
      return drawn >= 0 && drawn < 1 ? drawn : 0
    },
    bytes: (length) => random.bytes(length)
  }
}

/** Calls that a network need not have. Absent, they give nothing. */
const optional = ['copiedSignalling', 'endDenied', 'endOlder', 'holdsReservation', 'rest'] as const
type Optional = (typeof optional)[number]

/** A network whose calls end, and throw nothing that the port does not name. By its type no call is left out. */
export function guardNetwork(network: Network, clock: Clock, guard: Guard): Network & Readonly<Record<keyof Network, unknown>> {
  let starts = 0
  /** Those that are checked already: they are asked for with each Hello. */
  let own = { given: '', points: [] as readonly Point[] }
  /** What the network returns to this call; nothing if it throws, or cannot be called so. */
  const ask = (name: 'tryParsePoint' | 'tryParsePeerId' | 'canDial' | Optional) => (argument?: unknown) =>
    guard.call(`network.${name}`, () => (network[name] as ((argument: unknown) => unknown) | undefined)?.call(network, argument))
  const askPoint = ask('tryParsePoint')
  const askPeerId = ask('tryParsePeerId')
  const canDial = ask('canDial')
  const tryParsePoint = (text: string): ParsedPoint | undefined => {
    const parsed = askPoint(text) as ParsedPoint | undefined
    return typeof parsed?.point === 'string' ? parsed : undefined
  }
  const tryParsePeerId = (text: string): PeerId | undefined => {
    const parsed = askPeerId(text)
    return typeof parsed === 'string' ? (parsed as PeerId) : undefined
  }
  /** Other discoveries find what they find: a text that is no point must not get into the tables. */
  const isParsed = ({ point, expectedPeerId }: ParsedPoint): boolean => {
    const isPeerId = expectedPeerId === undefined || tryParsePeerId(expectedPeerId) === expectedPeerId
    return isPeerId && tryParsePoint(point)?.point === point
  }
  /** Never rejects; a network that takes longer is left alone. */
  const stop = async (): Promise<void> => {
    const stopping = promised(() => network.stop())
    try {
      await within(stopping, { clock, ms: stopWithinMs, late: new Error(`not within ${stopWithinMs} ms`) })
    } catch (error) {
      guard.error('the network did not stop as it should', error)
    }
  }
  return {
    peerId: network.peerId,
    get budget() {
      return guard.call('network.budget', () => network.budget)
    },
    get transports() {
      return guard.call('network.transports', () => unheard(network.transports).filter((name) => typeof name === 'string'), [])
    },
    get records() {
      return guard.call('network.records', () => guardRecords(unheard(network.records), clock))
    },
    introductions: network.introductions,
    parsePoint: (text) => network.parsePoint(text),
    parsePeerId: (text) => network.parsePeerId(text),
    tryParsePoint,
    tryParsePeerId,
    ownPoints: () =>
      guard.call('network.ownPoints', () => {
        const points = unheard(network.ownPoints())
        const given = points.join()
        if (given !== own.given) own = { given, points: points.filter((point) => isParsed({ point, expectedPeerId: undefined })) }
        return own.points
      }, []),
    canDial: (point) => canDial(point) === true,
    ...(Object.fromEntries(optional.map((name) => [name, ask(name)])) as Required<Pick<Network, Optional>>),
    stop,

    /** A link that comes after the signal fired is closed. */
    async dial(point, options) {
      const { signal } = options
      signal.throwIfAborted()
      const dialing = promised(() => network.dial(point, options))
      try {
        const link = await abortable(dialing, signal)
        if (isLink(link)) return link
        throw new DialError('other', `the network gave no link for ${point}`)
      } catch (error) {
        if (signal.aborted)
          dialing.then((late) => guard.call('link.abort', () => late.abort('the dial was given up'))).catch(() => undefined)
        if (error instanceof DialError || signal.aborted) throw error
        throw new DialError('other', messageOf(error), { cause: error })
      }
    },

    async start(handlers) {
      const turn = ++starts
      const handled = (work: () => void): void => guard.call('a handler of the network', work)
      const guarded: NetworkHandlers = {
        plainProtocols: handlers.plainProtocols,
        incoming: (link) => handled(() => isLink(link) && handlers.incoming(link)),
        ownPointsChanged: () => handled(() => handlers.ownPointsChanged()),
        budgetChanged: () => handled(() => handlers.budgetChanged?.()),
        discovered: (found) => handled(() => isParsed(found) && handlers.discovered(found))
      }
      const starting = promised(() => network.start(guarded))
      const late = new PoolError('not-started', `start: the network did not start within ${startWithinMs} ms`)
      try {
        await within(starting, { clock, ms: startWithinMs, late })
      } catch (error) {
        if (error === late) starting.then(() => (turn === starts ? stop() : undefined)).catch(() => undefined)
        throw error
      }
    }
  }
}

function guardRecords(records: SignedRecords | undefined, clock: Clock): SignedRecords | undefined {
  if (records === undefined) return undefined
  const own: unknown = unheard(records.own)
  const late = new Error(`the record was not opened within ${openWithinMs} ms`)
  return {
    own: own instanceof Uint8Array ? own : new Uint8Array(0),
    open: (bytes, peerId) =>
      within(
        promised(() => records.open(bytes, peerId)),
        { clock, ms: openWithinMs, late }
      )
  }
}

/** The work's promise; also of one that throws at once, gives no promise, or settles twice. */
function promised<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((resolve) => resolve(work()))
}

function isLink(link: unknown): link is Link {
  return typeof link === 'object' && link !== null && typeof Reflect.get(link, 'peerId') === 'string'
}
