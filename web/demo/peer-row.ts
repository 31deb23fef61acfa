/** One known peer: how well we know it at a glance; the rest is in its sheet. */
import type { PeerSnapshot } from '../../src/core/index.ts'
import { conditions } from './conditions.ts'
import { el, type Row, setAttribute, setHidden } from './dom.ts'
import { explanation } from './explanation.ts'
import { formatAgo, formatScore, shortId } from './format.ts'
import type { Known } from './known-info.ts'
import { knownRow } from './known-row.ts'
import type { Page } from './page.ts'
import { peerTitle } from './peer-title.ts'
import { banPeer, connectPoint, trustPeer, unbanPeer } from './verbs.ts'
import { actionButton, fact, peerButton, pointButton } from './widgets.ts'

export function peerRow(page: Page, first: Known<PeerSnapshot>): Row<Known<PeerSnapshot>> {
  const { peerId } = first.info
  let current = first
  const name = shortId(peerId)
  const title = peerTitle(page, peerId)
  const row = knownRow({
    ...{ testId: 'peer-row', attribute: 'data-peer', id: peerId, name },
    label: el('span', { class: 'line' }, [title.element, peerButton(peerId)]),
    details: (place) => peerDetails(page, { peerId, name, place, current: () => current })
  })
  const connect = actionButton('connect', () => {
    const point = current.info.lastSeenPoint
    if (point !== null) connectPoint(page, point)
  })
  const write = actionButton('message', () => page.writeTo(peerId))
  connect.show('Connect', name)
  write.show('Message', name)
  row.head.append(write.element, connect.element)
  return {
    element: row.element,
    update(known) {
      current = known
      const { info, condition } = known
      title.show()
      row.show({ ...info, condition, words: peerWords(known) })
      connect.hide(info.state !== 'disconnected' || info.banned || info.lastSeenPoint === null)
      write.hide(info.state !== 'running')
    }
  }
}

interface PeerDetails extends Pick<PeerSnapshot, 'peerId'> {
  readonly name: string
  readonly place: HTMLElement
  current(): Known<PeerSnapshot>
}

function peerDetails(page: Page, { peerId, name, place, current }: PeerDetails): () => void {
  const why = explanation(page, peerId)
  const seen = fact('last seen')
  const since = fact('first seen')
  const score = fact('score')
  const last = el('div', { class: 'line met' })
  const more = actionButton('history', () => page.openPeer(peerId))
  const trust = actionButton('trust', () => trustPeer(page, peerId, !current().info.trusted))
  const ban = actionButton('ban', () => (current().info.banned ? unbanPeer(page, peerId) : banPeer(page, peerId)), 'danger')
  more.show('History', name)
  place.append(
    why.element,
    el('dl', { class: 'facts inline' }, [seen.element, since.element, score.element]),
    last,
    el('div', { class: 'actions' }, [more.element, trust.element, ban.element])
  )
  let lastPoint: string | null = null
  return () => {
    const { info, now } = current()
    why.show()
    if (lastPoint !== info.lastSeenPoint)
      last.replaceChildren(...(info.lastSeenPoint === null ? [] : ['Last at:', pointButton(info.lastSeenPoint)]))
    lastPoint = info.lastSeenPoint
    setHidden(last, info.lastSeenPoint === null)
    seen.show(info.lastSeenAt === null ? 'never' : formatAgo(info.lastSeenAt, now))
    since.show(formatAgo(info.createdAt, now))
    score.show(formatScore(info.score))
    trust.show(info.trusted ? 'Untrust' : 'Trust', name)
    setAttribute(trust.element, 'data-action', info.trusted ? 'untrust' : 'trust')
    ban.show(info.banned ? 'Lift the ban' : 'Ban', name)
    setAttribute(ban.element, 'data-action', info.banned ? 'unban' : 'ban')
  }
}

/** The one thing worth knowing of a peer in a list. */
export function peerWords({ info, condition, now }: Pick<Known<PeerSnapshot>, 'info' | 'condition' | 'now'>): string {
  if (condition === 'busy') return 'agreeing…'
  if (condition !== 'ready') return conditions[condition].word
  return info.lastSeenAt === null ? 'never connected' : `seen ${formatAgo(info.lastSeenAt, now)}`
}
