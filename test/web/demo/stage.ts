/** The page's own HTML and styles in the document of a test, without its script, and snapshots to draw in it. */
import type { ConnectionSnapshot, PeerId, PeerSnapshot, Point, PointSnapshot, PoolSnapshot } from '../../../src/core/index.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'

/** As Vite serves this checkout to the tests. */
const folder = '/web/demo/'

/** Replaces what the document shows. */
export async function stagePage(): Promise<void> {
  const html = await (await fetch(`${folder}index.html`)).text()
  const page = new DOMParser().parseFromString(html, 'text/html')
  document.body.replaceChildren(...page.body.children)
  for (const script of document.body.querySelectorAll('script')) script.remove()
  await Promise.all(['style', 'controls', 'parts', 'boxes', 'picture'].map(loadStyle))
}

async function loadStyle(name: string): Promise<void> {
  if (document.getElementById(`style-${name}`) !== null) return
  const link = document.createElement('link')
  Object.assign(link, { id: `style-${name}`, rel: 'stylesheet', href: `${folder}${name}.css` })
  await new Promise((resolve) => {
    link.addEventListener('load', resolve)
    link.addEventListener('error', resolve)
    document.head.append(link)
  })
}

export const start = Date.UTC(2026, 0, 2, 3, 4, 5)

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

export interface Cast {
  readonly connections: number
  readonly points: number
  readonly seed?: number
}

/** A pool of so many connections and known points: most of them told by the first three peers, in all conditions. */
export function snapshotOf({ connections: connected, points: known, seed = 1 }: Cast): PoolSnapshot {
  const random = seededRandom(seed)
  const pick = (below: number) => Math.floor(random.next() * below)
  const peerId = () => `12D3KooW${Array.from({ length: 44 }, () => base58[pick(base58.length)]).join('')}` as PeerId
  const connections: ConnectionSnapshot[] = Array.from({ length: connected }, (_, index) => ({
    peerId: peerId(),
    kind: 'pool',
    point: pointAt(index),
    host: null,
    remoteAddress: pointAt(index),
    direction: 'outgoing',
    transport: index % 4 === 3 ? 'webrtc' : 'ws',
    establishedAt: start - 60_000 - index * 1_000,
    trusted: index === 0,
    isPrivate: false,
    introducer: null,
    discovery: true,
    rttMs: { last: 20, least: 18 },
    bytesReceived: 500,
    bytesSent: 400
  })) as ConnectionSnapshot[]
  const points: PointSnapshot[] = Array.from({ length: known }, (_, index) => {
    const connection = connections[index]
    const failed = connection === undefined && index % 3 === 0
    return {
      point: pointAt(index),
      state: connection === undefined ? 'disconnected' : 'running',
      peerId: connection?.peerId ?? (index % 2 === 0 ? peerId() : null),
      trusted: index === 0,
      isPublic: true,
      isSigned: false,
      banned: connection === undefined && index % 41 === 0,
      greylisted: connection === undefined && index % 43 === 0,
      expectedPeerId: null,
      source: index < 3 ? null : (connections[index % 3]?.peerId ?? null),
      discoverySource: 'advertise',
      discoveredAt: start - 100_000 - index,
      lastSeenAt: connection === undefined ? null : start,
      lastFailureAt: failed ? start - 5_000 : null,
      failures: failed ? 1 + (index % 5) : 0,
      backoffForMs: failed ? 30_000 + index * 100 : 0
    }
  })
  const peers: PeerSnapshot[] = points.flatMap(({ peerId: who, point, banned, greylisted, trusted, state }, index) =>
    who === null
      ? []
      : [
          {
            peerId: who,
            state: state === 'running' ? 'running' : 'disconnected',
            ...{
              trusted,
              banned,
              greylisted,
              score: index % 7,
              createdAt: start - 200_000,
              lastSeenAt: start - 1_000,
              lastSeenPoint: point,
              lastReport: null
            }
          }
        ]
  )
  return {
    version: 1,
    takenAt: start,
    status: 'running',
    peerId: peerId(),
    network: 'test',
    privateMode: false,
    ownPoints: [],
    band: { min: 3, expected: 9, max: Math.max(12, connected) },
    bounds: { minThreshold: 5, minTarget: 7, aim: 8, maxTarget: 10, maxThreshold: 11 },
    linkBudget: null,
    active: connections.length,
    outgoingAttempts: 0,
    incomingHandshakes: 0,
    ...{ connections, points, peers },
    ...{ bannedPeers: [], bannedHosts: [], greylistedPeers: [], greylistedHosts: [], blocks: [] },
    storage: { name: 'test', mode: 'persistent', failure: null, lastSavedAt: start, unsavedChanges: false }
  }
}

export function pointAt(index: number): Point {
  return `/ip4/10.${Math.floor(index / 200)}.${index % 200}.1/tcp/${4_000 + index}/ws` as Point
}
