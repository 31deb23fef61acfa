/** A link whose inputs are recorded: what came on it, when it ended, and what it answered. In a replay there is no real one behind it. */
import type { OtherUse } from '../core/values/attempt.ts'
import type { Host, PeerId } from '../core/values/ids.ts'
import type { Link, PlainPeer, Transport } from '../core/values/ports.ts'
import type { HashKey } from './keyed-hash.ts'
import { PayloadMask, unmasked } from './payload-mask.ts'
import { type Form, type Json, nothing, type Question, type Tape } from './tape.ts'
import { untold } from './taped-errors.ts'

/** What a recording says of a link. */
export interface LinkFacts {
  readonly peerId: string
  readonly direction: string
  readonly host: string | null
  readonly transport: string
  readonly remoteAddress: string
  readonly plain: readonly string[] | null
  /** It can be reached once more. */
  readonly reaches: boolean
}

const gone = (): never => {
  throw new Error('a replay has no real link')
}

/** `key`: of the hashes of messages. */
export function linkForm(tape: Tape, key: HashKey): Form<Link, Link> {
  return {
    write: (link): Json => ({
      peerId: link.peerId,
      direction: link.direction,
      host: link.host ?? null,
      transport: link.transport,
      remoteAddress: link.remoteAddress,
      plain: link.plain?.points.slice(0, 32) ?? null,
      reaches: link.reach !== undefined
    }),
    read: (facts, real) => new TapedLink(tape, { facts: facts as unknown as LinkFacts, real, key })
  }
}

export class TapedLink implements Link {
  readonly peerId: PeerId
  readonly plain: PlainPeer | undefined
  readonly direction: 'outgoing' | 'incoming'
  readonly host: Host | undefined
  readonly transport: Transport
  readonly remoteAddress: string
  readonly chunks: AsyncIterable<Uint8Array>
  readonly over: Promise<void>
  readonly reach: Link['reach']
  /** `undefined` in a replay. */
  readonly real: Link | undefined
  readonly #tape: Tape
  readonly #sending: Question
  readonly #unsent: Question
  readonly #use: Question

  constructor(tape: Tape, { facts, real, key }: { facts: LinkFacts; real: Link | undefined; key: HashKey }) {
    const id = tape.newLink()
    this.#tape = tape
    this.real = real
    this.peerId = facts.peerId as PeerId
    this.plain = facts.plain === null ? undefined : { points: facts.plain }
    this.direction = facts.direction === 'outgoing' ? 'outgoing' : 'incoming'
    this.host = (facts.host ?? undefined) as Host | undefined
    this.transport = facts.transport as Transport
    this.remoteAddress = facts.remoteAddress
    this.#sending = tape.question('send', id)
    this.#unsent = tape.question('unsent', id)
    this.#use = tape.question('use', id)
    this.over = tape.call('over', () => real?.over ?? gone(), { form: nothing })
    this.chunks = { [Symbol.asyncIterator]: () => this.#read(key, id) }
    if (facts.reaches) this.reach = (signal) => tape.call('reach', () => real?.reach?.(signal) ?? gone(), { form: nothing, apart: true })
  }

  get connection(): unknown {
    return this.real?.connection
  }

  get isRefused(): boolean {
    return this.real?.isRefused === true
  }

  set isRefused(isRefused: boolean) {
    if (this.real !== undefined) this.real.isRefused = isRefused
  }

  get use(): OtherUse | undefined {
    return (this.#tape.answer(this.#use, () => this.real?.use ?? null) ?? undefined) as OtherUse | undefined
  }

  get unsentBytes(): number {
    return Number(this.#tape.answer(this.#unsent, () => this.real?.unsentBytes ?? 0))
  }

  #read(key: HashKey, id: number): AsyncIterator<Uint8Array> {
    const mask = new PayloadMask(key, id)
    const share = this.#tape.share()
    const form: Form<IteratorResult<Uint8Array>> = {
      write: (result) => (result.done === true ? null : mask.mask(result.value)),
      read: (json, result) => result ?? (json === null ? { done: true, value: undefined } : { done: false, value: unmasked(json) })
    }
    let iterator: AsyncIterator<Uint8Array> | undefined
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      await share(mask.protocolBytes)
      iterator ??= this.real?.chunks[Symbol.asyncIterator]() ?? gone()
      return iterator.next()
    }
    return { next: () => this.#tape.call('chunk', next, { form }) }
  }

  send(...pieces: readonly Uint8Array[]): boolean {
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    this.#tape.note(bytes)
    let thrown: unknown
    const answer = this.#tape.answer(this.#sending, () => {
      try {
        return this.real?.send(...pieces) !== false
      } catch (error) {
        thrown = error
        return 'threw'
      }
    })
    if (typeof answer === 'string') throw thrown ?? new Error(untold)
    return answer === true
  }

  drained(signal: AbortSignal): Promise<void> {
    return this.#tape.call('drained', () => this.real?.drained(signal) ?? gone(), { form: nothing })
  }

  close(): Promise<void> {
    return this.#tape.call('close', () => this.real?.close() ?? gone(), { form: nothing })
  }

  abort(...args: Parameters<Link['abort']>): void {
    this.real?.abort(...args)
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#tape.call('probe', () => this.real?.probe(signal) ?? gone(), { form: nothing })
  }
}
