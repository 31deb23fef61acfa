/** The small things that several parts of the page show. */
import type { PeerId } from '../../../src/core/index.ts'
import { el } from '../../../web/demo/dom.ts'
import { shortId } from '../../../web/demo/format.ts'
import { identicon } from '../../../web/demo/identicon.ts'
import type { Piece } from './words.ts'

/** Picture and end of the id, with the whole id as its title. */
export function peerName(peerId: PeerId): HTMLElement {
  return el('span', { class: 'peer', title: peerId }, [identicon(peerId), shortId(peerId)])
}

export function pieceNodes(pieces: readonly Piece[]): (Node | string)[] {
  return pieces.map((piece) => (typeof piece === 'string' ? piece : peerName(piece.peerId)))
}
