/** Values as a person reads them. Pure. */
import type { PeerId } from 'p2p-pool'

/** A peer id is recognised by its end: all ids of one key type begin alike. */
const shownIdLength = 8

export function shortId(peerId: PeerId | string): string {
  return peerId.length <= shownIdLength ? peerId : `…${peerId.slice(-shownIdLength)}`
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

/** 14:03:09 in the viewer's time zone. */
export function formatClock(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
