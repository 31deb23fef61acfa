/**
 * Checks of what callers hand in: options and arguments, one check for each kind of value. `config.ts` checks options with
 * them, `verbs.ts` the arguments of public methods. Nothing is done with a value before its check returns.
 */
import { hostOfText } from './address.ts'
import type { Host } from './ids.ts'
import { tryParseRange } from './ip.ts'
import type { Network } from './ports.ts'
import { PoolError, type PoolErrorCode } from './reason.ts'

/** Where a value came in. */
export interface At {
  readonly code: PoolErrorCode
  /** For the message: the option, the method, or `method.option`. */
  readonly name: string
  /** Set for arguments of methods; options hold no points or peer ids. */
  readonly parser?: Parser | undefined
  /** Added to what is expected. */
  readonly or?: string
}

export type Parser = Pick<Network, 'parsePoint' | 'parsePeerId'>

/** Returns the value; records and lists as frozen copies. Throws `PoolError` that names what was expected and what came. */
export type Check = (value: unknown, at: At) => unknown

/** A check for every option of `T`: a new option without one does not compile. */
export type Shape<T> = { readonly [Name in keyof T]-?: Check }

/** At most so many characters of a value are shown. */
const maxShown = 120

/** A value for a message: one line, short. Objects are not written out: they may be large, or hold a key. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > maxShown ? `${text.slice(0, maxShown - 1)}…` : text
}

export function refuse({ code, name, or = '' }: At, expected: string, value: unknown): never {
  throw new PoolError(code, `${name}: expected ${expected}${or}, got ${shown(value)}`)
}

function check(expected: string, holds: (value: unknown) => boolean): Check {
  return (value, at) => (holds(value) ? value : refuse(at, expected, value))
}

/** For values that only the application understands. */
export const anything: Check = (value) => value

export const flag = check('true or false', (value) => typeof value === 'boolean')
export const callable = check('a function', (value) => typeof value === 'function')
export const text = check('a text', (value) => typeof value === 'string')
export const name = check('a text that is not empty', (value) => typeof value === 'string' && value !== '')
/** By its method: a signal of another window is none of this one's class. */
export const signal = check('an AbortSignal', (value) => has(value, 'throwIfAborted'))

/** What `peers.info` and `points.info` return. */
export const liveRecord = check('what info() returns', (value) => typeof value === 'object' && value !== null && 'state' in value)

export function whole(min: number, max: number): Check {
  return check(`a whole number from ${min} to ${max}`, (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max)
}

export function figure(min: number, max: number): Check {
  return check(`a number from ${min} to ${max}`, (value) => typeof value === 'number' && value >= min && value <= max)
}

export function oneOf(...choices: readonly string[]): Check {
  return check(choices.map((choice) => `'${choice}'`).join(' or '), (value) => choices.some((choice) => choice === value))
}

/** An object of the application's or the host's, taken as it is. */
export function having(...methods: readonly string[]): Check {
  return check(`an object with ${methods.map((method) => `${method}()`).join(', ')}`, (value) =>
    methods.every((method) => has(value, method))
  )
}

function has(value: unknown, method: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function'
}

export function orNull(inner: Check): Check {
  return (value, at) => (value === null ? null : inner(value, { ...at, or: ' or null' }))
}

export function listOf(inner: Check, min = 0, max = Number.POSITIVE_INFINITY): Check {
  const expected = max < Number.POSITIVE_INFINITY ? `an array of ${min} to ${max}` : 'an array'
  return (value, at) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) return refuse(at, expected, value)
    return Object.freeze(value.map((entry, i) => inner(entry, { ...at, name: `${at.name}[${i}]` })))
  }
}

