/** The small things that several parts of the page show. */
import type { PeerId } from 'p2p-pool'
import { el } from './dom.ts'
import { shortId } from './format.ts'
import { identicon } from './identicon.ts'
import type { Piece } from './words.ts'

/** Picture and end of the id, with the whole id as its title. */
export function peerName(peerId: PeerId): HTMLElement {
  return el('span', { class: 'peer', title: peerId }, [identicon(peerId), shortId(peerId)])
}

export function pieceNodes(pieces: readonly Piece[]): (Node | string)[] {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : peerName(piece.peerId)))
}
