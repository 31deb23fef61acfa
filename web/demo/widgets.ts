/** The pieces that several parts of the page are made of. They hold no state but what they show. */
import type { PeerId, Point } from '../../src/core/index.ts'
import { el, setAttribute, setHidden, setText } from './dom.ts'
import { shortenIds, shortId } from './format.ts'
import { identicon } from './identicon.ts'
import { nameOf } from './names.ts'
import type { Piece } from './sentences.ts'

/** Picture and end of the id; shows the full id when pointed at or focused, opens its sheet when pressed. Made for one peer for good. `isNamed`: its name is not beside it. */
export function peerButton(peerId: PeerId, { isNamed = false } = {}): HTMLButtonElement {
  const name = shortId(peerId)
  return el(
    'button',
    {
      type: 'button',
      class: 'peer',
      'data-full': peerId,
      'data-open-peer': peerId,
      'data-action': 'open-peer',
      'aria-haspopup': 'dialog',
      'aria-label': isNamed ? undefined : `Peer ${name}, open`
    },
    [
      identicon(peerId),
      ...(isNamed ? [nameElement(peerId), el('span', { class: 'sr' }, [', open'])] : [el('span', { class: 'mono' }, [name])])
    ]
  )
}

/** Its text changes when the peer says its name. */
function nameElement(peerId: PeerId): HTMLElement {
  return el('span', { 'data-name-of': peerId }, [nameOf(peerId)])
}

export function pointButton(point: Point): HTMLButtonElement {
  const name = shortenIds(point)
  return el(
    'button',
    {
      type: 'button',
      class: 'point mono',
      'data-full': point,
      'data-copy': point,
      'data-action': 'copy',
      'aria-label': `${name}, copy the full address`
    },
    breakable(name)
  )
}

/** An address that does not fit a line is broken before its slashes. */
function breakable(address: string): (Node | string)[] {
  return address.split(/(?=\/)/).flatMap((part) => [el('wbr'), part])
}

/** A sentence with its peers and points short; not focusable, since logs have hundreds of them. */
export function pieceNodes(pieces: readonly Piece[]): (Node | string)[] {
  return pieces.map((piece) => {
    if (typeof piece === 'string') return piece
    if ('peerId' in piece)
      return el('span', { class: 'reference peer-reference', 'data-full': piece.peerId }, [
        identicon(piece.peerId),
        nameElement(piece.peerId)
      ])
    return el('span', { class: 'reference mono', 'data-full': piece.point }, breakable(shortenIds(piece.point)))
  })
}

export interface ActionButton {
  readonly element: HTMLButtonElement
  /** `target` is for screen readers: "Ban" alone does not say which peer. */
  show(label: string, target: string): void
  hide(hidden: boolean): void
}

/** `action` is what automated checks look for; `tone` marks what hurts. */
export function actionButton(action: string, onPress: () => void, tone: 'plain' | 'danger' = 'plain'): ActionButton {
  const element = el('button', { type: 'button', class: `action ${tone}`, 'data-action': action })
  element.addEventListener('click', onPress)
  return {
    element,
    show(label, target) {
      setText(element, label)
      setAttribute(element, 'aria-label', `${label} ${target}`)
    },
    hide: (hidden) => setHidden(element, hidden)
  }
}

/** A small labelled word: state, transport, direction, trust. */
export function badge(kind: string, text = ''): HTMLSpanElement {
  return el('span', { class: `badge ${kind}` }, [text])
}

export interface Fact {
  readonly element: HTMLElement
  /** An empty text takes the fact away. */
  show(text: string): void
}

/** A word and its value, for a `<dl>`. */
export function fact(word: string): Fact {
  const value = el('dd')
  const element = el('div', { class: 'fact' }, [el('dt', {}, [word]), value])
  return {
    element,
    show(text) {
      setText(value, text)
      setHidden(element, text === '')
    }
  }
}
