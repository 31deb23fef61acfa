/**
 * Reads a recording, which may come from anywhere: each line is checked before it is used. Errors name the line, what was expected and what
 * came. The host unpacks the text line by line.
 */
import {
  type At,
  anything,
  type Check,
  figure,
  flag,
  listOf,
  name,
  oneOf,
  orNull,
  recordOf,
  refuse,
  shown,
  text,
  whole
} from '../core/values/arguments.ts'
import { PoolError } from '../core/values/reason.ts'
import type { PoolOptions } from '../core/values/settings.ts'
import { recordingFormat, recordingVersion } from './recording.ts'
import type { Turn } from './replay-tape.ts'
import { maxRounds } from './tape.ts'
import type { CodeFacts } from './taped-options.ts'

/** The first line. */
export interface RecordingHeader {
  readonly format: string
  readonly version: number
  /** When it began, ms since 1970. */
  readonly since: number
  readonly peerId: string
  /** The monotonic clock at the beginning, µs; the wall clock is ahead of it by so many ms. */
  readonly micros: number
  readonly offsetMs: number
  readonly code: CodeFacts
  readonly settings: PoolOptions
}

/** Of a line, characters: a saved text of 8 MiB is one. */
export const maxLine = 24 * 1_048_576
/** Lines: a turn each. */
const maxLines = 20_000_000
/** Bytes that one chunk of a link may have, and all chunks of one turn. */
const maxChunk = 16_777_216
const maxChunks = 4 * maxChunk

