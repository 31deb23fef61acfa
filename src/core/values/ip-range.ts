/** Address ranges (CIDR): reading them, and whether they hold an address. */
import { formatIPv4, formatIp, type IpGroups, lastIPv4, mappedIPv4, parseIp, prefixOf } from './ip.ts'

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
  for (let i = 0, left = length; left > 0; i++, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff
    if (((address[i] ?? 0) & mask) !== prefix[i]) return false
  }
  return true
}
