/**
 * Address ranges (CIDR) as keys of a table: which of them hold a given address. A look-up costs one hash per distinct
 * prefix length in the table, however many ranges there are. Called by `bans.ts`.
 */
import { formatIPv4, formatIp, type IpGroups, lastIPv4, mappedIPv4, parseIp, prefixOf } from '../values/ip.ts'

/**
 * All addresses that begin with the same bits. IPv4 ranges lie inside `::ffff:0:0/96`, so a range shorter than that,
 * such as `::/0`, holds IPv4 addresses as well.
 */
export interface CidrRange {
  /** Canonical: `192.0.2.0/24`, `2001:db8::/32`. */
  readonly text: string
  readonly prefix: IpGroups
  /** 0 to 128. */
  readonly length: number
}

/** Reads `192.0.2.0/24` or `2001:db8::/32`. An address alone is a range of one; bits behind the prefix are dropped. */
export function parseRange(text: string): CidrRange | undefined {
  const slash = text.indexOf('/')
  const groups = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (groups === undefined) return undefined
  const width = text.includes(':') ? 128 : 32
  const digits = slash < 0 ? String(width) : text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits) || Number(digits) > width) return undefined
  const length = Number(digits) + 128 - width
  const prefix = prefixOf(groups, length)
  const isIPv4 = length >= 96 && mappedIPv4(prefix) !== undefined
  return { text: isIPv4 ? `${formatIPv4(lastIPv4(prefix))}/${length - 96}` : `${formatIp(prefix)}/${length}`, prefix, length }
}

export function isInRange(address: IpGroups, { prefix, length }: CidrRange): boolean {
  return prefixOf(address, length).every((group, i) => group === prefix[i])
}

interface Level<T> {
  readonly length: number
  /** Which bits of an address count. */
  readonly mask: IpGroups
  readonly byPrefix: Map<string, T>
}

/** A value for each range; the owner bounds the number. */
export class CidrTable<T> {
  /** The longest prefixes first; at most 129. */
  #levels: readonly Level<T>[] = []
  readonly #byText = new Map<string, T>()

  get size(): number {
    return this.#byText.size
  }

  get(range: CidrRange): T | undefined {
    return this.#byText.get(range.text)
  }

  set(range: CidrRange, value: T): void {
    let level = this.#levels.find(({ length }) => length === range.length)
    if (level === undefined) {
      level = { length: range.length, mask: prefixOf(new Array<number>(8).fill(0xffff), range.length), byPrefix: new Map() }
      this.#levels = [...this.#levels, level].sort((one, other) => other.length - one.length)
    }
    level.byPrefix.set(keyOf(range.prefix, level.mask), value)
    this.#byText.set(range.text, value)
  }

  /** Returns false if it was not there. */
  delete(range: CidrRange): boolean {
    if (!this.#byText.delete(range.text)) return false
    for (const level of this.#levels) {
      if (level.length === range.length) level.byPrefix.delete(keyOf(range.prefix, level.mask))
    }
    this.#levels = this.#levels.filter(({ byPrefix }) => byPrefix.size > 0)
    return true
  }

  clear(): void {
    this.#levels = []
    this.#byText.clear()
  }

  /** The values of all ranges that hold the address, the smallest range first. */
  matches(address: IpGroups): T[] {
    const found: T[] = []
    for (const { mask, byPrefix } of this.#levels) {
      const value = byPrefix.get(keyOf(address, mask))
      if (value !== undefined) found.push(value)
    }
    return found
  }

  values(): IterableIterator<T> {
    return this.#byText.values()
  }
}

/** Eight characters, one for each group: quick to make and to hash. */
function keyOf(groups: IpGroups, mask: IpGroups): string {
  const masked = (i: number): number => (groups[i] ?? 0) & (mask[i] ?? 0)
  return String.fromCharCode(masked(0), masked(1), masked(2), masked(3), masked(4), masked(5), masked(6), masked(7))
}
