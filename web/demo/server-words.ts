/** What the card "Without servers" says: which servers are reachable, and which connections came by an introduction. Pure. */
import type { ConnectionSnapshot, PeerId, PoolSnapshot } from '../../src/core/index.ts'
import { formatCount } from './format.ts'

/** What the demo's server did with its Node peers; `unknown`: it does not say. */
export type ServerState = 'unknown' | 'run' | 'relay-stopped' | 'servers-stopped'

/** Of the answer of `/break.json`. */
export function serverStateOf(broken: readonly unknown[]): ServerState {
  return (['servers-stopped', 'relay-stopped'] as const).find((state) => broken.includes(state)) ?? 'run'
}

type Seen = Pick<PoolSnapshot, 'connections' | 'status'>

export interface Reached {
  /** Peers at an address of their own: Node peers. */
  readonly servers: number
  /** Over WebRTC. */
  readonly pages: number
}

export function reachedOf({ connections }: Pick<Seen, 'connections'>): Reached {
  const pages = connections.filter(({ transport }) => transport === 'webrtc').length
  return { servers: connections.length - pages, pages }
}

/** Whether this page has to go on by itself: no server is connected, and it is not about to start, asleep or offline. */
export function isAlone(snapshot: Seen, isOnline: boolean): boolean {
  return isOnline && snapshot.status === 'running' && reachedOf(snapshot).servers === 0
}

/** One or two sentences. */
export function serverWords(snapshot: Seen, state: ServerState, isOnline: boolean): string {
  const { servers, pages } = reachedOf(snapshot)
  if (!isOnline) return 'This device is offline.'
  if (snapshot.status !== 'running') return ''
  if (servers === 0) {
    const none = state === 'run' ? 'No server is connected at the moment.' : 'No server is reachable.'
    if (pages > 0) return `${none} This page goes on with ${formatCount(pages, 'other page')}.`
    return `${none} This page is connected with no other page either: it needs an invitation, or a server.`
  }
  const connected = `${formatCount(servers, 'server')} ${servers === 1 ? 'is' : 'are'} connected`
  if (state === 'relay-stopped')
    return `The relay is stopped; ${connected}. Pages that this page does not know yet come by an introduction. A page that is opened now knows the relay alone, and finds nobody.`
  if (state === 'servers-stopped') return `${connected} still.`
  return `${connected}${pages === 0 ? '' : `, and ${formatCount(pages, 'other page')}`}.`
}

/** Which connections came by an introduction, oldest first. */
export function introducedOf({
  connections
}: Pick<Seen, 'connections'>): readonly (ConnectionSnapshot & { readonly introducer: PeerId })[] {
  return connections
    .flatMap((connection) => (connection.introducer === null ? [] : [{ ...connection, introducer: connection.introducer }]))
    .sort((a, b) => a.establishedAt - b.establishedAt)
}

/** "2 of 5 connections came by an introduction, through one peer." */
export function introducedWords(snapshot: Pick<Seen, 'connections'>): string {
  const introduced = introducedOf(snapshot)
  const all = snapshot.connections.length
  if (all === 0) return ''
  if (introduced.length === 0) return `None of ${formatCount(all, 'connection')} came by an introduction.`
  const through = new Set(introduced.map(({ introducer }) => introducer)).size
  return `${introduced.length} of ${formatCount(all, 'connection')} came by an introduction, through ${formatCount(through, 'peer')}:`
}
