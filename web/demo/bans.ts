/** Who is kept out: by hand, each with its undo, and by the pool itself. */
import type { Host, PeerId } from '../../src/core/index.ts'
import { byId, el, type KeyedList, keyedList, setHidden } from './dom.ts'
import { formatHost, shortId } from './format.ts'
import type { Page, Part } from './page.ts'
import { unbanHost, unbanPeer } from './verbs.ts'
import { actionButton, peerButton } from './widgets.ts'

type Kept = { readonly peerId: PeerId } | { readonly host: Host }

export function bansPart(page: Page): Part {
  const bans = keptList(byId('ban-list', HTMLUListElement), 'ban-row', (kept) => {
    const lift = actionButton('unban', () => ('peerId' in kept ? unbanPeer(page, kept.peerId) : unbanHost(page, kept.host)))
    lift.show('Lift the ban', 'peerId' in kept ? `of ${shortId(kept.peerId)}` : `of the host ${formatHost(kept.host)}`)
    return lift.element
  })
  const greylist = keptList(byId('greylist', HTMLUListElement), 'greylist-row', () => undefined)
  const nobodyBanned = byId('bans-empty', HTMLParagraphElement)
  const nobodyGreylisted = byId('greylist-empty', HTMLParagraphElement)
  const clear = byId('clear-greylist', HTMLButtonElement)
  clear.addEventListener('click', () => void page.notices.run('Could not clear the greylist', () => clearGreylists(page)))
  return {
    show({ snapshot }) {
      const banned = keptOf(snapshot.bannedPeers, snapshot.bannedHosts)
      const greylisted = keptOf(snapshot.greylistedPeers, snapshot.greylistedHosts)
      bans.show(banned)
      greylist.show(greylisted)
      setHidden(nobodyBanned, banned.length > 0)
      setHidden(nobodyGreylisted, greylisted.length > 0)
      setHidden(clear, greylisted.length === 0)
    }
  }
}

function keptOf(peers: readonly PeerId[], hosts: readonly Host[]): readonly Kept[] {
  return [...peers.map((peerId) => ({ peerId })), ...hosts.map((host) => ({ host }))]
}

function keptList(parent: HTMLElement, testId: string, action: (kept: Kept) => HTMLElement | undefined): KeyedList<Kept> {
  return keyedList<Kept>(parent, {
    key: (kept) => ('peerId' in kept ? `peer ${kept.peerId}` : `host ${kept.host}`),
    create: (kept) => {
      const who = 'peerId' in kept ? peerButton(kept.peerId) : el('span', { class: 'mono' }, [`host ${formatHost(kept.host)}`])
      const about = 'peerId' in kept ? { 'data-peer': kept.peerId } : { 'data-host': kept.host }
      const button = action(kept)
      const element = el('li', { class: 'row line', 'data-testid': testId, ...about }, button === undefined ? [who] : [who, button])
      return { element, update: () => undefined }
    }
  })
}

/** Hosts and peers alike: a person sees one list. */
function clearGreylists({ pool }: Page): void {
  pool.clearGreylist()
  for (const { peerId } of pool.peers.greylisted()) pool.peers.unban(peerId)
}
