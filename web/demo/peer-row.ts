/** One known peer: connected or when it was last seen; where, and what can be done once opened. */
import type { PeerSnapshot } from '../../src/core/index.ts'
import { el, type Row, setAttribute, setHidden } from './dom.ts'
import { formatAgo, shortId } from './format.ts'
import type { Known } from './known-info.ts'
import { knownRow } from './known-row.ts'
import type { Page } from './page.ts'
import { banPeer, connectPoint, trustPeer, unbanPeer } from './verbs.ts'
import { actionButton, fact, peerButton, pointButton } from './widgets.ts'

export function peerRow(page: Page, { peerId }: PeerSnapshot): Row<Known<PeerSnapshot>> {
  let current: PeerSnapshot | undefined
  const name = shortId(peerId)
  const row = knownRow({ testId: 'peer-row', attribute: 'data-peer', id: peerId, label: peerButton(peerId), name })
  const seen = fact('last seen')
  const since = fact('first met')
  const score = fact('score')
  const place = el('div', { class: 'line met' })
  const connect = actionButton('connect', () => {
    if (current?.lastSeenPoint != null) connectPoint(page, current.lastSeenPoint)
  })
  const write = actionButton('message', () => page.writeTo(peerId))
  const trust = actionButton('trust', () => trustPeer(page, peerId, !current?.trusted))
  const ban = actionButton('ban', () => (current?.banned ? unbanPeer(page, peerId) : banPeer(page, peerId)), 'danger')
  connect.show('Connect', name)
  write.show('Message', name)
  row.details.append(
    el('dl', { class: 'facts inline' }, [seen.element, since.element, score.element]),
    place,
    el('div', { class: 'actions' }, [trust.element, ban.element])
  )
  row.head.append(write.element, connect.element)

  return {
    element: row.element,
    update({ info, now }) {
      if (current?.lastSeenPoint !== info.lastSeenPoint)
        place.replaceChildren(...(info.lastSeenPoint === null ? [] : ['Last at:', pointButton(info.lastSeenPoint)]))
      setHidden(place, info.lastSeenPoint === null)
      current = info
      row.show({ state: info.state, words: peerWords(info, now), trusted: info.trusted, banned: info.banned, greylisted: info.greylisted })
      seen.show(info.lastSeenAt === null ? 'never' : formatAgo(info.lastSeenAt, now))
      since.show(formatAgo(info.createdAt, now))
      score.show(String(info.score))
      connect.hide(info.state !== 'disconnected' || info.banned || info.lastSeenPoint === null)
      write.hide(info.state !== 'running')
      trust.show(info.trusted ? 'Untrust' : 'Trust', name)
      setAttribute(trust.element, 'data-action', info.trusted ? 'untrust' : 'trust')
      ban.show(info.banned ? 'Lift the ban' : 'Ban', name)
      setAttribute(ban.element, 'data-action', info.banned ? 'unban' : 'ban')
    }
  }
}

/** The one thing worth knowing of a peer in a list. */
export function peerWords(info: PeerSnapshot, now: number): string {
  if (info.state === 'running') return 'connected'
  if (info.state === 'accepted') return 'agreeing…'
  if (info.banned) return 'banned'
  return info.lastSeenAt === null ? 'never connected' : `seen ${formatAgo(info.lastSeenAt, now)}`
}
