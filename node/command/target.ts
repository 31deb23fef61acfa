/** What a person names: a peer id, a multiaddr, a host or an address range. Pure; used by the verbs that take a TARGET. */
import { hostOf, hostOfText, shareGroupOf } from '../../src/core/values/address.ts'
import { shown } from '../../src/core/values/arguments.ts'
import type { Host, PeerId, Point } from '../../src/core/values/ids.ts'
import { isInRange, parseIp, tryParseRange } from '../../src/core/values/ip.ts'
import type { BlockSnapshot } from '../../src/core/values/snapshot.ts'
import { parsePoint, tryParsePeerId } from '../../src/libp2p/point.ts'
import { CommandError } from './command-error.ts'

export type Target =
  | { readonly kind: 'peer'; readonly peerId: PeerId }
  | { readonly kind: 'point'; readonly point: Point; readonly expectedPeerId: PeerId | undefined }
  | { readonly kind: 'host'; readonly host: Host }
  | { readonly kind: 'range'; readonly range: string }

export type TargetKind = Target['kind']

const words: Readonly<Record<TargetKind, string>> = {
  peer: 'a peer id',
  point: 'a multiaddr',
  host: 'a host',
  range: 'a range such as 192.0.2.0/24'
}

/** Reads one of the kinds. Throws `CommandError` `usage` or `PoolError` `invalid-point`, naming what was expected and what came. */
export function readTarget<Kind extends TargetKind>(text: string, ...kinds: readonly Kind[]): Extract<Target, { kind: Kind }> {
  const target = anyTarget(text)
  const found = kinds.find((kind) => kind === target?.kind)
  if (found === undefined)
    throw new CommandError(
      'usage',
      `expected ${kinds.map((kind) => words[kind]).join(' or ')}, got ${target === undefined ? '' : `${words[target.kind].replace(/ such.*/, '')}: `}${shown(text)}`
    )
  return target as Extract<Target, { kind: Kind }>
}

function anyTarget(text: string): Target | undefined {
  const peerId = tryParsePeerId(text.replace(/^\/(?:p2p|ipfs)\/(?=[^/]+$)/, ''))
  if (peerId !== undefined) return { kind: 'peer', peerId }
  if (text.startsWith('/') || text.includes('#')) return { kind: 'point', ...readPoint(text) }
  if (text.includes('/')) {
    const range = tryParseRange(text)?.text
    return range === undefined ? undefined : { kind: 'range', range }
  }
  // A name without a dot may be a peer id with a fault in it; `name.` is a name.
  const host = /[.:]|^localhost$/i.test(text) ? hostOfText(text) : undefined
  return host === undefined ? undefined : { kind: 'host', host }
}

function readPoint(text: string): { readonly point: Point; readonly expectedPeerId: PeerId | undefined } {
  const { point, expectedPeerId } = parsePoint(text)
  return { point, expectedPeerId }
}

/** Is a connection or point one that the target names? */
export function isNamed(
  target: Target,
  { peerId, point, host }: { readonly peerId: PeerId | null; readonly point: Point | null; readonly host?: Host | null }
): boolean {
  switch (target.kind) {
    case 'peer':
      return peerId === target.peerId
    case 'point':
      return point === target.point
    case 'host':
      return (host ?? (point === null ? undefined : hostOf(point))) === target.host
    case 'range': {
      const range = tryParseRange(target.range)
      const address = parseIp(host ?? (point === null ? '' : (hostOf(point) ?? '')))
      return range !== undefined && address !== undefined && isInRange(address, range)
    }
  }
}

/** The bans and greylistings that keep the whole of a host or range out: its own, and those of a range around it. */
export function blocksOf(target: Extract<Target, { kind: 'host' | 'range' }>, blocks: readonly BlockSnapshot[]): readonly BlockSnapshot[] {
  const own = target.kind === 'host' ? target.host : target.range
  const range = target.kind === 'range' ? tryParseRange(own) : undefined
  const address = range?.prefix ?? parseIp(own)
  return blocks.filter(({ kind, host }) => {
    if (host === null) return false
    if (host === own) return true
    const around = host.includes('/') ? tryParseRange(host) : undefined
    if (around !== undefined) return address !== undefined && isInRange(address, around) && around.length <= (range?.length ?? 128)
    // A greylisted IPv6 host stands for its /64.
    return kind === 'greylisted' && target.kind === 'host' && shareGroupOf(target.host) === shareGroupOf(host as Host)
  })
}

/** How it is said to a person. */
export function nameOf(target: Target): string {
  switch (target.kind) {
    case 'peer':
      return target.peerId
    case 'point':
      return target.point
    case 'host':
      return shownHost(target.host)
    case 'range':
      return target.range
  }
}

/** A host as people write it: the tables keep IPv4 addresses in their IPv6 form. */
export function shownHost(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30m`, `2h`, `7d`. Throws `CommandError` `usage`. */
export function readDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const durationMs = Number(digits) * (unitMs[unit] ?? 0)
  if (durationMs > 0) return durationMs
  throw new CommandError('usage', `expected a time such as 90s, 30m, 2h or 7d, got ${shown(text)}`)
}
