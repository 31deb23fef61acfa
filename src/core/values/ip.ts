/**
 * IP addresses as eight groups of 16 bits, with IPv4 mapped into IPv6, and ranges of them. Strict: no zone, no brackets, no octal.
 * What an address is good for (public, private …) is said by `address.ts`.
 */

/** Eight numbers of 16 bits each, the most significant first. */
export type IpGroups = readonly number[]

/** The longest spelling, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`; longer texts are refused unread. */
const maxIpLength = 45

/** What texts spell: the hosts of points and connections are asked about again and again. Emptied when it is full. */
const remembered = new Map<string, IpGroups>()
const maxRemembered = 1_024

/** The address that a text spells, in either family and any IPv6 spelling; `undefined` if it spells none. */
export function parseIp(text: string): IpGroups | undefined {
  if (text.length < 2 || text.length > maxIpLength) return undefined
  let groups = remembered.get(text)
  if (groups === undefined) {
    const ipv4 = parseIPv4(text)
    groups = ipv4 === undefined ? parseIPv6(text) : mapIPv4(ipv4)
    if (remembered.size >= maxRemembered) remembered.clear()
    if (groups !== undefined) remembered.set(text, groups)
  }
  return groups
}

/** Dotted decimals as one number of 32 bits; leading zeros are refused, since some systems read them as octal. */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split('.', 5)
  const isValid = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  return isValid ? parts.reduce((address, part) => address * 256 + Number(part), 0) : undefined
}

function parseIPv6(text: string): IpGroups | undefined {
  const tail = text.lastIndexOf(':') + 1
  const ipv4 = parseIPv4(text.slice(tail))
  const [head = [], rest, more] = (ipv4 === undefined ? text : text.slice(0, tail) + hex(ipv4 >>> 16, ipv4 & 0xffff))
    .split('::', 3)
    .map((half) => (half === '' ? [] : half.split(':', 9)))
  const given = [...head, ...(rest ?? [])]
  const hasLength = rest === undefined ? given.length === 8 : given.length < 8
  if (more !== undefined || !hasLength || !given.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const zeros = Array.from({ length: 8 - given.length }, () => '0')
  return [...head, ...zeros, ...(rest ?? [])].map((group) => Number.parseInt(group, 16))
}

/**
 * What resolvers and URL parsers make of a numeric name: one to four decimal, octal or hexadecimal parts, the last of which fills
 * what is left (`0x7f.1`, `2130706433`). Never a spelling that we accept: it only serves to see through names.
 */
export function parseLegacyIPv4(name: string): number | undefined {
  const parts = name.split('.', 5)
  if (parts.length > 4) return undefined
  let address = 0
  for (const [i, part] of parts.entries()) {
    const value = readLegacyNumber(part)
    const isLast = i === parts.length - 1
    const limit = isLast ? 256 ** (4 - i) : 256
    if (value === undefined || value >= limit) return undefined
    address += isLast ? value : value * 256 ** (3 - i)
  }
  return address
}

function readLegacyNumber(text: string): number | undefined {
  if (/^0x[0-9a-f]*$/i.test(text)) return text.length === 2 ? 0 : Number.parseInt(text.slice(2), 16)
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8)
  return /^[1-9][0-9]*$/.test(text) ? Number(text) : undefined
}

export function mapIPv4(address: number): IpGroups {
  return [0, 0, 0, 0, 0, 0xffff, Math.floor(address / 65_536), address % 65_536]
}

/** The IPv4 address in it, as one number of 32 bits, if it is a mapped one. */
export function mappedIPv4(groups: IpGroups): number | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, marker = 0] = groups
  return marker === 0xffff && (a | b | c | d | e) === 0 ? lastIPv4(groups) : undefined
}

/** The last 32 bits as one number. */
export function lastIPv4(groups: IpGroups): number {
  return (groups[6] ?? 0) * 65_536 + (groups[7] ?? 0)
}

export function formatIPv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

/** Canonical text by RFC 5952: lower case, the first longest run of zeros shortened, IPv4 dotted in mapped ones. */
export function formatIp(groups: IpGroups): string {
  const ipv4 = mappedIPv4(groups)
  if (ipv4 !== undefined) return `::ffff:${formatIPv4(ipv4)}`
  const text = hex(...groups)
  let start = 0
  let run = ''
  for (const { 0: zeros, index } of text.matchAll(/\b0(?::0)+\b/g)) if (zeros.length > run.length) [start, run] = [index, zeros]
  if (run === '') return text
  return `${text.slice(0, Math.max(0, start - 1))}::${text.slice(start + run.length + 1)}`
}

/** Its first `length` bits; the others zero. */
export function prefixOf(groups: IpGroups, length: number): IpGroups {
  return groups.map((group, i) => {
    const kept = Math.min(16, Math.max(0, length - 16 * i))
    return group & (0xffff << (16 - kept)) & 0xffff
  })
}

function hex(...groups: number[]): string {
  return groups.map((group) => group.toString(16)).join(':')
}

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
export function tryParseRange(text: string): CidrRange | undefined {
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

/** Tests whether a host is in one of these ranges. Texts that are no range hold nobody. */
export function rangeTest(texts: readonly string[]): (host: string) => boolean {
  const ranges = texts.flatMap((text) => tryParseRange(text) ?? [])
  return (host) => {
    const address = ranges.length === 0 ? undefined : parseIp(host)
    return address !== undefined && ranges.some((range) => isInRange(address, range))
  }
}
