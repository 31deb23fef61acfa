/**
 * The public methods of a pool while it is recorded. Methods that change something are inputs. Questions are none, and leave the tape alone.
 * What the application hears comes in a turn of its own. The methods are put on the one object: other pools do not notice.
 */
import type { Connection } from '../core/flows/connection.ts'
import type { PeerPool } from '../core/peer-pool.ts'
import type { RecordTape } from './record-tape.ts'
import type { Json } from './tape.ts'

/** Methods whose arguments are JSON. `replay.ts` calls no others. */
export const plainVerbs = {
  pool: [
    ...['setBand', 'registerPoint', 'unregisterPoint', 'registerNewPoint', 'registerNewPoints', 'registerPeer', 'addToIdPoints'],
    ...['greylistAddress', 'greylistPeer', 'clearGreylist', 'gcGreylist', 'clearAcl', 'resume', 'stop', 'destroy', 'suspend'],
    ...['savePeers', 'maintain', 'disconnect', 'tearDownConnections', 'setExpectedPeerId']
  ],
  peers: ['ban', 'unban', 'report', 'trust', 'untrust'],
  points: ['ban', 'unban', 'banHost', 'unbanHost', 'banRange', 'unbanRange', 'trust', 'untrust'],
  /** Of the tables: an adapter says where a dial led. */
  state: ['countAddressDial', 'noteAddress']
} as const

type Method = (...args: readonly unknown[]) => unknown

/** The part of the owner of the tables that an adapter writes. */
export interface WrittenPoints {
  countAddressDial(...args: never[]): unknown
  noteAddress(...args: never[]): unknown
}

export interface RecordedCallsOptions {
  /** The pool has loaded what it loads; a start waits for that. */
  readonly ready: Promise<void>
  readonly points: WrittenPoints | undefined
  /** What is called next has no form in a recording. */
  readonly ended: () => void
}

export class RecordedCalls {
  readonly #tape: RecordTape
  readonly #pool: PeerPool
  readonly #faces = new WeakMap<Connection, Connection>()
  /** Bytes of the message in each frame that the application made. */
  readonly #payloads = new WeakMap<Uint8Array, number>()
  readonly #listeners = new Map<string, Map<unknown, Method>>()
  #signals = 0
  /** Bytes of the message that the application is sending. */
  #encoded: number | undefined

