/** One row per peer: what it claims, what it showed, how fast, and what the page thinks of it. */
import type { PeerId } from 'p2p-pool'
import type { PeerView } from '../sync/peer-record.ts'
import type { SyncView } from '../sync/sync-view.ts'
import { byId, el, keyedList, type Row, setAttribute, setHidden, setText } from './dom.ts'
import { formatCount } from './format.ts'
import { peerName } from './pieces.ts'
import { claimText, formatNumber, latencyText, verdictWords } from './words.ts'

/** Then it is no first search any more. */
const longSearchMs = 8_000

export function peerTable(startedAt: number): (view: SyncView<PeerId>, now: number) => void {
  const rows = keyedList<PeerView<PeerId>>(byId('peer-rows', HTMLTableSectionElement), { key: ({ peerId }) => peerId, create: row })
  const table = byId('peer-rows', HTMLTableSectionElement).closest('table')
  const empty = byId('peers-empty', HTMLDivElement)
  const title = byId('empty-title', HTMLSpanElement)
  const text = byId('empty-text', HTMLParagraphElement)
  const count = byId('peers-count', HTMLParagraphElement)

  return ({ peers }, now) => {
    if (table !== null) setHidden(table, peers.length === 0)
    setHidden(empty, peers.length > 0)
    const long = now - startedAt > longSearchMs
    setText(title, long ? 'Nobody answers' : 'Looking for peers…')
    setText(
      text,
      long
        ? 'The points this page came with are dialed again and again. If the example was stopped, start it with npm run example:light-client.'
        : 'The points this page came with are being dialed.'
    )
    const connected = peers.filter((peer) => peer.connected).length
    const liars = peers.filter(({ verdict }) => verdict === 'lied').length
    setText(count, `${connected} connected${liars === 0 ? '' : `, ${formatCount(liars, 'liar')} out`}`)
    rows.show(peers)
  }
}

function row({ peerId }: PeerView<PeerId>): Row<PeerView<PeerId>> {
  const verdict = el('span', { class: 'verdict' })
  const claims = el('td', { 'data-label': 'Claims' })
  const served = el('td', { class: 'number', 'data-label': 'Headers served' })
  const answers = el('td', { class: 'number', 'data-label': 'Answers' })
  const latency = el('td', { class: 'number', 'data-label': 'Latency' })
  const element = el('tr', { 'data-peer': peerId }, [
    el('td', {}, [peerName(peerId)]),
    el('td', {}, [verdict]),
    claims,
    served,
    answers,
    latency
  ])
  return {
    element,
    update(peer) {
      const words = verdictWords[peer.verdict]
      setAttribute(element, 'data-verdict', peer.verdict)
      setAttribute(element, 'data-connected', String(peer.connected))
      setAttribute(verdict, 'data-tone', peer.connected || peer.verdict === 'lied' ? words.tone : 'plain')
      setText(verdict, peer.connected || peer.verdict === 'lied' ? words.text : 'Left')
      setText(claims, claimText(peer))
      setText(served, formatNumber(peer.served))
      setText(answers, formatNumber(peer.answers))
      setText(latency, latencyText(peer))
    }
  }
}
