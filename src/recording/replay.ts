/**
 * Runs a recorded pool again, without network, clock and chance of its own: each turn of the recording delivers its inputs, and the core
 * works until nothing is left to do. Time is what the recording says, so an hour takes seconds.
 */
import { memoryStorage } from '../core/memory-storage.ts'
import { PeerPool } from '../core/peer-pool.ts'
import { nodePreset, resolveConfig } from '../core/values/config.ts'
import type { PeerId, Point } from '../core/values/ids.ts'
import type { Network, Random } from '../core/values/ports.ts'
import type { PoolConfig } from '../core/values/settings.ts'
import type { PoolSnapshot } from '../core/values/snapshot.ts'
import { loaded } from './loaded.ts'
import type { RecordingHeader } from './read-recording.ts'
import { plainVerbs, type WrittenPoints } from './recorded-calls.ts'
import { hearAll } from './recording.ts'
import { Divergence, ReplayTape, type Turn } from './replay-tape.ts'
import { snapshotHash } from './snapshot-hash.ts'
import type { Json } from './tape.ts'
import { tapedOptions } from './taped-options.ts'
import { tapedClock, tapedNetwork, tapedRandom } from './taped-ports.ts'

/** An event of the pool that runs again. */
export interface ReplayedEvent {
  readonly type: string
  readonly detail: unknown
  /** As recorded, ms since 1970. */
  readonly at: number
}

/** How a replay ended. */
export interface ReplayResult {
  /** What the pool was like at the end. `undefined`: it had not started. */
  readonly snapshot: PoolSnapshot | undefined
  /** Of that snapshot. */
  readonly hash: string | undefined
  /** The last hash in the recording; `undefined`: it has none. */
  readonly recordedHash: string | undefined
  /** Turns that ran. */
  readonly turns: number
  /** The last instant, ms since 1970. */
  readonly endedAt: number
  /** The first thing that was not as recorded; `undefined`: all was. */
  readonly divergence:
    | { readonly text: string; readonly at: number; readonly turn: number; readonly lastEvent: ReplayedEvent | undefined }
    | undefined
}

/** What a replay is given. */
export interface ReplayOptions {
  /** Resolves when no microtask is left. `setImmediate` on Node. */
  readonly settled: () => Promise<void>
  /** Hears of each event in order. */
  readonly onEvent?: (event: ReplayedEvent) => void
}

const absent = (): never => {
  throw new Error('a replay has no world')
}

/**
 * Runs it to its end, or to where it is no longer as recorded. Rejects with `PoolError` for settings that cannot be, and with what
 * `onEvent` throws.
 */
export async function replay(
  header: RecordingHeader,
  turns: Iterable<Turn> | AsyncIterable<Turn>,
  { settled, onEvent }: ReplayOptions
): Promise<ReplayResult> {
  const tape = new ReplayTape(header)
  let lastEvent: ReplayedEvent | undefined
  let unheard: { readonly error: unknown } | undefined
  const hear = (event: ReplayedEvent): void => {
    lastEvent = event
    // A pool survives a listener that throws. A replay that hid it would show less than what happened.
    try {
      onEvent?.(event)
    } catch (error) {
      unheard ??= { error }
    }
  }
  let run: ReplayedPool | undefined
  let count = 0
  let recordedHash: string | undefined
  let divergence: ReplayResult['divergence']
  try {
    for await (const turn of turns) {
      tape.begin(turn)
      run ??= new ReplayedPool(header, tape, hear)
      if (count === 0) await loaded(run.pool, { turn: settled })
      recordedHash = run.deliver(turn.do) ?? recordedHash
      await settled()
      if (unheard !== undefined) throw unheard.error
      tape.end()
      count++
    }
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    divergence = { text: error.message, at: tape.date(), turn: count + 1, lastEvent }
  }
  const snapshot = run?.snapshot()
  const hash = snapshot === undefined ? undefined : snapshotHash(snapshot, header.code)
  return { snapshot, hash, recordedHash, turns: count, endedAt: tape.date(), divergence }
}

class ReplayedPool {
  readonly pool: PeerPool
  readonly #tape: ReplayTape
  readonly #header: RecordingHeader
  #refresh: () => void = () => undefined
  #points: WrittenPoints | undefined
  readonly #signals = new Map<number, AbortController>()
  readonly #readers = new Map<number, AsyncIterator<unknown>>()
  readonly #listeners: (() => void)[] = []

  constructor(header: RecordingHeader, tape: ReplayTape, hear: (event: ReplayedEvent) => void) {
    this.#tape = tape
    this.#header = header
    const config = tapedOptions(tape, configOf(header), () => undefined)
    this.pool = new PeerPool(config, {
      network: tapedNetwork(tape, noNetwork(header.peerId as PeerId), new Int32Array(4)),
      clock: tapedClock(tape),
      random: tapedRandom(tape, noRandom),
      log: { error: () => undefined },
      inspect: (state, parts) => {
        this.#points = state.points
        this.#refresh = () => parts.shown()
      }
    })
    hearAll(this.pool, hear)
  }

  /** Brings the inputs of a turn. Returns the hash that it has, if any. */
  deliver(inputs: readonly (readonly Json[])[]): string | undefined {
    let hash: string | undefined
    const calls: (readonly Json[])[] = []
    for (const input of inputs) {
      const [kind, first, second, third] = input
      if (kind === 'timer') this.#tape.fire(Number(first))
      else if (kind === 'done' || kind === 'failed')
        this.#tape.settle(Number(first), String(second), { json: third ?? null, failed: kind === 'failed' })
      else if (kind === 'event') this.#tape.bring(String(first), second ?? null)
      else if (kind === 'saved') hash = this.#compare(String(first))
      else calls.push(input)
    }
    this.#callInRounds(calls)
    return hash
  }

