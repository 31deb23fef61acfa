/**
 * IP addresses as eight groups of 16 bits, IPv4 mapped into IPv6. Strict: no zone, no brackets, no octal. Called by
 * `address.ts` for the host of a point and by the tables for ranges and /64 prefixes. What an address is good for
 * (public, private …) is `address.ts`'s matter. Own code, since it runs for every point a stranger names and the parser
 * of `@chainsafe/is-ip` needs about 4 µs for an IPv6 text; the tests compare both.
 */

/** Eight numbers of 16 bits each, the most significant first. */
export type IpGroups = readonly number[]

/** The longest spelling, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`; longer texts are refused unread. */
const maxIpLength = 45

/** The address that a text spells, in either family and any IPv6 spelling; `undefined` if it spells none. */
export function parseIp(text: string): IpGroups | undefined {
  if (text.length < 2 || text.length > maxIpLength) return undefined
  if (text.includes(':')) return readIPv6(text)
  const ipv4 = parseIPv4(text)
  return ipv4 === undefined ? undefined : mapIPv4(ipv4)
}

/** Dotted decimals as one number of 32 bits; leading zeros are refused, since some systems read them as octal. */
export function parseIPv4(text: string): number | undefined {
  let address = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      if (digits === 0 || ++dots > 3) return undefined
      address = address * 256 + part
      part = 0
      digits = 0
    } else {
      if (code < 48 || code > 57 || (digits > 0 && part === 0)) return undefined
      part = part * 10 + code - 48
      digits++
      if (part > 255) return undefined
    }
  }
  return dots === 3 && digits > 0 ? address * 256 + part : undefined
}

/**
 * What the systems' resolvers and URL parsers make of a numeric name: one to four decimal, octal or hexadecimal parts,
 * the last of which fills what is left (`0x7f.1`, `2130706433`). Never an accepted spelling of ours: only used to see
 * through names.
 */
export function parseLegacyIPv4(name: string): number | undefined {
  const parts = name.split('.')
  if (parts.length > 4) return undefined
  let address = 0
  for (let i = 0; i < parts.length; i++) {
    const value = readLegacyNumber(parts[i] ?? '')
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
  let runStart = -1
  let runLength = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > runLength) {
      runStart = i
      runLength = end - i
    }
    if (end > i) i = end
  }
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === runStart) {
      text += '::'
      i += runLength - 1
    } else {
      text += text === '' || text.endsWith(':') ? hex(groups[i]) : `:${hex(groups[i])}`
    }
  }
  return text
}

/** Its first `length` bits; the others zero. */
export function prefixOf(groups: IpGroups, length: number): IpGroups {
  return groups.map((group, i) => {
    const kept = Math.min(16, Math.max(0, length - 16 * i))
    return group & (0xffff << (16 - kept)) & 0xffff
  })
}

/** The sixteen octets, in network order. */
export function octetsOf(groups: IpGroups): Uint8Array {
  const octets = new Uint8Array(16)
  for (let i = 0; i < 8; i++) {
    const group = groups[i] ?? 0
    octets[2 * i] = group >> 8
    octets[2 * i + 1] = group & 255
  }
  return octets
}

function hex(group = 0): string {
  return group.toString(16)
}

function readIPv6(text: string): IpGroups | undefined {
  const groups: number[] = []
  let gap = -1
  let i = 0
  if (text.startsWith('::')) {
    gap = 0
    i = 2
  }
  while (i < text.length) {
    if (groups.length === 8) return undefined
    const start = i
    let value = 0
    for (let digit = hexDigit(text.charCodeAt(i)); digit >= 0; digit = hexDigit(text.charCodeAt(i))) {
      value = value * 16 + digit
      i++
    }
    const next = text.charCodeAt(i)
    if (next === 46) {
      const ipv4 = parseIPv4(text.slice(start))
      if (ipv4 === undefined || groups.length > 6) return undefined
      groups.push(Math.floor(ipv4 / 65_536), ipv4 % 65_536)
      break
    }
    if (i === start || i - start > 4) return undefined
    groups.push(value)
    if (i === text.length) break
    if (next !== 58 || ++i === text.length) return undefined
    if (text.charCodeAt(i) === 58) {
      if (gap >= 0) return undefined
      gap = groups.length
      i++
    }
  }
  if (gap < 0) return groups.length === 8 ? groups : undefined
  if (groups.length > 7) return undefined
  const all = [0, 0, 0, 0, 0, 0, 0, 0]
  const shift = 8 - groups.length
  for (let k = 0; k < groups.length; k++) all[k < gap ? k : k + shift] = groups[k] ?? 0
  return all
}

/** -1 for everything else, also for the NaN past the end. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
