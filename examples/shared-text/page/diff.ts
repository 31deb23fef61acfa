/** What changed between two texts, as small as it can be, and where a place in a text is after a change. Pure. */

/** At `at` so many characters went and `inserted` came. Offsets are those of JavaScript strings. */
export interface Edit {
  readonly at: number
  readonly deleted: number
  readonly inserted: string
}

/**
 * One edit that makes `after` of `before`; `undefined`: they are the same. `caret` is where the caret is in `after`: where the edit could be
 * in several places, as an `a` typed into `aaa`, it is the one that ends there.
 */
export function editBetween(before: string, after: string, caret: number): Edit | undefined {
  if (before === after) return undefined
  // What is behind the caret was not typed.
  const maxEnd = Math.min(before.length, after.length)
  let end = 0
  while (end < maxEnd && end < after.length - caret && before.at(-1 - end) === after.at(-1 - end)) end++
  const maxStart = maxEnd - end
  let start = 0
  while (start < maxStart && before[start] === after[start]) start++
  // Less may be left: a caret that is not at the end of what was changed, as after a deletion to the right.
  while (end < maxEnd - start && before.at(-1 - end) === after.at(-1 - end)) end++
  // Yjs would make two broken characters of one that is cut in two.
  if (start > 0 && isHigh(before, start - 1)) start--
  if (end > 0 && isLow(before, before.length - end)) end--
  return { at: start, deleted: before.length - start - end, inserted: after.slice(start, after.length - end) }
}

/** One change of a Yjs text event. */
export interface Change {
  readonly retain?: number | undefined
  readonly delete?: number | undefined
  readonly insert?: unknown
}

/** Where the place before the character at `index` is after the changes. What comes in exactly there lands behind it. */
export function moved(index: number, changes: readonly Change[]): number {
  let at = 0
  for (const change of changes) {
    if (at >= index) break
    if (change.retain !== undefined) {
      at += change.retain
    } else if (change.delete !== undefined) {
      index -= Math.min(change.delete, index - at)
    } else {
      const length = typeof change.insert === 'string' ? change.insert.length : 1
      index += length
      at += length
    }
  }
  return index
}

function isHigh(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800
}

function isLow(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00
}