  #compare(recorded: string): string {
    this.#refresh()
    const snapshot = this.snapshot()
    const hash = snapshot === undefined ? undefined : snapshotHash(snapshot, this.#header.code)
    if (hash !== recorded)
      this.#tape.mismatch(`the snapshot has the hash ${hash ?? 'of nothing'}, and had ${recorded} when it was recorded`)
    return recorded
  }

  snapshot(): PoolSnapshot | undefined {
    return this.#tape.outside(() => (this.pool.getSnapshot() === undefined ? undefined : this.pool.snapshot()))
  }

  /** Each call in its round of microtasks. */
  #callInRounds(calls: (readonly Json[])[]): void {
    let round = 0
    let at = 0
    const next = (): void => {
      for (let call = calls[at]; call !== undefined && Number(call[1]) <= round; call = calls[++at]) this.#call(call)
      round++
      if (at < calls.length) queueMicrotask(next)
    }
    next()
  }

  #call([, , name, ...args]: readonly Json[]): void {
    try {
      const result: unknown = this.#method(String(name), args)
      if (result instanceof Promise) result.catch(ignore)
    } catch {
      // It threw for the application, too. What diverges is known to the tape.
    }
  }

  #method(verb: string, args: readonly Json[]): unknown {
    const { pool } = this
    const [first, second, third] = args
    switch (verb) {
      case 'start':
        return pool.start()
      case 'connect':
        return pool.connect(first as Point, { ...(second as object), ...this.#signal(third) })
      case 'broadcast':
        return pool.broadcast(sized(first), { except: second as PeerId[] })
      case 'peers.setMetadata':
        return pool.peers.setMetadata(first as PeerId, undefined)
      case 'abort':
        return this.#signals.get(Number(first))?.abort(new Error('called off'))
      case 'listen':
        return this.#listeners.push(pool.subscribe(ignore))
      case 'unlisten':
        return this.#listeners.pop()?.()
      case 'connection.send':
        return this.#connection(second)?.send(sized(first), this.#signal(third))
      case 'connection.offer':
        return this.#offer(second, sized(first))
      case 'connection.disconnect':
        return this.#connection(first)?.disconnect(second as string, (third ?? undefined) as number | undefined)
      case 'connection.read':
        return this.#reader(Number(first))?.next()
      default:
        return this.#tape.ask(verb, args) ? undefined : this.#plain(verb, args)
    }
  }

  #plain(verb: string, args: readonly Json[]): unknown {
    const [noun, name] = verb.includes('.') ? verb.split('.') : ['pool', verb]
    const names: readonly string[] = Object.hasOwn(plainVerbs, noun ?? '') ? plainVerbs[noun as keyof typeof plainVerbs] : []
    const { pool } = this
    const object: unknown = { pool, peers: pool.peers, points: pool.points, state: this.#points }[noun as keyof typeof plainVerbs]
    if (name === undefined || !names.includes(name) || typeof object !== 'object' || object === null) return undefined
    return Reflect.apply(Reflect.get(object, name), object, args)
  }

  #signal(id: Json | undefined): { signal?: AbortSignal } {
    if (typeof id !== 'number' || id === 0) return {}
    const controller = new AbortController()
    this.#signals.set(id, controller)
    return { signal: controller.signal }
  }

  #connection(attempt: Json | undefined) {
    return this.pool.connections.list().find((connection) => connection.attempt.id === attempt)
  }

  #offer(attempt: Json | undefined, payload: Uint8Array): boolean | undefined {
    const connection = this.#connection(attempt)
    return connection?.offerFrame(connection.frameOf(payload))
  }

  #reader(attempt: number): AsyncIterator<unknown> | undefined {
    const known = this.#readers.get(attempt) ?? this.#connection(attempt)?.messages[Symbol.asyncIterator]()
    if (known !== undefined) this.#readers.set(attempt, known)
    return known
  }
}

const ignore = (): void => undefined

/** A message of so many bytes. */
function sized(size: Json | undefined): Uint8Array {
  return new Uint8Array(Number((size as readonly number[])[0]))
}

function configOf({ settings, code }: RecordingHeader): PoolConfig {
  const nothing = (): Uint8Array => new Uint8Array(0)
  const storage = { ...memoryStorage(), name: code.storage, openWithinMs: code.openWithinMs ?? undefined }
  const methods = { open: absent, load: absent, save: absent, quarantine: absent, close: absent }
  return resolveConfig(
    {
      ...settings,
      connectionMetadata: { own: nothing, codec: { encode: nothing, decode: nothing } },
      peerMetadata: { initial: () => null, toJson: () => null, fromJson: () => null, ...(code.score ? { score: () => 0 } : {}) },
      ...(code.onAdmit ? { onAdmit: absent } : {})
    },
    { preset: nodePreset, storage: { ...storage, ...methods } }
  ) as PoolConfig
}

const noRandom: Random = { next: absent, bytes: absent }

function noNetwork(peerId: PeerId): Network {
  return {
    peerId,
    transports: [],
    ownPoints: absent,
    parsePoint: absent,
    tryParsePoint: absent,
    parsePeerId: absent,
    tryParsePeerId: absent,
    canDial: absent,
    dial: absent,
    start: absent,
    stop: absent
  }
}
