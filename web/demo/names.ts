/**
 * Who the peers say they are (`about.ts`), for all parts of the page. The tab that runs the pool reads it from the connections and keeps it with
 * the pool; tabs that follow ask the pool. So a peer that is gone still has its name.
 */
import type { PeerId, PoolSnapshot } from '../../src/core/index.ts'
import type { SharedPool } from '../index.ts'
import { type About, aboutAgent, callOf, decodeAbout, readAbout } from './about.ts'
import { setText } from './dom.ts'
import { shortId } from './format.ts'

/** More peers than a page knows; the one that was learned first goes first. */
const maxNames = 1_000
/** A following tab may ask before the other tab has read the name. */
const againMs = 1_500

export interface Names {
  /** Grows with each name that is learned. */
  readonly version: number
  /** None: it said nothing, or it is not known yet. */
  of(peerId: PeerId): About | undefined
  /** What the peer is called wherever there is room for one name. */
  nameOf(peerId: PeerId): string
  /** Looks for the names of peers that are new in it. */
  show(snapshot: PoolSnapshot): void
}

/** A page has one pool. Elements that are made for one peer (`nameElement`) read it. */
const names = new Map<PeerId, About | undefined>()

/**
 * The one rule for what a peer is called in a line: the name that it gave itself, or its kind or browser, with the end of its id.
 * A name is no proof, so the id is always there.
 */
export function nameOf(peerId: PeerId): string {
  const about = names.get(peerId)
  return `${about === undefined ? '' : callOf(about)} ${shortId(peerId)}`.trimStart()
}

export function aboutOf(peerId: PeerId): About | undefined {
  return names.get(peerId)
}

/** Writes the name of a peer where it is shown already. */
function rename(peerId: PeerId): void {
  for (const element of document.querySelectorAll(`[data-name-of="${CSS.escape(peerId)}"]`)) setText(element, nameOf(peerId))
}

/** Listens from now on; `redraw` is asked for when a name is known. */
export function followNames(pool: SharedPool, redraw: () => void): Names {
  const waiting = new Set<PeerId>()
  let isAsking = false
  let version = 0

  const keep = (peerId: PeerId, about: About | undefined): void => {
    const before = names.get(peerId)
    names.delete(peerId)
    names.set(peerId, about ?? before)
    const [oldest] = names.keys()
    if (names.size > maxNames && oldest !== undefined) names.delete(oldest)
    if (about === undefined || JSON.stringify(about) === JSON.stringify(before)) return
    version += 1
    rename(peerId)
    redraw()
  }
  /** In the tab that runs the pool. */
  const read = async (peerId: PeerId): Promise<About | undefined> => {
    const owned = pool.owned
    const connection = owned?.pool.connections.findByPeerId(peerId)
    if (owned === undefined || connection === undefined) return undefined
    const about = decodeAbout(connection.remoteMetadata) ?? aboutAgent(await agentOf(owned, peerId))
    if (about !== undefined) owned.pool.peers.setMetadata(peerId, about)
    return about
  }
  const ask = async (peerId: PeerId): Promise<About | undefined> => readAbout((await pool.peers.describe(peerId))?.metadata)
  const learn = async (peerId: PeerId): Promise<void> => {
    try {
      keep(peerId, (await read(peerId)) ?? (await ask(peerId)))
    } catch (error) {
      // The tab that runs the pool is gone; the next one is asked when the peer is seen again.
      console.debug('could not learn the name of a peer', error)
      names.delete(peerId)
    }
  }
  const askAll = async (): Promise<void> => {
    if (isAsking) return
    isAsking = true
    for (const peerId of waiting) {
      waiting.delete(peerId)
      await learn(peerId)
    }
    isAsking = false
  }
  pool.addEventListener('connection-opened', ({ detail: { peerId } }) => {
    void learn(peerId)
    setTimeout(() => void learn(peerId), againMs)
  })
  return {
    get version() {
      return version
    },
    of: aboutOf,
    nameOf,
    show({ peers }) {
      for (const { peerId } of peers) {
        if (names.has(peerId)) continue
        names.set(peerId, undefined)
        waiting.add(peerId)
      }
      if (waiting.size > 0) void askAll()
    }
  }
}

/** Of a peer that said nothing to the pool: what libp2p's identify heard; empty if nothing. */
async function agentOf({ node }: NonNullable<SharedPool['owned']>, peerId: PeerId): Promise<string> {
  const id = node.getConnections().find(({ remotePeer }) => remotePeer.toString() === peerId)?.remotePeer
  if (id === undefined) return ''
  try {
    const { metadata } = await node.peerStore.get(id)
    return new TextDecoder().decode(metadata.get('AgentVersion')?.slice(0, 512))
  } catch {
    // It left, and libp2p has forgotten it.
    return ''
  }
}
