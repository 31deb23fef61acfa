/** `p2p-pool status` and what `p2p-pool node` says when it runs, as text. */
import { resolve } from 'node:path'
import { readPoint, scopeOf } from '../../src/core/values/address.ts'
import type { Point } from '../../src/core/values/ids.ts'
import type { PoolSnapshot } from '../../src/core/values/snapshot.ts'
import { defaultDataFolder } from './data-folder.ts'
import { type Health, healthWords } from './health.ts'
import type { PeerStatus } from './peer-status.ts'
import { counted, facts, type Output, safe, since } from './text-output.ts'

export function healthText({ health, active, band }: { readonly health: Health } & Pick<PoolSnapshot, 'active' | 'band'>): string {
  return `${healthWords[health]}: ${counted(active, 'connection')}; the band is ${band.min} to ${band.max}, ${band.expected} expected`
}

export function statusText({ pool, known, relay, ...status }: PeerStatus, out: Output): string {
  const { storage, network, peerId } = pool
  return facts(
    [
      ['peer', peerId],
      ['network', network],
      ['process', `${status.pid}, started ${since(status.startedAt)} ago, p2p-pool ${status.packageVersion}`],
      ['health', healthText({ health: status.health, ...pool })],
      ['doing', status.explanation.text],
      ['addresses', status.addresses.join('\n') || 'none: it does not listen'],
      ['relay', relay === null ? undefined : `${relay.used} of ${relay.max} reservations taken, ${relay.left} left`],
      ['known', `${counted(known.peers, 'peer')}, ${counted(known.points, 'point')}`],
      ['blocked', blockedText(status.blocked)],
      ['data', status.folder],
      ['storage', storageText(storage)],
      ['http', status.http ?? undefined],
      ['control', status.control ?? undefined]
    ],
    out
  )
}

function storageText({ mode, failure, lastSavedAt, unsavedChanges }: PoolSnapshot['storage']): string {
  if (failure !== null) return `failed: ${failure}; peers are kept in memory alone`
  if (mode !== 'persistent') return mode
  const saved = lastSavedAt === null ? 'nothing saved yet' : `saved ${since(lastSavedAt)} ago`
  return unsavedChanges ? `${saved}, changes wait` : saved
}

function blockedText({ bannedPeers, bannedHosts, bannedRanges, greylistedPeers, greylistedHosts }: PeerStatus['blocked']): string {
  const parts = [
    [bannedPeers, 'banned peer'],
    [bannedHosts, 'banned host'],
    [bannedRanges, 'banned range'],
    [greylistedPeers, 'greylisted peer'],
    [greylistedHosts, 'greylisted host']
  ] as const
  return parts.flatMap(([count, word]) => (count === 0 ? [] : [counted(count, word)])).join(', ') || 'nobody'
}

const scopeWords = {
  loopback: 'on this machine',
  private: 'in the local network',
  'link-local': 'in the local network',
  unroutable: 'unroutable',
  public: 'from everywhere',
  name: 'from everywhere'
}

/** The lines of `trustedPoints` that pages need, each with who can use it. */
export function pageLines(addresses: readonly string[]): readonly { readonly line: string; readonly who: string }[] {
  return addresses
    .filter((address) => /\/(ws|wss|webrtc-direct)(\/|$)/.test(address) && !address.includes('/p2p-circuit'))
    .map((address) => {
      const host = readPoint(address as Point).hop.host
      const secure = /\/(tls\/(sni\/[^/]+\/)?ws|wss)(\/|$)/.test(address)
      const isDirect = address.includes('/webrtc-direct')
      const pages = isDirect ? ', with webRtcDirect (experimental)' : secure ? '' : ', from pages that came over http'
      return { line: `trustedPoints: ['${address}']`, who: `${host === undefined ? '' : scopeWords[scopeOf(host)]}${pages}` }
    })
}

export function startedText(status: PeerStatus, out: Output): string {
  const { addresses, relay, folder, pool, http, control } = status
  const lines = pageLines(addresses)
  const width = Math.max(0, ...lines.map(({ line }) => line.length))
  const pages =
    lines.length === 0
      ? ['nothing here: it listens on no WebSocket (--listen /ip4/0.0.0.0/tcp/4002/ws)']
      : lines.map(({ line, who }) => `${line.padEnd(width)}  // ${who}`)
  if (lines.length > 0 && relay === null) pages.push('without --relay pages do not reach each other through it')
  return `${facts(
    [
      ['peer', pool.peerId],
      ['network', pool.network],
      ['data', folder],
      ['addresses', addresses.join('\n') || 'none: it does not listen'],
      ['a page needs', pages.join('\n')],
      ['http', http === null ? undefined : ['/health', '/ready', '/metrics'].map((path) => `${http}${path}`).join('\n')],
      ['control', control ?? undefined]
    ],
    out
  )}\nLook at it with "p2p-pool status${dataOption(folder)}"; Ctrl-C ends it.\n`
}

function dataOption(folder: string): string {
  return folder === resolve(defaultDataFolder()) ? '' : ` --data ${safe(folder)}`
}
