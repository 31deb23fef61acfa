/** The list of proven lies with what became of each liar, and the log of everything else. */
import type { PeerId } from 'p2p-pool'
import { lieNames } from '../sync/lie.ts'
import type { News } from '../sync/news.ts'
import type { SyncView } from '../sync/sync-view.ts'
import type { Aftermaths } from './aftermath.ts'
import { byId, el, keyedList, type Row, setHidden, setText } from './dom.ts'
import { formatClock, formatCount } from './format.ts'
import { peerName, pieceNodes } from './pieces.ts'
import { aftermathPieces, newsPieces } from './words.ts'

export function liesList(aftermaths: Aftermaths): (view: SyncView<PeerId>) => void {
  const list = keyedList<News<PeerId>>(byId('lies', HTMLOListElement), { key, create: (news) => lieRow(news, aftermaths) })
  const empty = byId('lies-empty', HTMLParagraphElement)
  const count = byId('lies-count', HTMLParagraphElement)
  return ({ news }) => {
    const lies = news.filter(({ what }) => what.kind === 'lie').reverse()
    list.show(lies)
    setHidden(empty, lies.length > 0)
    setText(count, lies.length === 0 ? '' : formatCount(lies.length, 'lie'))
  }
}

export function logList(): (view: SyncView<PeerId>) => void {
  const list = keyedList<News<PeerId>>(byId('log', HTMLOListElement), { key, create: logRow })
  const empty = byId('log-empty', HTMLParagraphElement)
  return ({ news }) => {
    list.show([...news].reverse())
    setHidden(empty, news.length > 0)
  }
}

function key({ number }: News<PeerId>): string {
  return String(number)
}

function clock(at: number): HTMLTimeElement {
  return el('time', { datetime: new Date(at).toISOString() }, [formatClock(at)])
}

function lieRow({ at, peerId, what }: News<PeerId>, aftermaths: Aftermaths): Row<News<PeerId>> {
  const lie = what.kind === 'lie' ? what.lie : undefined
  const after = el('p', { class: 'lie-after' })
  const element = el('li', { class: 'lie', 'data-peer': peerId, 'data-kind': lie?.kind }, [
    el('div', { class: 'lie-top' }, [
      el('span', { class: 'lie-name' }, [lie === undefined ? '' : lieNames[lie.kind]]),
      el('span', { class: 'small quiet' }, [peerName(peerId), ' at ', clock(at)])
    ]),
    el('p', { class: 'lie-proof' }, [lie?.detail ?? '']),
    after
  ])
  let shown = ''
  return {
    element,
    update() {
      const { greylisted = false, goneAt, replacement } = aftermaths.of(peerId) ?? {}
      const pieces = aftermathPieces({
        greylisted,
        goneAfterMs: goneAt === undefined ? undefined : goneAt - at,
        replacement: replacement === undefined ? undefined : { peerId: replacement.peerId, afterMs: replacement.at - at }
      })
      const text = JSON.stringify(pieces)
      if (text !== shown) after.replaceChildren(...pieceNodes(pieces))
      shown = text
    }
  }
}

function logRow({ at, peerId, what }: News<PeerId>): Row<News<PeerId>> {
  const element = el('li', { 'data-kind': what.kind, 'data-peer': peerId }, [
    clock(at),
    el('span', {}, pieceNodes(newsPieces(peerId, what)))
  ])
  return { element, update: () => undefined }
}
