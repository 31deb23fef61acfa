/** What a peer is called, beside the end of its id: the name it gave itself, or its kind. Written again as names become known. */
import type { PeerId } from '../../src/core/index.ts'
import { kindWords, titleOf } from './about.ts'
import { el, setText } from './dom.ts'
import type { Page } from './page.ts'

export interface PeerTitle {
  readonly element: HTMLElement
  show(): void
}

export function peerTitle({ names }: Pick<Page, 'names'>, peerId: PeerId): PeerTitle {
  const element = el('b', { class: 'title', 'data-testid': 'peer-title' })
  return {
    element,
    show() {
      const about = names.of(peerId)
      setText(element, about === undefined ? 'Peer' : titleOf(about))
    }
  }
}

/** "Node", "Chrome on a phone"; empty where the title says it, or nothing is known. */
export function kindBeside({ names }: Pick<Page, 'names'>, peerId: PeerId): string {
  const about = names.of(peerId)
  return about === undefined || about.name === '' ? '' : kindWords(about)
}
