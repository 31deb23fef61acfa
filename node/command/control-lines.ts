/**
 * JSON lines on the control socket: requests, answers, and the reader of both, which caps the length of a line. Used by the
 * server and the client. Every line names the version, so that a command of another version gets an error instead of nonsense.
 */
import { anything, listOf, recordOf, shown, text, whole } from '../../src/core/values/arguments.ts'
import { CommandError, type PlainError } from './command-error.ts'

/** Raised when a command of before would misunderstand. */
export const controlVersion = 1

/** A request holds one target and a few options. */
export const maxRequestBytes = 64 * 1024
/** A snapshot of 10,000 points and peers has about 8 MB. */
export const maxAnswerBytes = 64 * 1024 * 1024

export interface ControlRequest {
  /** The answer names it. */
  readonly id: number
  readonly verb: string
  readonly args: readonly unknown[]
}

/** One answer for each request; before it, as many events as the verb `events` has. */
export type ControlAnswer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: PlainError }
  | { readonly event: ControlEvent }
)

/** An event of the pool. */
export interface ControlEvent {
  readonly type: string
  readonly detail: unknown
  /** Wall clock, ms since 1970. */
  readonly at: number
}

export function lineOf(message: ControlRequest | ControlAnswer): string {
  return `${JSON.stringify({ version: controlVersion, ...message })}\n`
}

const request = recordOf(
  { version: anything, id: whole(0, Number.MAX_SAFE_INTEGER), verb: text, args: listOf(anything) },
  'id',
  'verb',
  'args'
)

/** Throws `CommandError` `invalid-request` that names what was expected and what came. */
export function readRequest(line: string): ControlRequest {
  const value = readJson(line)
  mustBeOfThisVersion(value, line)
  try {
    return request(value, { code: 'invalid-argument', name: 'request' }) as ControlRequest
  } catch (error) {
    throw new CommandError('invalid-request', error instanceof Error ? error.message : String(error), error)
  }
}

/** What the running peer said. Throws `CommandError` `invalid-answer`. The inside of values is what a peer of this version made. */
export function readAnswer(line: string): ControlAnswer {
  const value = readJson(line)
  mustBeOfThisVersion(value, line)
  if (isAnswer(value)) return value
  throw new CommandError('invalid-answer', `expected an answer with its id and a value, an error or an event, got ${shown(line)}`)
}

function isAnswer(value: unknown): value is ControlAnswer {
  if (!hasOwn(value, 'id') || typeof value.id !== 'number') return false
  if (hasOwn(value, 'error'))
    return (
      hasOwn(value.error, 'code') &&
      typeof value.error.code === 'string' &&
      hasOwn(value.error, 'message') &&
      typeof value.error.message === 'string'
    )
  if (hasOwn(value, 'event'))
    return (
      hasOwn(value.event, 'type') && typeof value.event.type === 'string' && hasOwn(value.event, 'at') && Number.isFinite(value.event.at)
    )
  return hasOwn(value, 'value')
}

function hasOwn<Name extends string>(value: unknown, name: Name): value is Record<Name, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new CommandError('invalid-request', `expected one JSON object in a line, got ${shown(line)}`)
  }
}

function mustBeOfThisVersion(value: unknown, line: string): void {
  if (typeof value !== 'object' || value === null)
    throw new CommandError('invalid-request', `expected one JSON object in a line, got ${shown(line)}`)
  const theirs: unknown = Reflect.get(value, 'version')
  if (theirs !== controlVersion)
    throw new CommandError(
      'invalid-request',
      `version: expected ${controlVersion}, got ${shown(theirs)}: use the command of the same release as the peer`
    )
}

/** The lines of a stream, without their ends; a last one without an end is dropped. Throws `CommandError` `too-large`. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      mustFit(length + end - start, maxBytes)
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString()
      parts = []
      length = 0
      start = end + 1
    }
    length += chunk.length - start
    mustFit(length, maxBytes)
    if (start < chunk.length) parts.push(chunk.subarray(start))
  }
}

function mustFit(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new CommandError('too-large', `expected a line of at most ${maxBytes} bytes, got more`)
}