const safe = whole(0, Number.MAX_SAFE_INTEGER)
const header = recordOf(
  {
    format: oneOf(recordingFormat),
    version: whole(recordingVersion, recordingVersion),
    since: safe,
    peerId: name,
    micros: figure(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    offsetMs: figure(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    code: recordOf(
      { onAdmit: flag, score: flag, storage: name, openWithinMs: orNull(safe) },
      'onAdmit',
      'score',
      'storage',
      'openWithinMs'
    ),
    settings: anything
  },
  ...['format', 'version', 'since', 'peerId', 'micros', 'offsetMs', 'code', 'settings']
)

const plain: Check = (value, at) =>
  value === null || ['boolean', 'number', 'string'].includes(typeof value) ? value : refuse(at, 'null, a flag, a number or a text', value)

/** A list whose first entries are of these kinds, in order. What follows is looked at where it is used. */
function row(...checks: readonly Check[]): Check {
  return (value, at) => {
    if (!Array.isArray(value) || value.length < checks.length) return refuse(at, `an array of ${checks.length} or more`, value)
    return value.map((entry: unknown, i) => (checks[i] ?? anything)(entry, { ...at, name: `${at.name}[${i}]` }))
  }
}

const error = row(oneOf('dial', 'storage', 'other'), orNull(text))
const link = recordOf(
  {
    peerId: name,
    direction: oneOf('outgoing', 'incoming'),
    host: orNull(text),
    transport: text,
    remoteAddress: text,
    plain: orNull(listOf(text, 0, 32)),
    reaches: flag
  },
  ...['peerId', 'direction', 'host', 'transport', 'remoteAddress', 'plain', 'reaches']
)
const found = row(text, orNull(text))

const piece: Check = (value, at) => {
  if (typeof value === 'number') return whole(0, maxChunk)(value, at)
  if (
    typeof value === 'string' &&
    /^(#[0-9a-f]{16}|[A-Za-z0-9+/]*={0,2})$/.test(value) &&
    (value.startsWith('#') || value.length % 4 === 0)
  )
    return value
  return refuse(at, 'base64, a number of bytes, or a hash', value)
}

/** What a chunk is when it is made of its pieces: a few characters may stand for 16 MiB. */
function bytesIn(pieces: unknown): number {
  if (!Array.isArray(pieces)) return 0
  return pieces.reduce((sum: number, one: unknown) => sum + (typeof one === 'number' ? one : Math.floor((String(one).length * 3) / 4)), 0)
}

const chunk: Check = (value, at) => {
  if (value === null) return null
  listOf(piece, 0, 1_000_000)(value, at)
  if (bytesIn(value) > maxChunk) return refuse(at, `at most ${maxChunk} bytes`, bytesIn(value))
  return value
}

/** What comes of a call, by its kind. */
const results: Readonly<Record<string, Check>> = {
  dial: link,
  chunk,
  'storage-load': orNull(text),
  'storage-quarantine': text,
  record: listOf(text, 0, 8),
  admit: (value, at) => (value === null || typeof value === 'boolean' ? value : text(value, at)),
  ...Object.fromEntries(
    ['over', 'reach', 'drained', 'close', 'probe', 'network-start', 'network-stop', 'storage-open', 'storage-save', 'storage-close'].map(
      (kind) => [kind, anything]
    )
  )
}

const events: Readonly<Record<string, Check>> = {
  incoming: link,
  'own-points-changed': anything,
  'budget-changed': anything,
  discovered: found,
  'storage-lost': error
}

const of = (checks: Readonly<Record<string, Check>>, key: unknown, at: At): Check =>
  typeof key === 'string' && Object.hasOwn(checks, key) ? (checks[key] ?? anything) : refuse(at, oneOfThese(checks), key)

const oneOfThese = (names: object): string => `one of ${Object.keys(names).join(', ')}`

/** Methods take arguments of the application: the pool checks them again. */
const call = row(text, whole(0, maxRounds), name)

const inputs: Readonly<Record<string, Check>> = {
  timer: row(text, safe),
  done: (value, at) => {
    const [, id, kind, json] = value as readonly unknown[]
    safe(id, { ...at, name: `${at.name}[1]` })
    of(results, kind, { ...at, name: `${at.name}[2]` })(json, { ...at, name: `${at.name}[3]` })
    return value
  },
  failed: (value, at) => {
    const [, id, kind, json] = value as readonly unknown[]
    safe(id, { ...at, name: `${at.name}[1]` })
    of(results, kind, { ...at, name: `${at.name}[2]` })
    error(json, { ...at, name: `${at.name}[3]` })
    return value
  },
  event: (value, at) => {
    const [, kind, json] = value as readonly unknown[]
    of(events, kind, { ...at, name: `${at.name}[1]` })(json, { ...at, name: `${at.name}[2]` })
    return value
  },
  call: (value, at) => {
    call(value, at)
    const [, , verb, size] = value as readonly unknown[]
    if (sizedVerbs.has(verb)) listOf(whole(0, 104_857_600), 1, 1)(size, { ...at, name: `${at.name}[3]` })
    return value
  },
  saved: row(text, text)
}

/** Methods that begin with the size of a message. */
const sizedVerbs: ReadonlySet<unknown> = new Set(['broadcast', 'connection.send', 'connection.offer'])

const input: Check = (value, at) => {
  if (!Array.isArray(value)) return refuse(at, 'an array', value)
  return of(inputs, value[0], { ...at, name: `${at.name}[0]` })(value, at)
}

const inputList = listOf(input, 0, 1_000_000)
const inputsOfTurn: Check = (value, at) => {
  const list = inputList(value, at) as readonly (readonly unknown[])[]
  const bytes = list.reduce((sum, [, , kind, json]) => sum + (kind === 'chunk' ? bytesIn(json) : 0), 0)
  return bytes > maxChunks ? refuse(at, `chunks of at most ${maxChunks} bytes together`, bytes) : list
}

const turn = recordOf(
  {
    at: safe,
    do: inputsOfTurn,
    answers: listOf(row(text, safe, plain), 0, 10_000_000),
    chance: listOf(whole(0, 4_294_967_295)),
    ticks: listOf(row(safe, safe)),
    date: whole(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    sum: whole(0, 0xffff)
  },
  ...['at', 'do', 'sum']
)

/** A recording, checked as far as it was read. */
export interface ReadRecording {
  readonly header: RecordingHeader
  /** In order, each checked when it comes. Rejects with `PoolError` `invalid-argument`. */
  readonly turns: AsyncIterable<Turn>
}

/**
 * Rejects with `PoolError` `invalid-argument` naming the line, what was expected and what came. `lines`: without their ends; they are taken
 * one by one as the turns are.
 */
export async function readRecording(lines: Iterable<string> | AsyncIterable<string>): Promise<ReadRecording> {
  const each = eachOf(lines)
  const first = await each.next()
  if (first.done === true) throw new PoolError('invalid-argument', 'line 1: expected the header of a recording, got nothing')
  return { header: checked(1, first.value, header) as RecordingHeader, turns: turnsOf(each) }
}

async function* eachOf(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string, void> {
  yield* lines
}

async function* turnsOf(lines: AsyncIterable<string>): AsyncGenerator<Turn, void> {
  let number = 1
  for await (const line of lines) {
    if (++number > maxLines) throw new PoolError('invalid-argument', `line ${number}: expected at most ${maxLines} lines`)
    yield checked(number, line, turn) as Turn
  }
  if (number === 1) throw new PoolError('invalid-argument', 'line 2: expected the first turn, got nothing')
}

function checked(number: number, line: string, check: Check): unknown {
  const at: At = { code: 'invalid-argument', name: `line ${number}` }
  if (line.length > maxLine) return refuse(at, `at most ${maxLine} characters`, line.length)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new PoolError('invalid-argument', `line ${number}: expected JSON, got ${shown(line)}`)
  }
  return check(value, at)
}