  constructor(tape: RecordTape, pool: PeerPool, { ready, points, ended }: RecordedCallsOptions) {
    this.#tape = tape
    this.#pool = pool
    const { peers, points: poolPoints, connections, gate } = pool
    for (const object of [pool, peers, poolPoints, connections, gate]) this.#askApart(object)
    for (const verb of plainVerbs.pool) this.#actOn(pool, verb, verb)
    for (const verb of plainVerbs.peers) this.#actOn(peers, verb, `peers.${verb}`)
    for (const verb of plainVerbs.points) this.#actOn(poolPoints, verb, `points.${verb}`)
    if (points !== undefined) for (const verb of plainVerbs.state) this.#actOn(points, verb, `state.${verb}`)
    this.#replace(peers, 'setMetadata', (original) => (...args) => {
      return tape.act('peers.setMetadata', [String(args[0]), null], () => original(...args))
    })
    this.#replace(
      pool,
      'broadcast',
      (original) =>
        (...args) =>
          this.#send('broadcast', [exceptOf(args[1])], () => original(...args))
    )
    this.#replace(
      pool,
      'connect',
      (original) =>
        (...args) =>
          this.#connect(original, args)
    )
    for (const verb of ['start', 'afterStart'])
      this.#replace(
        pool,
        verb,
        (original) =>
          (...args) =>
            this.#start(ready, () => original(...args))
      )
    // What people carry between two programs is in no recording.
    for (const verb of ['invite', 'join'])
      this.#replace(pool, verb, (original) => (...args) => {
        ended()
        return original(...args)
      })
    this.#hear(pool)
    this.#replace(peers, 'watch', (original) => (id, listener) => tape.outside(() => original(id, this.#apart(listener))))
    this.#replace(poolPoints, 'watch', (original) => (point, listener) => tape.outside(() => original(point, this.#apart(listener))))
    for (const verb of ['list', 'findByPeerId', 'findByPoint', 'proposeSwapRequest', Symbol.iterator])
      this.#replace(
        connections,
        verb,
        (original) =>
          (...args) =>
            this.#faced(tape.outside(() => original(...args)))
      )
  }

  /** The codec made so many bytes of a message. */
  encoded(bytes: number): void {
    this.#encoded = bytes
  }

  #replace(object: object, name: string | symbol, make: (original: Method) => Method): void {
    const original: unknown = Reflect.get(object, name)
    if (typeof original !== 'function') return
    const bound: Method = (...args) => Reflect.apply(original, object, args)
    Object.defineProperty(object, name, { value: make(bound), configurable: true, writable: true })
  }

  /** All methods that are not named otherwise: they ask. */
  #askApart(object: object): void {
    const named = new Set<string>([...Object.values(plainVerbs).flat(), ...replacedByName])
    const names = [...Object.keys(object)]
    for (
      let kind: unknown = Reflect.getPrototypeOf(object);
      kind !== Object.prototype && kind !== null;
      kind = Reflect.getPrototypeOf(kind as object)
    )
      names.push(...Object.getOwnPropertyNames(kind))
    for (const name of new Set(names)) {
      const isOwnValue = typeof Object.getOwnPropertyDescriptor(object, name)?.value === 'function'
      if (named.has(name) || (!isOwnValue && isGetter(object, name))) continue
      this.#replace(
        object,
        name,
        (original) =>
          (...args) =>
            this.#tape.outside(() => original(...args))
      )
    }
  }

  #actOn(object: object, name: string, verb: string): void {
    this.#replace(object, name, (original) => (...args) => {
      const result = this.#tape.act(verb, args.map(jsonOf), () => original(...args))
      return result instanceof Promise ? this.#later(result) : result
    })
  }

  /** A start that does nothing is no input: the node calls it on its way. */
  async #start(ready: Promise<void>, original: () => unknown): Promise<unknown> {
    await ready
    const before = this.#pool.status
    const isIdle = before === 'created' || before === 'stopped'
    const result = this.#tape.act('start', [], original, () => !isIdle || this.#pool.status === before)
    return this.#later(Promise.resolve(result))
  }

  #send(verb: string, args: readonly Json[], original: () => unknown): unknown {
    this.#encoded = undefined
    const size = [0]
    return this.#tape.act(
      verb,
      [size, ...args],
      () => {
        const result = original()
        size[0] = this.#encoded ?? 0
        return result
      },
      () => this.#encoded === undefined
    )
  }

  #connect(original: Method, [point, options]: readonly unknown[]): unknown {
    const [given, signal] = this.#signalOf(options)
    const result = this.#tape.act('connect', [jsonOf(point), jsonOf(options), signal], () => original(point, given))
    return this.#later(result as Promise<unknown>).then((connection) => this.#faced(connection))
  }

  /** The options with a signal that fires by an input, and its number; 0: there is none. */
  #signalOf(options: unknown): [unknown, number] {
    const signal: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'signal') : undefined
    if (!(signal instanceof AbortSignal) || signal.aborted) return [options, 0]
    const id = ++this.#signals
    const own = new AbortController()
    signal.addEventListener('abort', () => this.#tape.act('abort', [id], () => own.abort(signal.reason)), { once: true })
    return [{ ...(options as object), signal: own.signal }, id]
  }

  // What the application hears.

  #apart(listener: unknown): unknown {
    return typeof listener === 'function' ? (event: unknown) => this.#tape.leave(() => this.#call(listener, event)) : listener
  }

  #call(listener: unknown, event: unknown): void {
    const result: unknown = (listener as Method)(event)
    if (result instanceof Promise) result.catch((error: unknown) => this.#tape.leave(() => raise(error)))
  }

  #later<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.#tape.leave(() => resolve(value)),
        (error: unknown) => this.#tape.leave(() => reject(error))
      )
    })
  }

  /** Each listener is put in another one, by which it is found again. Of listeners to `change` a replay must know: they make the pool set a timer. */
  #hear(pool: PeerPool): void {
    const entry = (type: string): Map<unknown, Method> => {
      const known = this.#listeners.get(type) ?? new Map<unknown, Method>()
      this.#listeners.set(type, known)
      return known
    }
    const noting = (type: unknown, verb: string, run: () => unknown): unknown => (type === 'change' ? this.#tape.act(verb, [], run) : run())
    this.#replace(pool, 'addEventListener', (original) => (type, listener) => {
      const known = entry(String(type))
      if (typeof listener !== 'function') return original(type, listener)
      if (known.has(listener)) return undefined
      const heard: Method = (event) =>
        this.#tape.leave(() => {
          if (known.get(listener) === heard) this.#call(listener, event)
        })
      const result = noting(type, 'listen', () => original(type, heard))
      known.set(listener, heard)
      return result
    })
    this.#replace(pool, 'removeEventListener', (original) => (type, listener) => {
      const known = entry(String(type))
      const heard = known.get(listener)
      known.delete(listener)
      return heard === undefined ? original(type, listener) : noting(type, 'unlisten', () => original(type, heard))
    })
    this.#replace(pool, 'subscribe', (original) => (listener) => {
      const stop = this.#tape.act('listen', [], () => original(this.#apart(listener))) as () => void
      let isOver = false
      return () => {
        if (!isOver) this.#tape.act('unlisten', [], stop)
        isOver = true
      }
    })
    this.#replace(pool, 'next', (original) => (type, options) => {
      if (type !== 'change') return this.#later(original(type, options) as Promise<unknown>)
      const { signal } = (options ?? {}) as { signal?: AbortSignal }
      return new Promise((resolve, reject) => {
        const done = (event: unknown): void => {
          pool.removeEventListener('change', done)
          signal?.removeEventListener('abort', aborted)
          resolve(event)
        }
        const aborted = (): void => {
          pool.removeEventListener('change', done)
          reject(signal?.reason)
        }
        if (signal?.aborted === true) return reject(signal.reason)
        pool.addEventListener('change', done)
        signal?.addEventListener('abort', aborted, { once: true })
      })
    })
  }

  // Connections: the pool's own flows use the same objects, so the application gets them in another face.

  #faced(found: unknown): unknown {
    if (isConnection(found)) return this.#faceOf(found)
    if (Array.isArray(found)) return found.map((one) => this.#faced(one))
    if (typeof found !== 'object' || found === null) return found
    if ('recipient' in found) return { ...found, recipient: this.#faced(found.recipient) }
    return 'next' in found ? this.#facedPairs(found as unknown as Iterable<[unknown, unknown]>) : found
  }

  *#facedPairs(pairs: Iterable<[unknown, unknown]>): Iterable<[unknown, unknown]> {
    for (const [peerId, connection] of pairs) yield [peerId, this.#faced(connection)]
  }

  #faceOf(connection: Connection): Connection {
    const known = this.#faces.get(connection)
    if (known !== undefined) return known
    const tape = this.#tape
    const id = connection.attempt.id
    const send =
      (verb: 'send' | 'sendPayload') =>
      (message: Uint8Array, options?: unknown): Promise<unknown> => {
        if (verb === 'sendPayload')
          return this.#later(
            tape.act('connection.send', [[message.length], id, 0], () => connection.sendPayload(message, options as AbortSignal))
          )
        const [given, signal] = this.#signalOf(options)
        return this.#later(this.#send('connection.send', [id, signal], () => connection.send(message, given as object)) as Promise<void>)
      }
    const special: Readonly<Record<string, () => unknown>> = {
      send: () => send('send'),
      sendPayload: () => send('sendPayload'),
      // How a page broadcasts: one frame for all.
      frameOf: () => (payload: Uint8Array) => {
        const frame = connection.frameOf(payload)
        this.#payloads.set(frame, payload.length)
        return frame
      },
      offerFrame: () => (frame: Uint8Array) =>
        tape.act('connection.offer', [[this.#payloads.get(frame) ?? 0], id], () => connection.offerFrame(frame)),
      disconnect: () => (reason: unknown, comeBackAfterMs?: number) =>
        this.#later(
          tape.act('connection.disconnect', [id, jsonOf(reason), comeBackAfterMs ?? null], () =>
            connection.disconnect(reason as string, comeBackAfterMs)
          )
        ),
      closed: () => this.#later(connection.closed),
      messages: () => messages
    }
    const messages = this.#messagesOf(connection)
    const face = new Proxy(connection, {
      get: (target, name) => {
        const own = typeof name === 'string' && Object.hasOwn(special, name) ? special[name] : undefined
        if (own !== undefined) return own()
        const value: unknown = tape.outside(() => Reflect.get(target, name, target))
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
    this.#faces.set(connection, face)
    return face
  }

  /** Messages that are there are read on at once; one that came later is heard in a turn of its own. */
  #messagesOf(connection: Connection): AsyncIterable<Uint8Array> {
    const tape = this.#tape
    return {
      [Symbol.asyncIterator]: () => {
        const inner = connection.messages[Symbol.asyncIterator]()
        return {
          next: () =>
            new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
              const coming = tape.act('connection.read', [connection.attempt.id], () => inner.next())
              const turn = tape.appTurn
              coming.then((result) => (tape.appTurn === turn ? resolve(result) : tape.leave(() => resolve(result))), reject)
            })
        }
      }
    }
  }
}

