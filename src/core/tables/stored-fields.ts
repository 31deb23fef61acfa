/**
 * One field of the stored text at a time: a JSON value that anybody may have edited, or `unreadable`. Called by
 * `stored-entries.ts`.
 */
import { StorageError } from '../values/ports.ts'
import type { Medium } from './point-info.ts'

/** Longer ids and addresses are refused unread; the longest real ones, relayed over two names, are far shorter. */
const maxTextLength = 1_024
/** Deeper metadata is forgotten: the application, which reads it, may well do so by recursion. */
const maxDepth = 100

export const media: readonly Medium[] = ['operator', 'storage', 'hello', 'advertise', 'nack', 'swap', 'discovery']

/** Thrown, always the same, for what cannot be read; caught in `StoredReader`. */
export const unreadable = new StorageError('broken', 'an entry of the stored state cannot be read')

export type Fields = Readonly<Record<string, unknown>>

export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}

export function asFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable
  return value as Fields
}

export function asText(value: unknown): string {
  if (typeof value !== 'string' || value.length > maxTextLength) throw unreadable
  return value
}

export function asFlag(value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw unreadable
  return value ?? false
}

export function asInstant(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw unreadable
  return value
}

/** The word of ours, and not the text that came: that one would be kept in memory again and again. */
export function asOneOf<Word extends string>(words: readonly Word[], value: unknown): Word {
  for (const word of words) if (word === value) return word
  throw unreadable
}

export function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  const inner = Array.isArray(value) ? value : Object.values(value)
  return depth < maxDepth && inner.every((one) => isShallow(one, depth + 1))
}
