/** A recording of a pool: the public face, which a peer is made with. */

import type { PeerPool } from '../core/peer-pool.ts'
import type { PoolComponents } from '../core/peer-pool-components.ts'
import { type PoolEventName, poolEventNames } from '../core/values/events.ts'
import { PoolError } from '../core/values/reason.ts'
import type { PoolConfig } from '../core/values/settings.ts'
import { hashKey } from './keyed-hash.ts'
import { loaded } from './loaded.ts'
import { RecordTape } from './record-tape.ts'
import { RecordedCalls, type WrittenPoints } from './recorded-calls.ts'
import { RecordingText } from './recording-text.ts'
import { snapshotHash } from './snapshot-hash.ts'
import { codeFacts, plainSettings, tapedOptions } from './taped-options.ts'
import { tapedClock, tapedNetwork, tapedRandom } from './taped-ports.ts'

/** The first line of a recording names both. */
export const recordingFormat = 'p2p-pool recording'
export const recordingVersion = 1

/** Bytes that a recording may hold, compressed. */
const defaultMaxBytes = 16 * 1_048_576

/** One link fills so much of it at once. */
const shares = 16

/** Options of a recording. */
export interface RecordingOptions {
  /** Bytes that are kept in memory, compressed. When they are full the recording ends: what follows is not in it. @default 16777216 */
  readonly maxBytes?: number
}

/** How a recording does. */
export interface RecordingStatus {
  /** When it began, ms since 1970. */
  readonly since: number
  /** When it ended, because it was full or at the first `invite` or `join`; `null`: it goes on. */
  readonly fullAt: number | null
  /** Bytes that it holds. */
  readonly bytes: number
}

/** What is recorded now. */
interface Run {
  readonly tape: RecordTape
  readonly text: RecordingText
  readonly since: number
  readonly calls: { current: RecordedCalls | undefined }
  readonly config: PoolConfig
  pool: PeerPool | undefined
  refresh: () => void
  points: WrittenPoints | undefined
  fullAt: number | null
}

/**
 * Records what happens to a pool from its making on: give it to `createNodePeer`, `createWebPeer` or `peerPool` as the option `recording`.
 * Another pool with the same recording begins it anew, as the next tab that runs a shared pool does. `p2p-pool replay FILE` runs what `save`
 * gave. `docs/guide/replay.md` says what it holds.
 */
export class Recording {
  readonly #maxBytes: number
  #run: Run | undefined

  constructor({ maxBytes = defaultMaxBytes }: RecordingOptions = {}) {
    if (!Number.isInteger(maxBytes) || maxBytes < 65_536 || maxBytes > 1_073_741_824)
      throw new PoolError('invalid-config', `maxBytes: expected a whole number from 65536 to 1073741824, got ${String(maxBytes)}`)
    this.#maxBytes = maxBytes
  }

  /** `undefined` before a pool was made with it. */
  get status(): RecordingStatus | undefined {
    if (this.#run === undefined) return undefined
    const { since, fullAt, text } = this.#run
    return { since, fullAt, bytes: text.bytes }
  }

  /**
   * The file with all that happened until now, from the beginning; the recording goes on. Rejects with `PoolError` `not-started` if no pool
   * in this program has it: of a shared pool, in a tab in which the pool has not run.
   */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    const run = this.#run
    if (run?.pool === undefined) throw new PoolError('not-started', 'recording.save: no pool in this program is recorded')
    // In a turn in which nothing runs.
    await new Promise<void>((resolve) => run.tape.leave(resolve))
    this.#mark(run)
    return run.text.file()
  }

  /** @internal Called with what a pool is about to be made of; returns what it is to be made of. */
  begin<Msg, PeerMeta, ConnMeta>(
    given: PoolConfig<Msg, PeerMeta, ConnMeta>,
    components: PoolComponents
  ): readonly [PoolConfig<Msg, PeerMeta, ConnMeta>, PoolComponents] {
    // Messages and metadata have no type of the application's here, as inside of the pool.
    const config = given as unknown as PoolConfig
    const text = new RecordingText(this.#maxBytes)
    const tape = new RecordTape(components.clock, {
      share: this.#maxBytes / shares,
      write: (line) => {
        text.add(line)
        if (text.isNearlyFull && run.fullAt === null) this.#fill(run)
      },
      failed: (error) => components.log.error('a listener threw', error)
    })
    const calls: Run['calls'] = { current: undefined }
    const since = components.clock.date()
    const { inspect, network, random, ...others } = components
    const run: Run = { tape, text, since, calls, config, pool: undefined, refresh: () => undefined, points: undefined, fullAt: null }
    this.#run = run
    const { micros, offsetMs } = tape.origin
    const about = { format: recordingFormat, version: recordingVersion, since, peerId: network.peerId, micros, offsetMs }
    text.add(JSON.stringify({ ...about, code: codeFacts(config), settings: plainSettings(config) }))
    const key = hashKey(random.bytes(16))
    return [
      tapedOptions(tape, config, (bytes) => calls.current?.encoded(bytes)) as unknown as typeof given,
      {
        ...others,
        network: tapedNetwork(tape, network, key),
        clock: tapedClock(tape),
        random: tapedRandom(tape, random),
        inspect: (state, parts) => {
          run.points = state.points
          run.refresh = () => parts.shown()
          inspect?.(state, parts)
        }
      }
    ]
  }

  /** @internal Called with the pool that was made. */
  attach(made: object): void {
    const run = this.#run
    if (run === undefined) return
    const pool = made as PeerPool
    run.pool = pool
    hearAll(pool)
    const ready = loaded(pool, { turn: () => run.tape.later() })
    const ended = (): void => {
      if (run.fullAt === null) this.#fill(run)
    }
    run.calls.current = new RecordedCalls(run.tape, pool, { ready, points: run.points, ended })
  }

  /** A line with the hash of what the pool is like now. */
  #mark({ tape, pool, refresh, config }: Run): void {
    if (pool === undefined || tape.outside(() => pool.getSnapshot()) === undefined) return
    tape.mark(() => {
      refresh()
      const snapshot = tape.frozen(() => pool.snapshot())
      return snapshotHash(snapshot, { score: config.peerMetadata.score !== undefined })
    })
  }

  #fill(run: Run): void {
    run.fullAt = run.tape.date()
    this.#mark(run)
    run.text.close()
  }
}

/** Events that a replay lists. With a listener in both runs, a pool works alike in both. */
export function hearAll(pool: PeerPool, listener: (event: { type: string; detail: unknown; at: number }) => void = () => undefined): void {
  for (const name of Object.keys(poolEventNames) as PoolEventName[]) if (name !== 'change') pool.addEventListener(name, listener)
}
