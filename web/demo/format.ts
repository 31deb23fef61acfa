/**
 * Values as a person reads them. Pure: the same input gives the same text. Called by every part of the page; the sentences
 * about events are in `sentences.ts`.
 */
import type { Host, PeerId } from '../../src/core/index.ts'

/** A peer id is recognised by its end: all ids of one key type begin alike. */
const shownIdLength = 8

/** Base58 texts that can only be peer ids: ed25519, secp256k1 and RSA. */
const peerIdsInText = /12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|16Uiu2[1-9A-HJ-NP-Za-km-z]{48}|Qm[1-9A-HJ-NP-Za-km-z]{44}/g

export function shortId(peerId: PeerId | string): string {
  return peerId.length <= shownIdLength ? peerId : `…${peerId.slice(-shownIdLength)}`
}

/** A text of the pool, or a point, with the peer ids in it shortened. */
export function shortenIds(text: string): string {
  return text.replaceAll(peerIdsInText, shortId)
}

/** 999 B, 1.2 kB, 34 MB: decimal units, two digits while they tell something. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = Math.max(0, bytes)
  let unit = 0
  // 999.5 would be rounded to a fourth digit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  const text = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value))
  return `${text} ${units[unit]}`
}

/** At most two units, the smaller one left out when it is nothing: 12 s, 3 min 5 s, 2 h, 4 d 1 h. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return pair(`${minutes} min`, seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return pair(`${hours} h`, minutes % 60, 'min')
  return pair(`${Math.floor(hours / 24)} d`, hours % 24, 'h')
}

function pair(larger: string, smaller: number, unit: string): string {
  return smaller === 0 ? larger : `${larger} ${smaller} ${unit}`
}

/** One unit is enough for what is past. An instant in the future (the clock was set back) is now. */
export function formatAgo(at: number, now: number): string {
  const seconds = Math.floor((now - at) / 1_000)
  if (seconds < 2) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

/** Rounded up, so that nothing is said to happen sooner than it can. */
export function formatWait(ms: number): string {
  return formatDuration(Math.ceil(ms / 1_000) * 1_000)
}

/** 14:03:09 in the viewer's time zone. */
export function formatClock(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** One digit tells enough of a sum of impressions. NaN is the score of an application that gave none. */
export function formatScore(score: number): string {
  return Number.isFinite(score) ? String(Math.round(score * 10) / 10) : 'none'
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** IPv4 hosts are kept mapped into IPv6; people know them without. */
export function formatHost(host: Host): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host
}

/** A peer's text, cut so that one message cannot fill the page. Counted in characters as people see them, not cutting one in two. */
export function cutText(text: string, maxLength: number): string {
  const characters = [...text.slice(0, (maxLength + 1) * 2)]
  if (characters.length <= maxLength && text.length <= (maxLength + 1) * 2) return text
  const kept = characters.slice(0, maxLength).join('')
  return `${kept}… (${formatCount(text.length - kept.length, 'more character')})`
}