/** An object with these fields and no others. A field that is `undefined` counts as absent. */
export function recordOf(shape: Readonly<Record<string, Check>>, ...required: readonly string[]): Check {
  const expected = required.length > 0 ? `{ ${required.join(', ')} }` : 'an object with options'
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(at, expected, value)
    const fields = Object.entries(value)
    for (const field of required) if (!Object.hasOwn(value, field)) fields.push([field, undefined])
    const taken = fields.flatMap(([field, given]) => {
      mustKnow(field, shape, { code: at.code, what: at.name === '' ? 'option' : `option of ${at.name}` })
      if (given === undefined && !required.includes(field)) return []
      return [[field, shape[field]?.(given, { ...at, or: '', name: at.name === '' ? field : `${at.name}.${field}` })]]
    })
    return Object.freeze(Object.fromEntries(taken))
  }
}

/** Throws `PoolError` unless it is one of `names`, and names the nearest one, or all where none is near. */
export function mustKnow(given: unknown, names: object, { code, what }: { readonly code: PoolErrorCode; readonly what: string }): void {
  const typed = typeof given === 'string' ? given : ''
  if (Object.hasOwn(names, typed)) return
  const all = Object.keys(names)
  const distances = all.map((one) => distance(typed.toLowerCase(), one.toLowerCase()))
  const least = Math.min(...distances)
  const hint =
    least <= Math.min(2, typed.length / 3) ? `did you mean ${all[distances.indexOf(least)]}?` : `expected one of ${all.join(', ')}`
  throw new PoolError(code, `unknown ${what} ${shown(given)}: ${hint}`)
}

/** How far two names are from each other: by the letters that they lack, by their lengths, and by how they begin. */
function distance(a: string, b: string): number {
  const lacking = (one: string, other: string): number => [...one].filter((letter) => !other.includes(letter)).length
  return lacking(a, b) + Math.max(lacking(b, a), Math.abs(a.length - b.length)) + Number(a[0] !== b[0])
}

// Points, peer ids and hosts.

/** A point in its canonical text. Another spelling is refused: it may hold a peer id, which must not get lost. */
export const point: Check = (value, at) => {
  const where: At = { ...at, code: 'invalid-point' }
  if (typeof value !== 'string') return refuse(where, 'a point such as /ip4/192.0.2.1/tcp/4001', value)
  return canonical(value, where, at.parser?.parsePoint(value).point)
}

/** A peer id in its canonical text. */
export const peerId: Check = (value, at) => {
  const where: At = { ...at, code: 'invalid-peer-id' }
  if (typeof value !== 'string') return refuse(where, 'a libp2p peer id such as 12D3KooW…', value)
  return canonical(value, where, at.parser?.parsePeerId(value))
}

function canonical(given: string, at: At, parsed: string | undefined): string {
  return given === parsed ? given : refuse(at, `the canonical text ${parsed}`, given)
}

/** A host in any spelling, `127.0.0.1` or `::1` or `Example.org`; returned in the one that the tables use. */
export const host: Check = (value, at) =>
  (typeof value === 'string' ? hostOfText(value) : undefined) ?? refuse(at, 'an IP address or a DNS name', value)

/** A range of addresses in any spelling; returned in the canonical one. */
export const range: Check = (value, at) => {
  const found = typeof value === 'string' ? tryParseRange(value) : undefined
  return found?.text ?? refuse(at, 'an address range such as 192.0.2.0/24 or 2001:db8::/32', value)
}

/**
 * The host that a text names, as bans and greylists use it: an IP address in any spelling (`1.2.3.4`, `::1`, `[::1]`), or a DNS name
 * (`Example.org`), which becomes lower case. An IPv4 address becomes `::ffff:1.2.3.4`. Throws `PoolError` `invalid-argument` for any
 * other text, such as `1.2.3`, naming it.
 */
export function parseHost(text: string): Host {
  return host(text, { code: 'invalid-argument', name: 'parseHost' }) as Host
}

/**
 * The canonical text of an address range: `192.0.2.7/24` becomes `192.0.2.0/24`, and a single address a range of one. Throws
 * `PoolError` `invalid-argument` for any other text, naming it.
 */
export function parseRange(text: string): string {
  return range(text, { code: 'invalid-argument', name: 'parseRange' }) as string
}
