/** What the page says in words: verdicts, phases, news. Pure: the same input gives the same text. */
import type { PeerId } from 'p2p-pool'
import type { Happening } from '../sync/news.ts'
import type { PeerView, Verdict } from '../sync/peer-record.ts'
import type { SyncPhase, SyncView } from '../sync/sync-view.ts'
import { formatDuration } from './format.ts'

/** Text, with the peers in it. */
export type Piece = string | { readonly peerId: PeerId }

export const verdictWords: Readonly<Record<Verdict, { readonly text: string; readonly tone: 'good' | 'busy' | 'warn' | 'bad' | 'plain' }>> =
  {
    lied: { text: 'Proven liar', tone: 'bad' },
    silent: { text: 'Silent', tone: 'warn' },
    slow: { text: 'Slow', tone: 'warn' },
    waiting: { text: 'Just came', tone: 'plain' },
    checking: { text: 'Being checked', tone: 'busy' },
    agrees: { text: 'Agrees', tone: 'good' },
    behind: { text: 'Behind', tone: 'plain' },
    branch: { text: 'On a branch', tone: 'plain' }
  }

const phaseWords: Readonly<Record<SyncPhase, string>> = { searching: 'Looking for peers', syncing: 'Catching up', following: 'At the head' }

export function phaseText({ phase, peers }: Pick<SyncView, 'phase' | 'peers'>, isOffline: boolean): string {
  if (isOffline) return 'Offline'
  return phase === 'following' && !peers.some(({ connected }) => connected) ? 'Looking for peers' : phaseWords[phase]
}

/** 1,234,567 */
export function formatNumber(value: number | bigint): string {
  return value.toLocaleString('en')
}

export function progressText({
  phase,
  head,
  claimedHeight,
  verified
}: Pick<SyncView, 'phase' | 'head' | 'claimedHeight' | 'verified'>): string {
  if (phase === 'syncing')
    return `Verified ${formatNumber(head.header.height)} of the ${formatNumber(claimedHeight)} headers that most peers claim.`
  if (verified === 0) return 'Nothing is verified yet.'
  return `This page has verified every header itself: ${formatNumber(verified)} of them.`
}

/** What a peer claims of its head, against what is true of it. */
export function claimText({ claim, verdict, connected }: Pick<PeerView, 'claim' | 'verdict' | 'connected'>): string {
  if (claim === undefined) return connected ? 'nothing yet' : 'nothing'
  const height = formatNumber(claim.height)
  if (!connected && verdict !== 'lied') return height
  if (verdict === 'checking') return `${height}, not shown yet`
  return verdict === 'agrees' || verdict === 'behind' || verdict === 'branch' ? `${height}, shown` : `${height}, not shown`
}

export function latencyText({ latencyMs, askedForMs }: Pick<PeerView, 'latencyMs' | 'askedForMs'>): string {
  if (askedForMs !== undefined && askedForMs >= 600) return `waiting, ${(askedForMs / 1_000).toFixed(1)} s`
  return latencyMs === undefined ? '–' : `${Math.max(1, Math.round(latencyMs))} ms`
}

const switchWords = { slow: 'keeps us waiting', late: 'did not answer', left: 'left' } as const

/** A line of the log; lies have a list of their own. */
export function newsPieces(peerId: PeerId, what: Happening<PeerId>): readonly Piece[] {
  const who = { peerId }
  switch (what.kind) {
    case 'lie':
      return [who, ' was proven to lie']
    case 'switched':
      return [who, ` ${switchWords[what.why]}: `, { peerId: what.to }, ' was asked instead']
    case 'useless':
      return [who, ` was of no use: ${what.reason}`]
    case 'reorganised': {
      const { forkHeight, dropped, adopted } = what.reorganisation
      return ['Reorganised after ', formatNumber(forkHeight), `: ${dropped} out, ${adopted} in, shown by `, who]
    }
  }
}

/** What became of a liar. Durations are from the proof on, ms. */
export interface AftermathWords {
  readonly greylisted: boolean
  readonly goneAfterMs: number | undefined
  readonly replacement: { readonly peerId: PeerId; readonly afterMs: number } | undefined
}

export function aftermathPieces({ greylisted, goneAfterMs, replacement }: AftermathWords): readonly Piece[] {
  const gone = goneAfterMs === undefined ? 'Reported; still connected' : `Reported, and out after ${shortTime(goneAfterMs)}`
  const listed = greylisted ? ', greylisted' : ''
  if (replacement === undefined) return [`${gone}${listed}.`]
  return [`${gone}${listed}. Replaced by `, { peerId: replacement.peerId }, ` after ${shortTime(replacement.afterMs)}.`]
}

function shortTime(ms: number): string {
  return ms < 950 ? `${Math.max(1, Math.round(ms))} ms` : ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : formatDuration(ms)
}
