/**
 * In what condition a known point or peer is: one of a few, each with its colour and shape (picture.css), its word and
 * its meaning. The lists, the picture of the pool and the legends all take them from here.
 */
import { type PeerId, type PeerSnapshot, type PointSnapshot, type Transport, transportOf } from '../../src/core/index.ts'
import type { Moment } from './page.ts'

export type Condition = 'connected' | 'elsewhere' | 'busy' | 'ready' | 'waiting' | 'foreign' | 'greylisted' | 'banned'

/** In the order in which a legend names them. */
export const conditions: Readonly<Record<Condition, { readonly word: string; readonly meaning: string }>> = {
  connected: { word: 'connected', meaning: 'messages can go both ways now' },
  elsewhere: { word: 'connected another way', meaning: 'its peer is here already, by another address' },
  busy: { word: 'connecting', meaning: 'being dialed, or agreeing on the connection' },
  ready: { word: 'free to dial', meaning: 'dialed as soon as more peers are wanted' },
  waiting: { word: 'waiting', meaning: 'failed or left lately; tried again after a pause that grows' },
  foreign: { word: 'not for pages', meaning: 'a page cannot dial such an address, Node peers can' },
  greylisted: { word: 'greylisted', meaning: 'broke the rules; the pool keeps it out for a while' },
  banned: { word: 'banned', meaning: 'kept out by you, until the ban ends or is lifted' }
}

export const conditionNames = Object.keys(conditions) as Condition[]

/** What a page dials. */
const pageTransports: ReadonlySet<Transport> = new Set(['ws', 'wss', 'webrtc', 'webrtc-direct', 'webtransport'])

/** What the condition of a point depends on beside itself; made once for all points of a drawing. */
export interface Surroundings {
  readonly connected: ReadonlySet<PeerId>
  /** A peer that is kept out is so at each of its points. */
  readonly banned: ReadonlySet<PeerId>
  readonly greylisted: ReadonlySet<PeerId>
  /** Since the snapshot was taken, ms: what it says of waits began to run then. */
  readonly sinceMs: number
}

export function surroundingsOf({ snapshot, now }: Moment): Surroundings {
  return {
    connected: new Set(snapshot.connections.map(({ peerId }) => peerId)),
    banned: new Set(snapshot.bannedPeers),
    greylisted: new Set(snapshot.greylistedPeers),
    sinceMs: Math.max(0, now - snapshot.takenAt)
  }
}

export function conditionOfPoint(info: PointSnapshot, { connected, banned, greylisted, sinceMs }: Surroundings): Condition {
  if (info.state === 'running') return 'connected'
  if (info.state !== 'disconnected') return 'busy'
  const { peerId } = info
  if (info.banned || (peerId !== null && banned.has(peerId))) return 'banned'
  if (info.greylisted || (peerId !== null && greylisted.has(peerId))) return 'greylisted'
  if (peerId !== null && connected.has(peerId)) return 'elsewhere'
  if (!pageTransports.has(transportOf(info.point))) return 'foreign'
  return info.backoffForMs > sinceMs ? 'waiting' : 'ready'
}

/** A peer waits for nothing itself: its points do. */
export function conditionOfPeer(info: PeerSnapshot): Condition {
  if (info.state === 'running') return 'connected'
  if (info.state !== 'disconnected') return 'busy'
  if (info.banned) return 'banned'
  return info.greylisted ? 'greylisted' : 'ready'
}
