/** The head of the chain, how far the page has come, and the newest headers. */
import type { PeerId } from 'p2p-pool'
import type { SyncView } from '../sync/sync-view.ts'
import { byId, el, keyedList, setAttribute, setHidden, setText } from './dom.ts'
import { formatAgo, shortId } from './format.ts'
import { identicon } from './identicon.ts'
import { peerName } from './pieces.ts'
import { formatNumber, progressText } from './words.ts'

type Newest = SyncView<PeerId>['newest'][number]

export function headCard(): (view: SyncView<PeerId>, now: number) => void {
  const age = byId('head-age', HTMLParagraphElement)
  const height = byId('head-height', HTMLSpanElement)
  const hash = byId('head-hash', HTMLElement)
  const work = byId('head-work', HTMLSpanElement)
  const difficulty = byId('head-difficulty', HTMLElement)
  const servedBy = byId('head-peer', HTMLElement)
  const progress = byId('progress', HTMLProgressElement)
  const progressWords = byId('progress-text', HTMLParagraphElement)
  const card = byId('head-card', HTMLElement)
  const strip = keyedList<Newest>(byId('strip', HTMLOListElement), { key: ({ entry }) => entry.hash, create: block })
  let shownPeer: PeerId | undefined

  return (view, now) => {
    const { head, newest, claimedHeight } = view
    const isGenesis = head.header.height === 0
    // All in one turn, so that height, hash and work are always those of one header.
    setAttribute(card, 'data-head', head.hash)
    setAttribute(card, 'data-height', String(head.header.height))
    setAttribute(card, 'data-work', String(head.totalWork))
    setText(height, formatNumber(head.header.height))
    setText(hash, head.hash)
    setText(work, formatNumber(head.totalWork))
    setText(difficulty, formatNumber(head.header.difficulty))
    setText(age, `${isGenesis ? 'The first header, which the page came with. ' : ''}Made ${formatAgo(head.header.time * 1_000, now)}`)
    const peerId = newest[0]?.servedBy
    if (peerId !== shownPeer || servedBy.childElementCount === 0)
      servedBy.replaceChildren(peerId === undefined ? 'the page itself' : peerName(peerId))
    shownPeer = peerId
    progress.max = Math.max(1, claimedHeight)
    progress.value = claimedHeight === 0 ? 0 : head.header.height
    setText(progressWords, progressText(view))
    setHidden(byId('strip-title', HTMLHeadingElement), newest.length < 2)
    strip.show(newest.length < 2 ? [] : newest)
  }
}

/** A header never changes. */
function block({ entry, servedBy }: Newest): { element: HTMLElement; update(): void } {
  const { height } = entry.header
  const by = servedBy === undefined ? 'which the page came with' : `shown by ${shortId(servedBy)}`
  const element = el('li', { class: 'block', title: `${entry.hash}, ${by}`, 'data-hash': entry.hash }, [
    el('span', { class: 'at' }, [el('span', { class: 'sr' }, ['Header ']), formatNumber(height)]),
    el('span', { class: 'by' }, [
      el('span', { class: 'of' }, [entry.hash.slice(0, 6)]),
      ...(servedBy === undefined ? [] : [identicon(servedBy)]),
      el('span', { class: 'sr' }, [`, ${by}`])
    ])
  ])
  return { element, update: () => undefined }
}
