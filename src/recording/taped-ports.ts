/** The ports of a pool, each answer and each input of which goes through a tape. In a replay the real ones behind them are never asked. */
import type { ParsedPoint, PeerId, Point } from '../core/values/ids.ts'
import type {
  Clock,
  CopiedSignalling,
  LinkBudget,
  Network,
  NetworkHandlers,
  Random,
  SignedRecords,
  Transport
} from '../core/values/ports.ts'
import { PoolError } from '../core/values/reason.ts'
import type { HashKey } from './keyed-hash.ts'
import { asJson, type Form, type Json, nothing, type Plain, type Question, type Tape } from './tape.ts'
import { untold } from './taped-errors.ts'
import { tapedIntroductions } from './taped-introductions.ts'
import { linkForm, TapedLink } from './taped-link.ts'

export function tapedClock(tape: Tape): Clock {
  return { now: () => tape.now(), date: () => tape.date(), schedule: (delayMs, fn) => tape.schedule(delayMs, fn) }
}

const wordSize = 4_294_967_296

export function tapedRandom(tape: Tape, real: Random): Random {
  const question = tape.question('bytes')
  const hex = (length: number): string => Array.from(real.bytes(length), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return {
    next: () => tape.chance(() => Math.floor(real.next() * wordSize)) / wordSize,
    bytes: (length) => {
      const text = String(tape.answer(question, () => hex(length)))
      return Uint8Array.from({ length }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16) || 0)
    }
  }
}

const foundForm: Form<ParsedPoint> = {
  write: ({ point, expectedPeerId = null }) => [point, expectedPeerId],
  read: (json, real) => real ?? parsedOf(json as readonly (string | null)[])
}

function parsedOf([point, expectedPeerId]: readonly (string | null)[]): ParsedPoint {
  return { point: (point ?? '') as Point, expectedPeerId: (expectedPeerId ?? undefined) as PeerId | undefined }
}

/** Most texts are the point itself, or the point and the peer id behind it. */
function writeParsed(text: string, parsed: ParsedPoint | undefined): Plain {
  if (parsed === undefined) return null
  const { point, expectedPeerId } = parsed
  if (point === text && expectedPeerId === undefined) return 1
  if (expectedPeerId !== undefined && text === `${point}/p2p/${expectedPeerId}`) return 2
  return JSON.stringify([point, expectedPeerId ?? null])
}

function readParsed(text: string, answer: Plain): ParsedPoint | undefined {
  if (answer === null) return undefined
  if (answer === 1) return { point: text as Point, expectedPeerId: undefined }
  const split = text.lastIndexOf('/p2p/')
  if (answer === 2) return { point: text.slice(0, split) as Point, expectedPeerId: text.slice(split + 5) as PeerId }
  return parsedOf(JSON.parse(String(answer)) as (string | null)[])
}

/** A text that stands for itself is 1. */
function writeId(text: string, id: string | undefined): Plain {
  return id === undefined ? null : id === text ? 1 : id
}

function readId(text: string, answer: Plain): PeerId | undefined {
  return answer === null ? undefined : ((answer === 1 ? text : answer) as PeerId)
}