/** Methods that are replaced one by one, or begin no question. */
const replacedByName = [
  ...['constructor', 'setMetadata', 'broadcast', 'connect', 'start', 'beforeStart', 'afterStart', 'beforeStop', 'preload'],
  ...[
    'invite',
    'join',
    'addEventListener',
    'removeEventListener',
    'subscribe',
    'next',
    'watch',
    'list',
    'findByPeerId',
    'findByPoint',
    'proposeSwapRequest'
  ]
]

function isGetter(object: object, name: string): boolean {
  for (let at: object | null = object; at !== null; at = Reflect.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name)
    if (found !== undefined) return found.get !== undefined || typeof found.value !== 'function'
  }
  return true
}

function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && 'attempt' in value && 'sendPayload' in value
}

function raise(error: unknown): never {
  throw error
}

/** Options of a broadcast. */
function exceptOf(options: unknown): Json {
  const except: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'except') : undefined
  return Array.isArray(except) ? except.map(String) : []
}

/** Arguments of methods are texts and records of them. What is none comes to a replay as nothing, and is refused there as it was here. */
function jsonOf(value: unknown): Json {
  try {
    return JSON.parse(JSON.stringify(value, (name, inner: unknown) => (name === 'signal' ? undefined : inner)) ?? 'null') as Json
  } catch {
    return null
  }
}