/** `key`: of the hashes of messages. */
export function tapedNetwork(tape: Tape, real: Network, key: HashKey): Network {
  const links = linkForm(tape, key)
  const introductions = tapedIntroductions(tape, real.introductions)
  const ask = {
    point: tape.question('tryParsePoint'),
    id: tape.question('tryParsePeerId'),
    own: tape.question('ownPoints'),
    transports: tape.question('transports'),
    budget: tape.question('budget'),
    dialable: tape.question('canDial'),
    reservation: tape.question('holdsReservation'),
    record: tape.question('records'),
    parsedPoint: tape.question('parsePoint'),
    parsedId: tape.question('parsePeerId')
  }
  const guarded =
    (work: () => Plain): (() => Plain) =>
    () => {
      try {
        return work()
      } catch {
        // The port says that none of these throws. What does all the same has no answer.
        return null
      }
    }
  /** What a port throws is an answer as well. */
  const orThrow = <T>(question: Question, work: () => T, form: { write(value: T): Json; read(json: Json): T }): T => {
    let thrown: unknown
    const answer = tape.answer(question, () => {
      try {
        return JSON.stringify([form.write(work())])
      } catch (error) {
        thrown = error
        return JSON.stringify([null, error instanceof PoolError ? error.code : ''])
      }
    })
    const [json = null, code] = JSON.parse(String(answer)) as Json[]
    if (code === undefined) return form.read(json)
    throw thrown ?? new PoolError(code as PoolError['code'], untold)
  }
  const list = <T extends string>(answer: Plain): readonly T[] => (answer === null ? [] : (JSON.parse(String(answer)) as T[]))
  return {
    peerId: real.peerId,
    get budget() {
      const answer = tape.answer(
        ask.budget,
        guarded(() => (real.budget === undefined ? null : JSON.stringify([real.budget.used, real.budget.max, real.budget.state])))
      )
      if (answer === null) return undefined
      const [used, max, state] = JSON.parse(String(answer)) as [number, number, LinkBudget['state']]
      return { used, max, state }
    },
    get transports() {
      return list<Transport>(
        tape.answer(
          ask.transports,
          guarded(() => JSON.stringify(real.transports))
        )
      )
    },
    get introductions() {
      return introductions()
    },
    // The recording has ended by then.
    copiedSignalling: async () => {
      const signalling = await real.copiedSignalling?.()
      return signalling === undefined ? undefined : untapedSignalling(signalling, links)
    },
    get records() {
      const answer = tape.answer(
        ask.record,
        guarded(() => real.records?.own.length ?? null)
      )
      return answer === null ? undefined : tapedRecords(tape, real, Number(answer))
    },
    parsePoint: (text) =>
      orThrow(ask.parsedPoint, () => real.parsePoint(text), { write: foundForm.write, read: (json) => foundForm.read(json, undefined) }),
    parsePeerId: (text) => orThrow(ask.parsedId, () => real.parsePeerId(text), { write: (id) => id, read: (json) => json as PeerId }),
    tryParsePoint: (text) =>
      readParsed(
        text,
        tape.answer(
          ask.point,
          guarded(() => writeParsed(text, real.tryParsePoint(text)))
        )
      ),
    tryParsePeerId: (text) =>
      readId(
        text,
        tape.answer(
          ask.id,
          guarded(() => writeId(text, real.tryParsePeerId(text)))
        )
      ),
    ownPoints: () =>
      list<Point>(
        tape.answer(
          ask.own,
          guarded(() => JSON.stringify(real.ownPoints()))
        )
      ),
    holdsReservation: (guest) => {
      const answer = tape.answer(
        ask.reservation,
        guarded(() => real.holdsReservation?.(guest) ?? null)
      )
      return answer === null ? undefined : answer === true
    },
    canDial: (point) =>
      tape.answer(
        ask.dialable,
        guarded(() => real.canDial(point))
      ) === true,
    dial: (point, options) => tape.call('dial', () => real.dial(point, options), { form: links, apart: true }),
    start: (handlers) => {
      const given = tapedHandlers(tape, handlers, links)
      return tape.call('network-start', () => real.start(given), { form: nothing, apart: true })
    },
    endOlder: (link) => link instanceof TapedLink && link.real !== undefined && real.endOlder?.(link.real),
    endDenied: () => real.endDenied?.(),
    rest: (resting) => real.rest?.(resting),
    stop: () => tape.call('network-stop', () => real.stop(), { form: nothing, apart: true })
  }
}

function tapedHandlers(tape: Tape, handlers: NetworkHandlers, links: ReturnType<typeof linkForm>): NetworkHandlers {
  return {
    plainProtocols: handlers.plainProtocols,
    incoming: tape.source('incoming', links, (link) => handlers.incoming(link)),
    ownPointsChanged: tape.source('own-points-changed', nothing, () => handlers.ownPointsChanged()),
    budgetChanged: tape.source('budget-changed', nothing, () => handlers.budgetChanged?.()),
    discovered: tape.source('discovered', foundForm, (found) => handlers.discovered(found))
  }
}

/** Links go the way of all links, so that the network gets back what it gave. */
function untapedSignalling(real: CopiedSignalling, { write, read }: ReturnType<typeof linkForm>): CopiedSignalling {
  return {
    offer: (signal) => real.offer(signal),
    answer: async (offer, options) => {
      const { text, link } = await real.answer(offer, options)
      const given = link.then((made) => read(write(made), made))
      given.catch(() => undefined) // the core waits for it
      return { text, link: given }
    }
  }
}

/** Of a record only its length is written: nobody needs the signature again. */
function tapedRecords(tape: Tape, real: Network, length: number): SignedRecords {
  const own = real.records?.own
  const open = (bytes: Uint8Array, peerId: PeerId): Promise<Json> =>
    // The text goes to the other side, so it must be the same in both runs.
    real.records?.open(bytes, peerId).then(
      (points) => [...points],
      () => Promise.reject(new Error(untold))
    ) ?? Promise.reject(new Error(untold))
  return {
    own: own?.length === length ? own : new Uint8Array(length),
    open: async (bytes, peerId) =>
      (await tape.call('record', () => open(bytes, peerId), { form: asJson, apart: true })) as unknown as readonly Point[]
  }
}
